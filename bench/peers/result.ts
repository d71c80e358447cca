// What is known of a case, as it goes into the table, the chart and the JSON.
import type { Case } from "./cases.ts";
import type { Done } from "./child.ts";
import type { Times } from "./numbers.ts";

export interface Result {
  name: string;
  model: string;
  weights: string;
  prompt: number; // tokens
  peer: string;
  host: string;
  device: string;
  threads: number;
  budget: number; // slots per lane; 0: a full cache
  newTokens: number;
  note: string; // what the peer says of itself
  /** Of the greedy text, the tokens that agree with the first case's before any differs; null where it is not compared. */
  agrees: number | null;
  peakBytes: number | null; // of the process tree, its shared memory divided (PSS)
  emptyBytes: number; // of it, Chromium's with an empty page
  runtimeBytes: number; // gzipped
  times: Times | null; // null until it is timed
}

/** What the first run of a case tells. `runtimeBytes`: of its program, where it did not send it itself. */
export function resultOf(one: Case, done: Done, agrees: number | null, runtimeBytes: number): Result {
  const { setup: { peer, host, device, threads, budget }, model, prompt, job } = one;
  const sent = Object.values(done.sent ?? {}).reduce((sum, bytes) => sum + bytes, 0);
  return {
    ...{ name: one.name, model: model.name, weights: model.weights, prompt },
    ...{ peer, host, device, threads, budget, newTokens: job.newTokens },
    ...{ note: done.note, agrees, peakBytes: done.peakBytes, emptyBytes: done.emptyBytes },
    runtimeBytes: sent || runtimeBytes,
    times: null,
  };
}

/** How one case's times relate to another's: more than 1 is better for kvcap. */
export interface Ratio {
  what: string;
  value: number;
  of: [kvcap: string, other: string]; // names of the cases
}

type Pick = { host?: string; device?: string; threads?: number; peer?: string };

/** The bars: kvcap with a full cache against each peer on the same machine, on equally many threads, and against its own WebGPU. */
export function ratiosOf(results: Result[]): Ratio[] {
  const most = Math.max(...results.map(({ threads }) => threads));
  const one = (model: string, prompt: number, pick: Pick) =>
    results.find((result) =>
      result.model === model && result.prompt === prompt &&
      result.budget === 0 && result.times !== null &&
      Object.entries(pick).every(([key, value]) => result[key as keyof Pick] === value)
    );
  const own = (host: string, threads: number): Pick => ({ peer: "kvcap", host, device: "wasm", threads });
  const ratios: Ratio[] = [];
  const compare = (model: string, what: "decode" | "prefill", ours: Pick, other: Pick) => {
    for (const prompt of [...new Set(results.map(({ prompt }) => prompt))]) {
      const [a, b] = [one(model, prompt, ours), one(model, prompt, other)];
      if (!a?.times || !b?.times || a === b) continue;
      const value = what === "decode"
        ? b.times.stepMs.median / a.times.stepMs.median
        : a.times.prefillTokensPerSecond.median /
          b.times.prefillTokensPerSecond.median;
      const against = other.device === "webgpu" ? "kvcap on WebGPU" : other.peer;
      const threads = `${ours.threads} ${ours.threads === 1 ? "thread" : "threads"}`;
      const title = `${model}, ${what}, prompt of ${prompt}: ${ours.host}, ${threads}, against ${against}`;
      ratios.push({ what: title, value, of: [a.name, b.name] });
    }
  };
  for (const threads of new Set([1, most])) {
    for (const model of ["smollm2-135m", "fable-2m"]) {
      for (const what of ["decode", "prefill"] as const) {
        compare(model, what, own("Deno", threads), { peer: "llama.cpp", threads });
        compare(model, what, own("Chromium", threads), { peer: "wllama", threads });
        compare(model, what, own("Chromium", threads), { peer: "transformers.js", threads });
        compare(model, what, own("Deno", threads), { peer: "kvcap", device: "webgpu" });
      }
    }
  }
  return ratios;
}
