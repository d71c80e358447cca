// A prompt is tokenised once, however often it is looked at.
import * as assert from "uvu/assert";
import { load } from "../../src/load.ts";
import { engineSuite, onEngine } from "../support/engine.ts";
import { repoPath } from "../support/files.ts";
import { PROMPT, say } from "../support/say.ts";

const test = await engineSuite("prompts");

test("a prompt is tokenised once, and as what it is when it is read", async () => {
  const model = await load(repoPath("models/fable-2m"), await onEngine());
  const { tokenizer } = model;
  const { encode } = tokenizer;
  let texts: string[] = [];
  tokenizer.encode = (text, how) => (texts.push(text), encode.call(tokenizer, text, how));
  const session = model.session({ policy: "full" });
  await say(session, { maxNewTokens: 2 });
  assert.equal(texts, [PROMPT]);
  texts = [];
  await say(session, { maxNewTokens: 2 }, " Then");
  assert.equal(texts, [" Then"]);
  // Asked for before, read behind something else: it begins no text any more.
  const other = model.session({ policy: "full" });
  const later = other.generate("Once", { maxNewTokens: 1 });
  await say(other, { maxNewTokens: 1 });
  for await (const _ of later);
  const ids = [...encode.call(tokenizer, PROMPT, { bos: true }), ...encode.call(tokenizer, "Once", { special: true })];
  assert.is(other.seen, ids.length + 1);
  for (const one of [session, other]) one.dispose();
  model.dispose();
});

test.run();
