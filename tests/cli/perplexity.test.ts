// The command perplexity.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { kvcap } from "../support/command.ts";

const test = suite("command line: perplexity");

test("perplexity counts the same tokens whatever the policy and budget", async () => {
  const text = "Once upon a time, there was a little girl named Lily. She loved to play outside in the park.";
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, text);
  const json = async (...args: string[]) => {
    const { code, stdout, stderr } = await kvcap(["perplexity", ...args, "--json"]);
    assert.is(code, 0, stderr);
    assert.is(stderr, "");
    return JSON.parse(stdout);
  };
  const full = await json(text, "--policy", "full", "--first", "3");
  assert.is(full.evictions, 0);
  assert.is(full.perplexity, Math.exp(full.loss));
  for (const [policy, budget] of [["roco", "12"], ["snapkv", "50%"], ["recency", "8"]]) {
    const capped = await json(`@${file}`, "--policy", policy, "--budget", budget, "--stride", "1", "--first", "3");
    assert.is(capped.tokens, full.tokens);
    assert.is(capped.policy, policy);
    assert.is(capped.liveSlots, capped.budget);
    assert.ok(capped.evictions > 0 && Math.abs(capped.loss - full.loss) > 0.01);
  }
  await Deno.remove(file);
  const { stdout, stderr } = await kvcap(["perplexity", text, "--first", "3", "--policy", "full"]);
  assert.is(stdout, `${full.perplexity.toFixed(4)}\n`);
  assert.match(stderr, `the mean of -ln p over ${full.tokens} tokens`);
});

test.run();
