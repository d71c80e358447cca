// Sessions against a naive float64 twin: prompts beyond the budget, read in chunks, evicted from while they are read.
// The quick run takes of each model, policy, score, allocation, kind of K and V and of positions one; a page, in either run, of the last two.
import * as assert from "uvu/assert";
import type { LaneViews } from "../../src/core/core.ts";
import { load } from "../../src/load.ts";
import { openSource } from "../../src/files/open-source.ts";
import { openFolder } from "../../src/model/open.ts";
import { checkSession, leastOf, type SessionOptions } from "../../src/options/index.ts";
import { chosen, few, full } from "../support/depth.ts";
import { inBrowser, listGolden, modelFolder } from "../support/files.ts";
import { basisOf, presetOf } from "../../src/policies/own.ts";
import { fieldScore, hasFieldScore } from "../reference/field.ts";
import { readWeights, SessionTwin } from "../reference/forward.ts";
import { engineSuite, onEngine } from "../support/engine.ts";

const NEW = 12; // tokens

const test = await engineSuite("session, against its twin");

/** Setups that leave free slots behind (last chunks shorter than others), pin, protect, and slide a window. */
const SETUPS: [model: string, SessionOptions][] = [
  ["tiny-llama3", { policy: "roco", budget: 16, stride: 4, sinks: 2, newest: 3, unsettled: 4 }],
  ["tiny-qwen3", { policy: "roco", budget: 15, stride: 7, sinks: 0, newest: 1, unsettled: 0 }],
  ["tiny-qwen2", { policy: "h2o", budget: 12, stride: 5, sinks: 1, newest: 2 }],
  ["tiny-mqa-sharded", { policy: "tova", budget: 14, stride: 6, sinks: 1, newest: 1 }],
  ["tiny-mha", { policy: "roco", budget: 13, stride: 1, sinks: 1, newest: 1 }],
  ["tiny-mistral-window", { policy: "h2o", budget: 20, stride: 8, sinks: 2, newest: 2 }],
  ["tiny-mistral-window", { policy: "tova", budget: 14, stride: 8, sinks: 1, newest: 1 }], // what its last query does not see
  ["tiny-mistral", { policy: "random", budget: 12, stride: 5, seed: 7 }],
  ["tiny-llama3", { policy: "recency", budget: 12, stride: 5, sinks: 3 }],
  ["tiny-llama3", { policy: "roco", budget: 45, stride: 9, sinks: 0, newest: 2, pinPrompt: true }],
  ["tiny-llama3", { policy: "roco", budget: 16, stride: 4, sinks: 2, newest: 3, positions: "cache" }],
  ["tiny-mistral-window", { policy: "recency", budget: 20, stride: 8, sinks: 2, newest: 2, positions: "cache" }],
  ["tiny-qwen2", { policy: "h2o", budget: 14, stride: 4, aggregate: "max" }],
  ["tiny-llama3", { policy: "tova", budget: 12, stride: 10, sinks: 0, newest: 0 }], // last chunk of 1 after 10 freed
  ["tiny-qwen2", { policy: "roco", budget: 14, stride: 13, sinks: 0, newest: 0, positions: "cache" }],
  ["tiny-mha", { policy: "random", budget: 13, stride: 1, positions: "cache" }],
  ["tiny-llama3", { policy: "tova-layer", budget: 16, stride: 5 }],
  ["tiny-qwen3", { policy: "scissorhands", budget: 16, stride: 3, window: 6 }],
  ["tiny-qwen2", { policy: "snapkv", budget: 16, stride: 4, window: 3, width: 3 }],
  ["tiny-llama3", { policy: "snapkv", budget: 18, stride: 2, pool: "mean", width: 5, shared: true }],
  ["tiny-mistral", { policy: "streaming", budget: 14, stride: 6, positions: "cache" }],
  ["tiny-llama3", { policy: "crest", budget: 16, stride: 4, sinks: 2, newest: 3, peaks: 4 }],
  ["tiny-qwen3", { policy: "crest", halfLife: 5, budget: 15, stride: 7, sinks: 1, newest: 1, positions: "cache" }],
  ["tiny-llama3", { policy: "gkv", budget: 16, stride: 4, window: 5, halfLife: 7 }],
  ["tiny-qwen2", { policy: "gkv", scope: "peak", shared: true, budget: 16, stride: 4, window: 3 }],
  ["tiny-mha", { policy: "crest", budget: 20, stride: 3, sinks: 1, newest: 1, allocation: "adaptive" }],
  ["tiny-qwen2", { policy: "crest", scope: "low-spread", budget: 20, stride: 4, allocation: "pyramid" }],
  ["tiny-llama3", { policy: "h2o", scope: "peak", shared: true, budget: 15, stride: 5, peaks: { share: 0.5 } }],
  ["tiny-qwen3", { score: "sum", scope: "low-spread", budget: 16, stride: 4, unsettled: 5 }],
  ["tiny-qwen2", { policy: "recency", scope: "low-spread", budget: 16, stride: 4, sinks: 0 }],
  ["tiny-llama3", { policy: "h2o", shared: true, budget: 15, stride: 5, pin: [[0, 3], [9, 12], [44, 46]] }],
  ["tiny-qwen3", { budget: 20, stride: 4, sinks: { share: 0.25 }, newest: { share: 0.2 }, peaks: { share: 0.5 } }],
  ["tiny-llama3", { score: fading, scope: "all", budget: 16, stride: 4, newest: 3 }],
  ["tiny-qwen2", { score: fading, scope: "low-spread", shared: true, budget: 16, stride: 1 }],
  ["tiny-llama3", { policy: "roco", budget: 20, stride: 4, sinks: 2, newest: 2, allocation: "pyramid" }],
  ["tiny-mha", { policy: "random", budget: 16, stride: 3, sinks: 1, newest: 1, allocation: "pyramid" }],
  ["tiny-qwen2", { policy: "tova", budget: 19, stride: 4, allocation: "pyramid", positions: "cache" }],
  ["tiny-llama3", { policy: "roco", budget: 20, stride: 4, sinks: 2, newest: 2, allocation: "adaptive" }],
  ["tiny-mha", { policy: "h2o", budget: 16, stride: 3, sinks: 1, newest: 1, allocation: "adaptive" }],
  ["tiny-qwen3", {
    policy: "h2o",
    budget: 18,
    stride: 5,
    sinks: 1,
    newest: 1,
    allocation: "adaptive",
    positions: "cache",
  }],
  ["tiny-mqa-sharded", { policy: "tova", budget: 18, stride: 5, sinks: 1, newest: 1, allocation: "adaptive" }],
  ["tiny-mistral-window", { policy: "tova", budget: 22, stride: 1, sinks: 1, newest: 1, allocation: "adaptive" }],
  ["tiny-llama3", { policy: "tova-layer", budget: 20, stride: 4, sinks: 2, newest: 2, allocation: "pyramid" }],
  ["tiny-llama3", { policy: "snapkv", budget: 20, stride: 4, sinks: 1, newest: 2, allocation: "adaptive", window: 4 }],
  ["tiny-llama3", { kv: "f16", policy: "roco", budget: 16, stride: 4, sinks: 2, newest: 3, unsettled: 4 }],
  ["tiny-qwen3", { kv: "f16", policy: "h2o", budget: 15, stride: 7, sinks: 1, newest: 1, positions: "cache" }],
  ["tiny-qwen2", { kv: "q8", policy: "h2o", budget: 12, stride: 5, sinks: 1, newest: 2 }],
  ["tiny-mqa-sharded", { kv: "q8", policy: "tova", budget: 14, stride: 6, positions: "cache" }],
  ["tiny-llama3", { kv: "q8", budget: 20, stride: 4, sinks: 2, newest: 2, allocation: "adaptive", positions: "cache" }],
  ["tiny-mha", { kv: "f16", policy: "h2o", budget: 16, stride: 3, sinks: 1, newest: 1, allocation: "adaptive" }],
  ["tiny-qwen3", { score: fading, budget: 20, stride: 4, sinks: 2, newest: 2, allocation: "pyramid", pin: [[5, 7]] }],
  ["tiny-llama3", { evict: "prompt", policy: "roco", budget: 16, stride: 4, sinks: 2, newest: 3, unsettled: 4 }],
  ["tiny-qwen2", { evict: "prompt", policy: "tova", budget: 14, stride: 5, positions: "cache", kv: "q8" }],
  ["tiny-mqa-sharded", { evict: "prompt", policy: "snapkv", budget: 16, stride: 4, window: 3, width: 3, kv: "f16" }],
  ["tiny-qwen3", { evict: "prompt", policy: "h2o", budget: 18, stride: 5, allocation: "adaptive", positions: "cache" }],
  ["tiny-llama3", { evict: "prompt", policy: "roco", budget: 20, stride: 4, allocation: "pyramid", pin: [[5, 7]] }],
  ["tiny-llama3", { budget: { generated: 7 }, policy: "roco", stride: 4, newest: 2 }],
  ["tiny-qwen3", { budget: { generated: 5 }, policy: "h2o", stride: 6, newest: { share: 0.4 }, positions: "cache" }],
  ["tiny-llama3", { remainder: 1, policy: "roco", budget: 16, stride: 4, sinks: 2, newest: 3, unsettled: 4 }],
  ["tiny-qwen3", { remainder: 1, policy: "h2o", budget: 15, stride: 7, sinks: 1, newest: 1, positions: "cache" }],
  ["tiny-qwen2", { remainder: 3, kv: "f16", policy: "h2o", budget: 14, stride: 4, aggregate: "max" }],
  ["tiny-mha", { remainder: 8, policy: "random", budget: 13, stride: 1 }],
  ["tiny-llama3", { remainder: 2, policy: "roco", budget: 20, stride: 4, sinks: 2, newest: 2, allocation: "adaptive" }],
  ["tiny-qwen3", { remainder: 1, kv: "q8", budget: 18, stride: 5, allocation: "adaptive", positions: "cache" }],
  ["tiny-llama3", { remainder: 2, evict: "prompt", policy: "roco", budget: 16, stride: 4, sinks: 2, newest: 3 }],
  ["tiny-qwen3", { remainder: 1, evict: "prompt", policy: "h2o", budget: 18, stride: 5, positions: "cache" }],
  ["tiny-qwen3", { remainder: 4, budget: { generated: 5 }, policy: "crest", stride: 6, newest: 2 }],
  ["tiny-llama3", { remainder: 1, policy: "tova", budget: 19, stride: 4, allocation: "pyramid" }],
  ["tiny-llama3", { policy: "keydiff", budget: 16, stride: 4, sinks: 2, newest: 3 }],
  ["tiny-qwen3", { policy: "keydiff", budget: 15, stride: 7, positions: "cache", kv: "q8", shared: true }],
  ["tiny-mha", { policy: "keydiff", budget: 20, stride: 3, sinks: 1, newest: 1, allocation: "adaptive", kv: "f16" }],
  ["tiny-qwen2", { policy: "knorm", budget: 19, stride: 4, allocation: "pyramid", positions: "cache" }], // rotated, the same token's keys are as long but for rounding
  ["tiny-llama3", { policy: "vatp", budget: 16, stride: 4, sinks: 2, newest: 3 }],
  ["tiny-mha", { policy: "vatp", budget: 18, stride: 5, positions: "cache", allocation: "pyramid", kv: "q8" }],
  ["tiny-qwen3", { policy: "caote", budget: 15, stride: 7, sinks: 1, newest: 1, kv: "f16" }],
  ["tiny-mha", { policy: "caote", budget: 20, stride: 3, sinks: 1, newest: 1, allocation: "adaptive" }],
  ["tiny-qwen2", { policy: "caote", budget: 16, stride: 4, evict: "prompt", scope: "low-spread", remainder: 2 }],
  ["tiny-qwen2", { policy: "defensive", budget: 16, stride: 4, aggregate: "max" }],
  ["tiny-llama3", {
    policy: "defensive",
    budget: 20,
    stride: 4,
    sinks: 2,
    newest: 2,
    allocation: "pyramid",
    kv: "f16",
  }],
  ["tiny-llama3", { policy: "vase", budget: 24, stride: 4, window: 5, newest: 2 }],
  ["tiny-mqa-sharded", { policy: "vase", budget: 26, stride: 6, positions: "cache", kv: "q8" }],
  ["tiny-qwen3", { policy: "rkv", budget: 16, stride: 4, window: 3 }],
  ["tiny-mha", {
    policy: "rkv",
    budget: 20,
    stride: 3,
    sinks: 1,
    newest: 1,
    allocation: "adaptive",
    positions: "cache",
  }],
  ["tiny-llama3", { policy: "nestedkv", budget: 20, stride: 4, kv: "f16" }],
  ["tiny-qwen2", { policy: "nestedkv", budget: 20, stride: 5, positions: "cache", shared: true }],
  ["tiny-llama3", { policy: "triattention", budget: 16, stride: 4, sinks: 1, newest: 2 }],
  ["tiny-llama3", { policy: "triattention", budget: 20, stride: 4, sinks: 1, newest: 2, allocation: "adaptive" }],
  ["tiny-phi3", { policy: "crest", budget: 16, stride: 4, sinks: 1, newest: 2 }],
  ["tiny-phi3-long", { policy: "roco", budget: 15, stride: 5, sinks: 1, newest: 2, positions: "cache" }],
  ["tiny-phi3-long", { policy: "triattention", budget: 16, stride: 4, sinks: 1, newest: 2 }],
  ["tiny-phi3-long", { policy: "expected", budget: 16, stride: 5, sinks: 1, newest: 2, positions: "cache" }],
  ["tiny-qwen3", { policy: "triattention", budget: 16, stride: 5, sinks: 1, newest: 2, positions: "cache", kv: "q8" }],
  ["tiny-smollm3", { policy: "roco", budget: 16, stride: 4, sinks: 2, newest: 3, allocation: "adaptive" }],
  ["tiny-smollm3", { policy: "triattention", budget: 16, stride: 4, sinks: 1, newest: 2 }],
  ["tiny-smollm3", { policy: "expected", budget: 16, stride: 5, sinks: 1, newest: 2, positions: "cache", kv: "f16" }],
  ["tiny-granite", { policy: "roco", budget: 16, stride: 4, sinks: 2, newest: 3, remainder: 1 }],
  ["tiny-granite", { policy: "expected", budget: 16, stride: 5, sinks: 1, newest: 2, kv: "q8" }],
  ["tiny-gemma3", { policy: "roco", budget: 16, stride: 4, sinks: 2, newest: 3 }],
  ["tiny-gemma3", { policy: "expected", budget: 16, stride: 5, sinks: 1, newest: 2, positions: "cache", kv: "f16" }],
  ["tiny-gemma3", { policy: "triattention", budget: 18, stride: 3, sinks: 1, newest: 2 }],
  ["tiny-gemma3", { policy: "h2o", budget: 20, stride: 4, sinks: 2, newest: 2, allocation: "adaptive" }],
  ["tiny-gemma2", { policy: "roco", budget: 16, stride: 4, sinks: 2, newest: 3 }],
  ["tiny-gemma2", { policy: "keydiff", budget: 15, stride: 5, sinks: 1, newest: 2, positions: "cache", kv: "q8" }],
  ["tiny-olmo2", { policy: "crest", budget: 16, stride: 4, sinks: 2, newest: 3, remainder: 2 }],
  ["tiny-olmo2", { policy: "expected", budget: 16, stride: 5, sinks: 1, newest: 2, positions: "cache", kv: "f16" }],
  ["tiny-mixtral", { policy: "roco", budget: 16, stride: 4, sinks: 2, newest: 3, unsettled: 4 }],
  ["tiny-mixtral", { policy: "roco", budget: 15, stride: 5, sinks: 1, newest: 2, positions: "cache", kv: "f16" }],
  ["tiny-qwen3-moe", { policy: "roco", budget: 16, stride: 6, sinks: 2, newest: 3, allocation: "adaptive" }],
  ["tiny-qwen3-moe", { policy: "roco", budget: 15, stride: 5, sinks: 1, newest: 2, positions: "cache", remainder: 1 }],
  ["tiny-smollm3", { remainder: 2, policy: "h2o", budget: 15, stride: 7, sinks: 1, newest: 1, positions: "cache" }],
  ["tiny-qwen3", { policy: "expected", budget: 16, stride: 4, sinks: 1, newest: 2, kv: "f16" }],
  ["tiny-mha", {
    policy: "expected",
    budget: 18,
    stride: 3,
    sinks: 1,
    newest: 2,
    positions: "cache",
    allocation: "adaptive",
  }],
  ["tiny-mqa-sharded", { policy: "knorm", budget: 14, stride: 5, evict: "prompt", positions: "cache", kv: "f16" }],
];

