// Prefill and decode of the shipped model with a full cache and under a budget of 256 slots, at 200 and at 2 000 tokens of
// context; and a decode step at 1 024 slots for every way of storing K and V. Every figure is the median of several runs in one process; ratios between rows are steadier than the figures.
import { evaluate } from "../src/session/evaluate.ts";
import { KV_TYPES, type KvType } from "../src/engine/kv.ts";
import { load, type Model } from "../src/load.ts";
import type { SessionOptions } from "../src/options/index.ts";
import type { Report } from "../src/session/report.ts";
import { deviceOf } from "./device.ts";
import { inside } from "../tests/support/inside.ts";

const RUNS = 5;
const STEPS = 32; // decode steps a run
const BUDGET = 256; // slots
const KV_SLOTS = 1024;
const CONTEXTS = [200, 2000]; // tokens
const SETUPS: [string, SessionOptions][] = [
  ["full cache", { policy: "full" }],
  ["roco, 256 slots", { policy: "roco", budget: BUDGET }],
];

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1];

async function run(model: Model, options: SessionOptions, prompt: number[]): Promise<Report> {
  const session = model.session(options);
  const generate = { maxNewTokens: STEPS + 1, temperature: 0, banned: model.config.eosIds };
  for await (const _ of session.generate(prompt, generate));
  const report = session.report();
  session.dispose();
  return report;
}

/** Refuses to time a model that does not compute what it should: chunks of one and of 16 tokens must agree. */
async function validate(model: Model, prompt: number[]) {
  const ids = prompt.slice(0, 48);
  const [one, many] = [await evaluate(inside(model), ids, 1), await evaluate(inside(model), ids, 16)];
  const largest = one.logits.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const worst = one.logits.reduce((most, value, i) => Math.max(most, Math.abs(value - many.logits[i])), 0);
  if (!(worst <= 1e-5 * largest)) {
    throw new Error(`Cannot time the model: its logits must agree, got ${worst / largest}`);
  }
}

const device = deviceOf(Deno.args);
const model = await load(new URL("../models/fable-2m", import.meta.url), { device });
const story = "The old fox went down to the river and told the crow what he had seen in the garden that day. ";
const text = model.tokenizer.encode(story.repeat(Math.ceil(CONTEXTS[1] / 20)), { bos: true });
await validate(model, text);
await run(model, SETUPS[1][1], text.slice(0, 100)); // warm-up

console.log(`fable-2m on ${model.adapter}; medians of ${RUNS} runs; a step is one decoded token`);
const columns = ["prefill tokens/s", "decode tokens/s", "step ms", "= wait", "+ wasm", "+ rest", "KV KiB"];
console.log(["".padEnd(30), ...columns.map((name) => name.padStart(17))].join(""));
for (const context of CONTEXTS) {
  const steps: number[] = [];
  for (const [name, options] of SETUPS) {
    const reports: Report[] = [];
    for (let i = 0; i < RUNS; i++) reports.push(await run(model, options, text.slice(0, context)));
    const of = (pick: (report: Report) => number) => median(reports.map(pick));
    const figures = [
      of(({ prefillMs }) => context / prefillMs * 1000).toFixed(0),
      of(({ tokensPerSecond }) => tokensPerSecond).toFixed(1),
      of(({ stepMs }) => stepMs.total).toFixed(2),
      of(({ stepMs }) => stepMs.wait).toFixed(2),
      of(({ stepMs }) => stepMs.wasm).toFixed(3),
      of(({ stepMs }) => stepMs.other).toFixed(2),
      (reports[0].kvBytes / 1024).toFixed(0),
    ];
    steps.push(of(({ stepMs }) => stepMs.total));
    console.log([`${name} at ${context}`.padEnd(30), ...figures.map((figure) => figure.padStart(17))].join(""));
  }
  console.log(
    `${"".padEnd(30)}  at ${context} tokens a step takes ${(steps[1] / steps[0]).toFixed(2)} × that of the full cache`,
  );
}

// How K and V are stored: the quickest of several runs, which take turns.
const steps = new Map<KvType, number[]>(KV_TYPES.map((kv) => [kv, []]));
const held = new Map<KvType, number>();
for (let i = 0; i < RUNS; i++) {
  for (const kv of KV_TYPES) {
    const { stepMs, kvBytes } = await run(model, { policy: "roco", budget: KV_SLOTS, kv }, text);
    steps.get(kv)!.push(stepMs.total);
    held.set(kv, kvBytes);
  }
}
const f32 = Math.min(...steps.get("f32")!);
for (const kv of KV_TYPES) {
  const ms = Math.min(...steps.get(kv)!);
  const name = `roco, ${KV_SLOTS} slots in ${kv}`.padEnd(30);
  const kib = ((held.get(kv) ?? 0) / 1024).toFixed(0);
  console.log(
    `${name}${ms.toFixed(2).padStart(8)} ms a step, ${(ms / f32).toFixed(2)} × that of f32; ${kib} KiB of K and V`,
  );
}
model.dispose();
