// EasyKV's `decoding` cases end to end: the prompt pinned, its text and its evictions out of our own session.
// The quick run takes of each policy and small model one.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { load, type Model } from "../../src/load.ts";
import type { SessionOptions } from "../../src/options/index.ts";
import { chosen } from "../support/depth.ts";
import { onEngine, whereAble } from "../support/engine.ts";
import { kindsOfCase } from "../support/easykv.ts";
import { checkedCase, listGolden, modelFolder, readJson } from "../support/files.ts";

const CLOSE = 1e-5; // a margin under which another order of additions may choose another token

interface Trace {
  case: { mode: string; policy: string; budget: number; modelName?: string; modelFile?: string };
  promptIds: number[];
  outputIds: number[];
  calls: { event: number | null }[];
  events: { evicted: number[][]; margin: { score: number[]; scope: number[] } | null }[];
}

/** EasyKV's decoding rules in our words; its budget B counts generated tokens only. */
function sessionOptions({ case: { policy, budget: B }, promptIds }: Trace): SessionOptions {
  const share = Math.floor(0.3 * B);
  const common = { budget: promptIds.length + B, pinPrompt: true, sinks: 0, unsettled: 0, kv: "f32" as const };
  if (policy === "h2o_head") return { ...common, policy: "h2o", newest: share };
  if (policy === "tova") return { ...common, policy: "tova", newest: 0 };
  if (policy === "recency") return { ...common, policy: "recency", newest: 0 };
  // EasyKV's scope is the B - share calmest of B + 1 tokens, the newest 10 last of all.
  return { ...common, policy: "roco", newest: 10, unsettled: B + 1 - 10 - (B - share) };
}

/** Positions that went from each lane between two listings. */
function gone(before: number[][], after: number[][]): number[][] {
  return before.map((lane, i) => lane.filter((position) => !after[i].includes(position)));
}

async function replay(model: Model, trace: Trace): Promise<string> {
  const session = model.session({ ...sessionOptions(trace), stride: 64 });
  const maxNewTokens = trace.outputIds.length + 1; // so that the last recorded token is taken in as well
  const wrong: string[] = [];
  let checked = 0;
  let call = 0; // of the calls behind the prompt's
  let before: number[][] = [];
  for await (const _ of session.generate(trace.promptIds, { maxNewTokens, stopAtEnd: false, onToken: compare })) {
    // Text is compared by ids below.
  }
  function compare() {
    const after = session.livePositions();
    const event = call > 0 ? trace.calls[call].event : null;
    if (event !== null) {
      const newest = trace.promptIds.length + call - 1;
      const lanes = gone(before.map((lane) => [...lane, newest]), after);
      const { evicted, margin } = trace.events[event];
      lanes.forEach((lane, i) => {
        checked++;
        if (JSON.stringify(lane) === JSON.stringify(evicted[i])) return;
        const close = margin && (margin.score[i] < CLOSE || margin.scope[i] < CLOSE);
        wrong.push(`event ${event} lane ${i}: ${lane} instead of ${evicted[i]}${close ? " (margin under 1e-5)" : ""}`);
      });
    }
    before = after;
    call++;
  }
  const { ids } = session.report();
  session.dispose();
  assert.equal(wrong, []);
  assert.equal(ids.slice(0, trace.outputIds.length), trace.outputIds);
  assert.is(call, trace.calls.length, "every recorded call was made");
  return `${checked} lane evictions and ${trace.outputIds.length} ids as recorded`;
}

const test = suite("golden easykv, end to end");
const decoding = (await listGolden("easykv")).filter(({ name }) => name.includes("-decoding-"));
for (const { name, json } of chosen(decoding, kindsOfCase)) {
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
