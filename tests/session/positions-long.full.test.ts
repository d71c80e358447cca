// A text far longer than any that the model was trained on (2 048 tokens): with positions counted in the cache, every fifth of
// it must be as easy to foresee as the same tokens read afresh, and be foreseen by a full cache, too; other stories read behind
// it must be as easy as behind its last lines alone. Each is compared over the same tokens: the mean of other 600 tokens would
// differ by 0.1 to 0.2 of itself.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { load } from "../../src/load.ts";
import type { SessionOptions } from "../../src/options/index.ts";
import type { Session } from "../../src/session/session.ts";
import { repoPath } from "../support/files.ts";
import { losses } from "../support/losses.ts";

const STEPS = 20_000; // tokens
const PART = 600; // tokens of a fifth that are compared
const LEAD = 300; // tokens before them, when they are read afresh
const NEAR = 3000; // tokens before the stories that absolute positions are compared on
const STORIES = 800; // tokens
const CACHE: SessionOptions = { policy: "roco", budget: 128, stride: 16, positions: "cache" };
const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

const test = suite("positions in the cache, far beyond those trained on");
test(`${STEPS} tokens under roco in 128 slots`, async () => {
  const model = await load(repoPath("models/fable-2m"), { device: "wasm", precision: "exact", sampling: "greedy" });
  const session = model.session(CACHE);
  const prompt = model.tokenizer.encode("Once upon a time", { bos: true });
  const write = async (session: Session, maxNewTokens: number, seed: number) => {
    const sampling = { temperature: 1, seed, stopAtEnd: false }; // when a story ends, another begins
    for await (const _ of session.generate(prompt, { maxNewTokens, ...sampling }));
    session.dispose();
    return session.report().ids;
  };
  const text = [...prompt, ...await write(session, STEPS, 1)];
  // Stories long enough that their mean says little of what they stand behind: a short one's differs by 0.1 from place to place.
  const stories = await write(model.session({ policy: "full" }), STORIES, 2);
  const ids = [...text, ...stories];

  const read = await losses(model, ids, CACHE);
  const parts: number[] = [], afresh: number[] = [], whole: number[] = []; // the last PART tokens of every fifth
  for (let i = 1; i <= 5; i++) {
    const end = prompt.length + Math.floor(i * STEPS / 5);
    parts.push(mean(read.slice(end - 1 - PART, end - 1)));
    const alone = [...prompt, ...text.slice(Math.max(prompt.length, end - PART - LEAD), end)];
    const first = alone.length - PART;
    afresh.push((await model.perplexity(alone, { ...CACHE, first })).loss);
    whole.push((await model.perplexity(alone, { policy: "full", first })).loss);
  }
  const ofStories = (all: number[]) => mean(all.slice(1 - STORIES));
  const early = ofStories(await losses(model, [...prompt, ...text.slice(-LEAD), ...stories], CACHE));
  const late = ofStories(read);
  // That this would show: just beyond the positions trained on, those counted in the text do worse.
  const near = [...prompt, ...text.slice(prompt.length, prompt.length + NEAR), ...stories];
  const counted = ofStories(await losses(model, near, CACHE));
  const absolute = ofStories(await losses(model, near, { ...CACHE, positions: "absolute" }));
  model.dispose();
  const told = (value: number) => value.toFixed(3);
  console.log(`    loss of the text by fifths: ${parts.map(told).join(", ")}`);
  console.log(`    the same tokens afresh: ${afresh.map(told).join(", ")}; full cache ${whole.map(told).join(", ")}`);
  console.log(`    of other stories: ${told(early)} behind the last ${LEAD} tokens, ${told(late)} behind all`);
  console.log(`    behind ${NEAR} tokens: ${told(counted)}, with absolute positions ${told(absolute)}`);
  for (const [i, loss] of parts.entries()) {
    assert.ok(loss < afresh[i] + 0.15, `fifth ${i + 1} is foreseen as well as afresh`);
    assert.ok(whole[i] < 3.5, `fifth ${i + 1} is a text that the model foresees`); // 2.2 to 3.0; random tokens: 14
  }
  assert.ok(late < early + 0.15, "stories are foreseen as well behind all as behind little");
  assert.ok(absolute > counted + 0.1, "which positions counted in the text do not manage");
});
test.run();
