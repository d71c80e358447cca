// Reads EasyKV's recorded runs (tests/golden/easykv) and says in the core's words what its code did at each step.
import type { CoreRule } from "../../src/core/core.ts";
import { type GoldenCase, readFloats, readJson } from "./files.ts";
import { ruleOf } from "./trio.ts";

/** One forward pass. */
export interface TraceCall {
  positions: number[]; // of its queries
  live: number; // slots during it, its own included
  offset: number; // floats, where its attention begins
  shape?: [layers: number, kvHeads: number, queries: number, live: number] | null; // of its attention
  event: number | null; // the eviction that followed
}

export interface TraceEvent {
  evicted: number[][]; // [lanes][n] positions, ascending
  margin: { score: number[]; scope: number[]; scopeSize: number } | null; // [lanes]
  stats?: { sum: number[]; sumsq: number[]; count: number[]; slots: number }; // [lanes, slots]
}

export interface Trace {
  case: {
    mode: "decoding" | "encoding" | "auto" | "ppl";
    policy: "roco" | "h2o_head" | "tova" | "recency";
    budget: number;
    stride: number;
    keep_attention?: boolean;
    modelName?: string;
    modelFile?: string;
  };
  layers: number;
  kvHeads: number;
  promptIds: number[];
  outputIds: number[] | null; // where it wrote
  ppl: number | null; // where it measured
  calls: TraceCall[];
  events: TraceEvent[];
  attention: Float32Array; // [layers, kvHeads, queries, live] of every call that has a shape, at its offset
}

export async function readTrace({ json, floats }: GoldenCase): Promise<Trace> {
  return { ...await readJson(json), attention: await readFloats(floats) };
}

/** How EasyKV treats one call, in the core's words. */
export interface CallPlan {
  rule: CoreRule;
  observed: boolean; // its attention is counted
  averaged: boolean; // every lane is given the mean over its layer's KV heads
  scopeSize: number; // RoCo's scope; 0 for other policies
}

/** EasyKV keeps the σ of this many newest slots out of reach, and of the first four when it encodes. */
const UNSETTLED_NEWEST = 10;
const SINKS = 4;

/** EasyKV's rules for every call of a trace. In decoding, positions below the prompt's length are to be pinned. */
/** What a case's name says of it, for `chosen`: its mode, policy and model; nothing for SmolLM2, which is left to the full run. */
export function kindsOfCase({ name }: { name: string }): string[] {
  const [, ...kinds] = /^(.+?)-(auto|decoding|encoding|ppl)-([a-z0-9_]+)-/.exec(name) ?? [];
  return kinds[0]?.startsWith("smollm2") ? [] : kinds;
}

export function planTrace(trace: Trace): (call: TraceCall) => CallPlan {
  const { mode, policy, stride, keep_attention } = trace.case;
  const length = trace.promptIds.length;
  let budget = trace.case.budget;

  if (mode === "decoding" || (mode === "auto" && budget > length)) {
    if (mode === "auto") budget -= length;
    const scopeSize = budget - Math.floor(budget * 0.3);
    return (call) => ({
      rule: decodingRule(policy, budget, call.live - length),
      observed: call.positions[0] >= length,
      averaged: false,
      scopeSize: policy === "roco" ? scopeSize : 0,
    });
  }

  budget = (Number.isInteger(budget) ? budget : Math.floor(length * budget)) + stride;
  if (mode === "auto" && budget >= length) budget -= stride;
  let threshold = budget; // EasyKV's idx: more live slots than this begin to be evicted
  while ((length - threshold) % stride !== 0) threshold--;
  const share = Math.floor(budget * 0.1);
  const encodingScope = Math.max(budget - share - SINKS, stride);
  const decodingScope = budget - Math.floor(budget * 0.3);

  return (call) => {
    if (call.positions[0] >= length) {
      // The answer: in auto one slot goes at every step, by other settings; else nothing does.
      const rule = decodingRule(policy, budget, call.live);
      if (policy === "recency") rule.sinks = SINKS;
      return { rule, observed: mode === "auto", averaged: false, scopeSize: policy === "roco" ? decodingScope : 0 };
    }
    const observed = keep_attention || (call.live > threshold && call.positions[0] > 0);
    const averaged = policy === "tova" && mode !== "auto";
    const may = call.live - SINKS - UNSETTLED_NEWEST;
    const rules: Record<typeof policy, Partial<CoreRule>> = {
      roco: {
        score: "mean",
        scope: "low-spread",
        newest: UNSETTLED_NEWEST,
        unsettled: Math.max(0, may - encodingScope),
      },
      h2o_head: { score: "sum", newest: share },
      tova: { score: "last", newest: share },
      recency: { score: "recency" },
    };
    return {
      rule: ruleOf({ sinks: SINKS, ...rules[policy] }),
      observed,
      averaged,
      scopeSize: policy === "roco" ? encodingScope : 0,
    };
  };
}

/** The rules of one victim per token: `may` slots could go were none protected. */
function decodingRule(policy: Trace["case"]["policy"], budget: number, may: number): CoreRule {
  const share = Math.floor(budget * 0.3);
  switch (policy) {
    case "roco": {
      const unsettled = Math.max(0, may - UNSETTLED_NEWEST - (budget - share));
      return ruleOf({ score: "mean", scope: "low-spread", newest: UNSETTLED_NEWEST, unsettled });
    }
    case "h2o_head":
      return ruleOf({ score: "sum", newest: share });
    case "tova":
      return ruleOf({ score: "last" });
    case "recency":
      return ruleOf({ score: "recency" });
  }
}

/** The attention of one call. */
export interface Attention {
  readonly shape: readonly [layers: number, kvHeads: number, queries: number, live: number];
  readonly values: Float32Array; // of that shape; more may follow
}

export function attentionOf(trace: Trace, { shape, offset }: TraceCall): Attention {
  return { shape: shape!, values: trace.attention.subarray(offset) };
}

/**
 * The observations of a call's attention, as the core takes them: [3, lanes, capacity], Σp, Σp², last p, from zeros.
 * `averaged`: as in the call's plan. `list` is the core's [lanes, live]: the k-th column of a lane belongs to its k-th live slot.
 */
export function observe(attention: Attention, averaged: boolean, list: Uint32Array, rows: Float32Array): void {
  const { shape: [layers, kvHeads, queries, live], values } = attention;
  const lanes = layers * kvHeads;
  const plane = rows.length / 3;
  const capacity = plane / lanes;
  rows.fill(0);
  for (let lane = 0; lane < lanes; lane++) {
    for (let k = 0; k < live; k++) {
      const at = lane * capacity + list[lane * live + k];
      for (let query = 0; query < queries; query++) {
        const p = averaged
          ? meanOverHeads(attention, Math.floor(lane / kvHeads), query, k)
          : values[(lane * queries + query) * live + k];
        rows[at] += p;
        rows[plane + at] += Math.fround(p * p);
        rows[2 * plane + at] = p;
      }
    }
  }
}

function meanOverHeads({ shape, values }: Attention, layer: number, query: number, k: number): number {
  const [, kvHeads, queries, live] = shape;
  let sum = 0;
  for (let head = 0; head < kvHeads; head++) {
    sum = Math.fround(sum + values[((layer * kvHeads + head) * queries + query) * live + k]);
  }
  return Math.fround(sum / kvHeads);
}