/** Every recorded model, with positions of either kind. */
for (const { name } of await listGolden("hf")) {
  if (!name.startsWith("tiny-")) continue;
  for (const more of [{}, { positions: "cache" }] as const) {
    SETUPS.push([name, { policy: "h2o", budget: 15, stride: 7, sinks: 1, newest: 1, ...more }]);
  }
}

/** A score of a caller's own: mean attention, less for those that came long ago; and the same for the twin's tokens. */
function fading(_lane: number, { positions, sums, births }: LaneViews, scores: Float32Array, clock: number): void {
  for (let slot = 0; slot < positions.length; slot++) {
    scores[slot] = positions[slot] < 0 ? NaN : faded(sums[slot], clock - births[slot]);
  }
}
const faded = (sum: number, seen: number) => sum / Math.max(1, seen) * 2 ** (-seen / 16);

const told = (value: unknown) =>
  typeof value === "object" ? JSON.stringify(value) : typeof value === "function" ? "own" : value;
/** What a setup is one of. */
function kindsOf(
  [name, { kv, positions, policy, score, allocation, pin, shared, evict, budget, remainder }]: [string, SessionOptions],
): string[] {
  const kinds = [`kv ${kv}`, `positions ${positions}`, `remainder ${remainder ? remainder > 1 : "none"}`];
  if (inBrowser) return full ? [...kinds, `allocation ${allocation}`, `evict ${evict}`] : kinds;
  const rule = [
    presetOf(policy ?? "roco").readsVectors ? "policy that reads keys and values" : `policy ${policy}`,
    `score ${typeof score}`,
    `allocation ${allocation}`,
    `pins ${!!pin}`,
    `shared ${shared}`,
    `evict ${evict}`,
    `budget ${typeof budget}`,
  ];
  return [name, ...kinds, ...rule];
}
for (const [name, options] of (inBrowser ? few : chosen)(SETUPS, kindsOf)) {
  test(`${name} ${Object.entries(options).map(([key, value]) => `${key} ${told(value)}`).join(", ")}`, async () => {
    const folder = (await modelFolder(name))!;
    const model = await load(folder, await onEngine());
    const session = model.session({ kv: "f32", ...options });
    const prompt = Array.from({ length: 41 }, (_, i) => 3 + (i * i * 31 + i * 7) % 500);
    const prompts = options.evict ? [prompt, prompt.slice(3, 14), prompt.slice(7)] : [prompt]; // a cache that grows, shrinks, grows
    const lives: number[][][] = [];
    const said: number[][] = [];
    const onToken = () => lives.push(session.livePositions());
    for (const one of prompts) {
      for await (const _ of session.generate(one, { maxNewTokens: NEW, stopAtEnd: false, onToken }));
      said.push([...session.report().ids]);
    }
    model.dispose();

    const { config, tensors } = await openFolder(openSource(folder));
    const weights = await readWeights(tensors);
    const checked = checkSession({ kv: "f32", ...options }, undefined, prompt.length);
    const { budget, stride, positions, aggregate, allocation, kv, window, score, evict, remainder, ...parts } = checked;
    const own = typeof score === "function";
    const named = hasFieldScore(options.policy) ? fieldScore(options.policy) : undefined;
    const rule = { ...parts, score: basisOf(checked) ?? "last" as const };
    const twin = new SessionTwin(config, weights, {
      rule,
      window,
      score: own ? named ?? ((core, _, { sum, birth }) => faded(sum, core.clock - birth)) : undefined,
      ...{ budget, stride, positions, aggregate, allocation, kv },
      least: leastOf(checked),
      ...{ remainder, foldRank: checked.sinks },
      foldMost: positions === "cache" ? Math.max(1, Math.floor(budget / Math.max(1, remainder))) : Infinity,
    });
    for (const [from, to] of options.pin ?? []) twin.pin(from, to);
    if (checked.pinPrompt) twin.pin(0, prompt.length);
    const steps = lives.values();
    let pending: number[] = []; // chosen, and not yet taken in
    for (const [turn, one] of prompts.entries()) {
      let logits = twin.read([...pending, ...one]);
      for (let i = 0; i < NEW; i++) {
        assert.equal(steps.next().value, twin.livePositions(), `live positions before token ${i} of turn ${turn}`);
        const id = logits.indexOf(Math.max(...logits));
        assert.is(said[turn][i], id, `token ${i} of turn ${turn}`);
        if (i < NEW - 1) logits = twin.read([id], evict === "always");
        pending = [id];
      }
    }
  });
}
test.run();
