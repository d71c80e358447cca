// The search for the smallest budget, on losses whose answer is known, and the command on a text.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { fit } from "../../src/eval/fit.ts";
import { load } from "../../src/load.ts";
import { kvcap, kvcapRefuses } from "../support/command.ts";
import { repoPath } from "../support/files.ts";

const test = suite("eval: fit");

test("finds the first budget under the bound, and the first whose interval is, in few steps", async () => {
  const full = [2, 3, 4, 5];
  const offsets = [-1, 1, -2, 2].map((part) => part / 1000); // what parts differ by
  for (const needed of [1, 2, 17, 499, 500]) {
    let asked = 0;
    const { smallest, sure } = await fit({
      ...{ bound: 1.05, full, most: 500 },
      losses: (budget) => {
        asked++;
        if (budget < 12) return Promise.resolve(null);
        const more = Math.log(1.05) + (needed - budget) / 1e4; // exactly the bound at `needed`
        return Promise.resolve(full.map((loss, i) => loss + more + (i === 0 ? -1e-9 : 0) + offsets[i]));
      },
    });
    assert.is(smallest.budget, Math.max(12, needed));
    assert.ok(sure.budget >= smallest.budget && sure.ratio.high <= 1.05 || sure.budget === 500);
    assert.ok(sure.budget <= smallest.budget + 20); // parts differ by 0.002 at most, 20 slots
    assert.ok(asked <= 20, `${asked} budgets tried`);
  }
});

test("a text of the shipped model: the ratios are model.perplexity's, and one slot less is too little", async () => {
  const path = repoPath("src/eval/texts/ferry.txt");
  const args = [
    "--policies",
    "roco,recency",
    "--documents",
    "3",
    "--length",
    "160",
    "--ratio",
    "1.03",
    "--device",
    "wasm",
  ];
  const { code, stdout, stderr } = await kvcap(["fit", `@${path}`, ...args, "--json"]);
  assert.is(code, 0, stderr);
  const { parts, tokens, policies } = JSON.parse(stdout);
  assert.equal([parts, tokens, policies.length], [3, 161, 2]);
  const model = await load(repoPath("models/fable-2m"), { device: "wasm" });
  const all = model.tokenizer.encode(await Deno.readTextFile(path));
  const begins = [0, Math.floor((all.length - 160) / 2), all.length - 160];
  const loss = async (options: Parameters<typeof model.perplexity>[1]) => {
    let sum = 0;
    for (const begin of begins) {
      sum += (await model.perplexity([model.tokenizer.bosId!, ...all.slice(begin, begin + 160)], options)).loss;
    }
    return sum / 3;
  };
  const full = await loss({ policy: "full" });
  for (const { policy, smallest, sure } of policies) {
    const ratio = async (budget: number) => Math.exp(await loss({ policy, budget }) - full);
    assert.ok(Math.abs(await ratio(smallest.budget) - smallest.ratio.mean) < 1e-12);
    assert.ok(smallest.ratio.mean <= 1.03 && await ratio(smallest.budget - 1) > 1.03);
    assert.ok(sure.ratio.high <= 1.03 && sure.budget >= smallest.budget);
  }
  model.dispose();
});

test("what it cannot do", async () => {
  const cases: [string[], number, string][] = [
    [["fit", "x", "--ratio", "1"], 2, "--ratio must be a number above 1, got 1"],
    [["fit", "x", "--documents", "1"], 2, "--documents must be a whole number from 2, got 1"],
    [["fit", "x", "--policies", "rocco"], 2, "policy must be one of roco"],
    [["fit", "x", "--evict", "prompt"], 2, "fit takes no --evict"],
    [["fit", "too short a text"], 1, "Cannot fit a budget: the text must have at least 64 tokens, got "],
  ];
  for (const [args, wanted, words] of cases) {
    await kvcapRefuses(args, wanted, words);
  }
});

test.run();
