// The command perplexity.
import { exp } from "../../src/engine/elementary.ts";
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
  assert.is(full.perplexity, exp(full.loss));
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

test("a text of which no part is the prompt is not evicted from in the prompt only", async () => {
  const asked = [
    "perplexity",
    "A fox met an owl and a bear near the river",
    "--budget",
    "8",
    "--evict",
    "prompt",
    "--stride",
    "1",
  ];
  const { code, stdout, stderr } = await kvcap(asked);
  assert.equal([code, stdout], [2, ""]);
  assert.match(stderr, /--evict prompt needs --first N, the tokens of the prompt, got none\n$/);
  const { stdout: json } = await kvcap([...asked, "--first", "10", "--json"]);
  assert.is(JSON.parse(json).evictions, 2);
});

test.run();
