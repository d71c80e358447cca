// Sessions that evict while a prompt is read only: what is generated stays, and the cache has room for it.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { load, type Model } from "../../src/load.ts";
import { repoPath } from "../support/files.ts";
import { say } from "../support/say.ts";

const test = suite("session: tokens go while a prompt is read");
const where = repoPath("models/fable-2m");
const whole = { stopAtEnd: false } as const;
let model: Model;

test.before(async () => {
  model = await load(where, { device: "wasm" });
});
test.after(() => model.dispose());

test("a cache that is full to the last slot takes in the token generated last, with nothing to generate behind it", async () => {
  const session = model.session({ budget: 12, stride: 4, evict: "prompt" });
  const first = await say(session, { ...whole, maxNewTokens: 20 });
  await say(session, { maxNewTokens: 0 }, "");
  assert.is(session.seen, first.promptTokens + 20);
  assert.is(session.report().liveSlots, 12 + 20);
  session.dispose();
});

test("under a bound on memory, where no budget is given, there is room for what is generated", async () => {
  const small = await load(where, { device: "wasm", memory: 14e6 });
  const [free, bounded] = [model, small].map((model) => model.session({ evict: "prompt" }));
  assert.is(bounded.options.budget, free.options.budget);
  const options = { ...whole, maxNewTokens: 300 };
  assert.equal((await say(bounded, options)).ids, (await say(free, options)).ids);
  small.dispose();
  free.dispose();
});

test.run();
