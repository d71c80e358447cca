// What the benchmark against peers makes of its times, and that its command refuses what it does not know.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Done } from "../../bench/peers/child.ts";
import { agreement, quantile, textAgreement, timesOf } from "../../bench/peers/numbers.ts";
import { optionsOf } from "../../bench/peers/options.ts";
import { memoryOf, othersBetween } from "../../bench/peers/processes.ts";
import { ratiosOf, type Result } from "../../bench/peers/result.ts";
import { beside } from "../../bench/peers/busy.ts";
import { readJson, repoPath } from "../support/files.ts";

const peers = suite("peers");

const round = (prefillMs: number[], steps: number[][], others: number | null): Done => ({
  ...{ firstMs: prefillMs[0] + 100, ids: [], text: "", gaps: [], note: "", peakBytes: null, emptyBytes: 0, others },
  runs: prefillMs.map((prefillMs, i) => ({ prefillMs, steps: steps[i] })),
});

peers("quantiles lie between their neighbours", () => {
  assert.is(quantile([3, 1, 2], 0.5), 2);
  assert.is(quantile([4, 1, 2, 3], 0.5), 2.5);
  assert.is(quantile([0, 10], 0.9), 9);
  assert.is(quantile([7], 0.9), 7);
});

peers("rounds come to medians, with the least and the most", () => {
  const rounds = [
    round([100, 200], [[1, 2], [3, 4]], 0.1),
    round([300, 300], [[5, 5], [5, 9]], 0.5),
    round([50, 50], [[1, 1], [1, 1]], null),
  ];
  const { prefillTokensPerSecond, stepMs, firstMs, others } = timesOf(rounds, 30);
  assert.equal(prefillTokensPerSecond, { median: 200, least: 100, most: 600 });
  assert.equal(stepMs, { median: 2.5, least: 1, most: 5 });
  assert.equal(firstMs, { median: 200, least: 150, most: 400 });
  assert.is(others, 0.5);
});

peers("texts agree up to the first difference, told as ids or as text", () => {
  assert.is(agreement([1, 2, 3], [1, 2, 4]), 2);
  assert.is(agreement([1, 2], [1, 2, 4]), 2);
  assert.is(agreement([5], [1]), 0);
  const textOf = (ids: number[]) => ids.map((id) => ` ${id}`).join("");
  assert.is(textAgreement([1, 2, 3], " 1 2 4", textOf), 2);
  assert.is(textAgreement([1, 2, 3], "", textOf), 0);
});

peers("ratios say how many times as fast kvcap is, on as many threads", () => {
  const of = (peer: string, host: string, threads: number, ms: number, perSecond: number) => ({
    ...{ name: `${peer} ${threads}`, model: "smollm2-135m", prompt: 128, peer, host, threads, budget: 0 },
    device: peer === "llama.cpp" ? "native" : "wasm",
    times: { stepMs: { median: ms }, prefillTokensPerSecond: { median: perSecond } },
  } as unknown as Result);
  const ratios = ratiosOf([
    ...[of("kvcap", "Deno", 1, 10, 50), of("kvcap", "Deno", 2, 6, 90)],
    ...[of("llama.cpp", "Node", 1, 20, 100), of("llama.cpp", "Node", 2, 9, 180)],
  ]);
  assert.equal(ratios.map(({ value }) => value), [2, 0.5, 1.5, 0.5]);
  assert.match(ratios[2].what, "decode, prompt of 128: Deno, 2 threads, against llama.cpp");
});

peers("options are read, and what breaks a rule is refused", () => {
  const read = (...args: string[]) => optionsOf(args, ["fable-2m"]);
  assert.is(read("--help"), "help");
  const { rounds, prompts, only } = read("--quick", "--only=kvcap wasm-2", "--prompt=7") as Exclude<
    ReturnType<typeof read>,
    "help"
  >;
  assert.equal([rounds, prompts, only], [1, [7], ["kvcap", "wasm-2"]]);
  assert.throws(
    () => read("--rounds=0"),
    /Cannot time the peers: rounds must be a whole number from 1 to 9999, got "?0/,
  );
  assert.throws(() => read("--prompt=1,x"), /prompt must be a whole number from 1 to 9999, got "?x/);
  assert.throws(() => read("--model=gpt"), /model must be one of fable-2m, got "?gpt/);
  assert.throws(() => read("--round=2"), /round/);
});

peers("others' share leaves out our own, and is never below nothing", () => {
  const at = (busy: number, own: number, all: number) => ({ busy, own, all });
  assert.is(othersBetween(at(100, 10, 1000), at(160, 40, 1100)), 0.3);
  assert.is(othersBetween(at(100, 10, 1000), at(120, 40, 1100)), 0);
  assert.is(othersBetween(null, at(1, 1, 1)), null);
});

if (Deno.build.os === "linux") {
  peers("a process tree's memory has its children's, and busy processes end", async () => {
    const alone = memoryOf(Deno.pid)!;
    const more = await beside(2, () => Promise.resolve(memoryOf(Deno.pid)!));
    assert.ok(alone > 2 ** 20, `${alone} bytes`);
    assert.ok(more > alone + 2 * 2 ** 20, `${alone} bytes, then ${more}`);
    assert.ok(memoryOf(Deno.pid)! < more);
  });
}

peers("exact versions are installed, and the lock file names no registry", async () => {
  const { devDependencies } = await readJson(repoPath("bench/peers/package.json"));
  for (const [name, version] of Object.entries<string>(devDependencies)) assert.match(version, /^\d+\.\d+\.\d+$/, name);
  const { packages } = await readJson(repoPath("bench/peers/package-lock.json"));
  for (const [path, { resolved }] of Object.entries<{ resolved?: string }>(packages)) {
    assert.is(resolved, undefined, path);
  }
});

peers.run();
