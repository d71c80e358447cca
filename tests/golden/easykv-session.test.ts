// EasyKV's recorded runs end to end through public options: its text, its evictions and its perplexity out of our own sessions.
// Decoding: the prompt stays, and the budget counts what is generated. Encoding: the prompt is brought to its budget, the text stays.
// Perplexity: in chunks, all behind the first. (Its mode auto changes its rule behind the prompt: easykv-model has it.)
// The quick run takes of each mode, policy and small model one.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { load, type Model } from "../../src/load.ts";
import type { Evicted } from "../../src/options/events.ts";
import type { SessionOptions } from "../../src/options/index.ts";
import { chosen } from "../support/depth.ts";
import { onEngine, whereAble } from "../support/engine.ts";
import { kindsOfCase } from "../support/easykv.ts";
import { checkedCase, listGolden, modelFolder, readJson } from "../support/files.ts";

const CLOSE = 1e-5; // a margin under which another order of additions may choose another token
const PPL = 1e-5; // relative: of f32 sums in another order
const SINKS = 4; // of encoding
const NEWEST = 10; // which EasyKV's RoCo keeps

interface Trace {
  case: {
    mode: "decoding" | "encoding" | "ppl";
    policy: "roco" | "h2o_head" | "tova" | "recency";
    budget: number;
    stride: number;
    keep_attention?: boolean;
    modelName?: string;
    modelFile?: string;
  };
  kvHeads: number;
  promptIds: number[];
  outputIds: number[] | null;
  ppl: number | null;
  events: { evicted: number[][]; margin: { score: number[]; scope: number[] } | null }[];
}

/** Decoding: its budget counts generated tokens only. */
function decoding({ case: { policy, budget: B } }: Trace): SessionOptions {
  const share = Math.floor(0.3 * B);
  const common = { budget: { generated: B }, sinks: 0, unsettled: 0, kv: "f32" as const };
  if (policy === "h2o_head") return { ...common, policy: "h2o", newest: share };
  if (policy === "tova") return { ...common, policy: "tova", newest: 0 };
  if (policy === "recency") return { ...common, policy: "recency", newest: 0 };
  // EasyKV's scope is the B - share calmest of B + 1 tokens, the newest 10 last of all.
  return { ...common, policy: "roco", newest: NEWEST, unsettled: B + 1 - NEWEST - (B - share) };
}

/** Encoding and perplexity: what stays is the most up to the budget and a chunk that whole chunks lead to the text's end from. */
function reading({ case: { policy, budget, stride, keep_attention }, promptIds }: Trace): SessionOptions & { budget: number } {
  const length = promptIds.length;
  const most = (Number.isInteger(budget) ? budget : Math.floor(length * budget)) + stride;
  const kept = most - (((most - length) % stride) + stride) % stride;
  const share = Math.floor(0.1 * most);
  const countFrom = keep_attention ? "start" : "eviction";
  const common = { budget: kept, stride, countFrom, sinks: SINKS, kv: "f32" } as const;
  if (policy === "h2o_head") return { ...common, policy: "h2o", newest: share };
  if (policy === "tova") return { ...common, policy: "tova-layer", newest: share };
  if (policy === "recency") return { ...common, policy: "recency", newest: 0 };
  const scope = Math.max(most - share - SINKS, stride);
  return { ...common, policy: "roco", newest: NEWEST, unsettled: Math.max(0, kept + stride - SINKS - NEWEST - scope) };
}

/** Compares what goes, in order, with the events recorded: all lanes give up as many. */
class Watch {
  readonly #trace: Trace;
  readonly #gone: number[][];
  #event = 0;
  events = 0; // that were as recorded
  close = false; // another token of a margin that allows it went: what follows may differ

  constructor(trace: Trace) {
    this.#trace = trace;
    this.#gone = trace.events[0].evicted.map(() => []);
  }

