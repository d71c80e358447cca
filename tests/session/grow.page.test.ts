// A full cache that outgrows what it was sized for. The quick run takes one way of storing K and V in a page.
import * as assert from "uvu/assert";
import { KV_TYPES } from "../../src/engine/kv.ts";
import { load, type Model } from "../../src/load.ts";
import { chosen } from "../support/depth.ts";
import { inBrowser, repoPath } from "../support/files.ts";
import { PROMPT, say } from "../support/say.ts";
import { engineSuite, onEngine } from "../support/engine.ts";

const test = await engineSuite("session: a full cache");
let model: Model;

test.before(async () => {
  model = await load(repoPath("models/fable-2m"), await onEngine());
});
test.after(() => model.dispose());

test("a full cache that grows between generations goes on as one that was large from the start", async () => {
  for (const kv of inBrowser ? chosen(KV_TYPES, () => "any") : KV_TYPES) {
    const grown = model.session({ policy: "full", kv });
    const large = model.session({ policy: "full", budget: 400, kv });
    const options = { maxNewTokens: 12 };
    for (const prompt of [PROMPT, " Then she saw a dog.", " The end of it all was"]) {
      assert.equal((await say(grown, options, prompt)).ids, (await say(large, options, prompt)).ids, kv);
    }
    grown.dispose();
    large.dispose();
  }
});

test("a full cache is sized anew after a reset, and after an abort before anything was read", async () => {
  const before = model.gpuBytes;
  const session = model.session({ policy: "full" });
  const { ids } = await say(session, { maxNewTokens: 4 });
  session.reset();
  assert.equal((await say(session, { maxNewTokens: 40 })).ids.slice(0, ids.length), ids);
  session.dispose();
  assert.is(model.gpuBytes, before);
});

test.run();
