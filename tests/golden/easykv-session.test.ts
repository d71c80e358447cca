// EasyKV's recorded runs end to end through public options: its text, its evictions and its perplexity out of our own sessions.
// Decoding: the prompt stays, and the budget counts what is generated. Encoding: the prompt is brought to its budget, the text stays.
// Auto: as encoding, and behind the prompt one token goes at every step, by another rule. Perplexity: in chunks, all behind the first.
// The quick run takes of each mode, policy and small model one.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { load, type Model } from "../../src/load.ts";
import type { Evicted } from "../../src/options/events.ts";
import type { Protection, SessionOptions } from "../../src/options/index.ts";
import { chosen } from "../support/depth.ts";
import { onEngine, whereAble } from "../support/engine.ts";
import { kindsOfCase, type Trace as Recorded } from "../support/easykv.ts";
import { checkedCase, listGolden, modelFolder, readJson } from "../support/files.ts";

const CLOSE = 1e-5; // a margin under which another order of additions may choose another token
const PPL = 1e-5; // relative: of f32 sums in another order
const SINKS = 4; // of encoding
const NEWEST = 10; // which EasyKV's RoCo keeps

type Trace = Omit<Recorded, "attention">;

/** Decoding: its budget counts generated tokens only. */
function decoding({ case: { policy } }: Trace, B: number): SessionOptions {
  const share = Math.floor(0.3 * B);
  const common = { budget: { generated: B }, sinks: 0, unsettled: 0, kv: "f32" as const };
  if (policy === "h2o_head") return { ...common, policy: "h2o", newest: share };
  if (policy === "tova") return { ...common, policy: "tova", newest: 0 };
  if (policy === "recency") return { ...common, policy: "recency", newest: 0 };
  // EasyKV's scope is the B - share calmest of B + 1 tokens, the newest 10 last of all.
  return { ...common, policy: "roco", newest: NEWEST, unsettled: B + 1 - NEWEST - (B - share) };
}

/** Auto, behind the prompt. */
function behind({ case: { policy, budget, stride }, promptIds }: Trace, kept: number): Protection {
  const most = budget + stride - (budget + stride >= promptIds.length ? stride : 0);
  const share = Math.floor(0.3 * most);
  if (policy === "h2o_head") return { sinks: 0, newest: share };
  if (policy === "roco") return { sinks: 0, newest: NEWEST, unsettled: Math.max(0, kept + 1 - NEWEST - (most - share)) };
  return { sinks: policy === "recency" ? SINKS : 0, newest: 0 };
}

/** Encoding, auto and perplexity: what stays is the most up to the budget and a chunk that whole chunks lead to the text's end from. */
function reading(trace: Trace): SessionOptions & { budget: number } {
  const { case: { mode, policy, budget, stride, keep_attention }, promptIds: { length } } = trace;
  const asked = (Number.isInteger(budget) ? budget : Math.floor(length * budget)) + stride;
  const most = mode === "auto" && asked >= length ? asked - stride : asked;
  const kept = most - (((most - length) % stride) + stride) % stride;
  const share = Math.floor(0.1 * most);
  const countFrom = keep_attention ? "start" : "eviction";
  const common = { budget: kept, stride, countFrom, sinks: SINKS, kv: "f32" } as const;
  if (policy === "h2o_head") return { ...common, policy: "h2o", newest: share };
  if (policy === "tova") return { ...common, policy: mode === "auto" ? "tova" : "tova-layer", newest: share };
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

/** How a session reads its prompt: up to `first`, then to its end; and what is protected then. */
interface Way {
  readonly first: number;
  readonly behind: Protection | null;
}

async function say(model: Model, { promptIds, outputIds }: Trace, options: SessionOptions, way: Way): Promise<number[]> {
  const { first, behind } = way;
  const session = model.session(options);
  const maxNewTokens = outputIds!.length + 1; // so that the last recorded token is taken in as well
  if (first > 0) { for await (const _ of session.generate(promptIds.slice(0, first), { maxNewTokens: 0 })); }
  const told: number[] = [];
  const answer = { stopAtEnd: false, onToken: (id: number) => void told.push(id) };
  for await (const _ of session.generate(promptIds.slice(first), { maxNewTokens: behind ? 1 : maxNewTokens, ...answer }));
  if (behind) {
    session.protect(behind);
    for await (const _ of session.generate("", { maxNewTokens: maxNewTokens - 1, ...answer }));
  }
  session.dispose();
  return told.slice(0, outputIds!.length);
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
    const B = trace.case.budget;
    const decodes = mode === "decoding" || mode === "auto" && B > promptIds.length;
    const kept = decodes ? 0 : reading(trace).budget;
    const options: SessionOptions = decodes
      ? { ...decoding(trace, mode === "auto" ? B - promptIds.length : B), stride: 64 }
      : { ...reading(trace), evict: mode === "encoding" ? "prompt" : "always" };
    const way = { first: kept, behind: mode === "auto" && !decodes ? behind(trace, kept) : null };
    const ids = await say(model, trace, { ...options, onEvict: watch.heard }, way);
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
for (const { name, json } of chosen(await listGolden("easykv"), kindsOfCase)) {
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