  readonly heard = ({ position, layer, head }: Evicted): void => {
    if (this.close || this.#event >= this.#trace.events.length) return;
    const { evicted, margin } = this.#trace.events[this.#event];
    this.#gone[layer * this.#trace.kvHeads + head].push(position);
    if (this.#gone.some((lane, i) => lane.length < evicted[i].length)) return;
    for (const [lane, ours] of this.#gone.entries()) {
      const [mine, theirs] = [ours.splice(0).sort((a, b) => a - b), evicted[lane]].map(String);
      if (mine === theirs) continue;
      const least = margin ? Math.min(margin.score[lane], margin.scope[lane]) : 1;
      assert.ok(least < CLOSE, `event ${this.#event} lane ${lane}: ${mine} instead of ${theirs}, margin ${least}`);
      this.close = true;
    }
    if (!this.close) this.events++;
    this.#event++;
  };
}

/** What a session says, its prompt read up to `first` and then to its end. */
async function say(model: Model, { promptIds, outputIds }: Trace, options: SessionOptions, first: number): Promise<number[]> {
  const session = model.session(options);
  const maxNewTokens = outputIds!.length + 1; // so that the last recorded token is taken in as well
  if (first > 0) { for await (const _ of session.generate(promptIds.slice(0, first), { maxNewTokens: 0 })); }
  for await (const _ of session.generate(promptIds.slice(first), { maxNewTokens, stopAtEnd: false }));
  const { ids } = session.report();
  session.dispose();
  return ids.slice(0, outputIds!.length);
}

async function replay(model: Model, trace: Trace): Promise<string> {
  const { mode, stride } = trace.case;
  const { promptIds, outputIds, ppl } = trace;
  const watch = new Watch(trace);
  let told = "";
  if (mode === "ppl") {
    const options = reading(trace);
    const first = options.budget % stride || stride; // of the first pass
    const { loss, tokens } = await model.perplexity(promptIds, { ...options, first, onEvict: watch.heard });
    const { loss: foretold } = await model.perplexity(promptIds.slice(0, first + 1), { ...options, first });
    const ours = Math.exp((loss * tokens - foretold) / (tokens - 1)); // EasyKV leaves out what the first pass foretells
    const difference = Math.abs(ours - ppl!) / ppl!;
    assert.ok(difference < PPL, `perplexity ${ours} instead of ${ppl}`);
    told = `perplexity within ${difference.toExponential(1)}`;
    if (!watch.close) assert.ok(watch.events >= trace.events.length - 1, "every recorded eviction but that behind the last pass");
  } else {
    const options = mode === "decoding" ? { ...decoding(trace), stride: 64 } : { ...reading(trace), evict: "prompt" as const };
    const first = mode === "decoding" ? 0 : options.budget as number;
    const ids = await say(model, trace, { ...options, onEvict: watch.heard }, first);
    if (!watch.close) {
      assert.equal(ids, outputIds);
      assert.is(watch.events, trace.events.length, "every recorded eviction was made");
    }
    told = `${ids.length} ids`;
  }
  const lanes = trace.events[0].evicted.length;
  return `${watch.events} evictions of ${lanes} lanes${watch.close ? ", up to one of a close margin," : ""} and ${told} as recorded`;
}

const test = suite("golden easykv, end to end");
const cases = (await listGolden("easykv")).filter(({ name }) => !name.includes("-auto-"));
for (const { name, json } of chosen(cases, kindsOfCase)) {
  const run = await whereAble(test);
  run(name, async () => {
    const trace = await readJson<Trace>(json);
    const { modelName, modelFile } = trace.case;
    const place = await modelFolder(modelFile ?? modelName!);
    if (!place) return checkedCase(`easykv ${name}: no model here, only its trace is checked`);
    const model = await load(place, await onEngine());
    try {
      checkedCase(`easykv ${name}: ${await replay(model, trace)}`);
    } finally {
      model.dispose();
    }
  });
}
test.run();
