// EasyKV's recorded runs in which an eviction has a close margin, end to end: its rules set on our own step, our own attention out of
// the engine; where its choice is another within the margin, it is fed, and the run goes on. (easykv-session does all by public options.)
// The quick run takes of each mode, policy and small model one.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { load, type Model } from "../../src/load.ts";
import { checkSession } from "../../src/options/index.ts";
import type { PolicyName } from "../../src/policies/index.ts";
import { Stepper } from "../../src/session/stepper.ts";
import { chosen } from "../support/depth.ts";
import { onEngine, whereAble } from "../support/engine.ts";
import { kindsOfCase, planTrace, readTrace, type Trace } from "../support/easykv.ts";
import { checkedCase, listGolden, modelFolder } from "../support/files.ts";
import { inside } from "../support/inside.ts";

const CLOSE = 1e-5; // a margin under which another order of additions may choose another token

const POLICIES: Record<Trace["case"]["policy"], PolicyName> = {
  roco: "roco",
  h2o_head: "h2o",
  tova: "tova",
  recency: "recency",
};

async function replay(model: Model, trace: Trace): Promise<string> {
  const { calls, events, promptIds, outputIds } = trace;
  const plan = planTrace(trace);
  const capacity = Math.max(...calls.map(({ live }) => live));
  const longest = Math.max(...calls.map(({ positions }) => positions.length));
  const stride = Math.max(longest, 1);
  const options = checkSession({
    policy: POLICIES[trace.case.policy],
    budget: capacity,
    stride,
    sinks: 0,
    newest: 0,
    kv: "f32",
  });
  const stepper = new Stepper(inside(model), options, { slots: capacity });
  const [group] = stepper.books.groups;
  const { core } = group;
  const said: number[] = [];
  const ids = [...promptIds];
  let [lanesChecked, close] = [0, 0];
  for (const [index, { positions, event }] of calls.entries()) {
    const { rule, observed, averaged } = plan(calls[index]);
    core.setRule({ ...rule, shared: averaged }); // EasyKV's TOVA averages over a layer's lanes where it encodes
    const begin = positions[0];
    if (begin >= promptIds.length) ids.push(outputIds![begin - promptIds.length]);
    const id = await stepper.take({ ids, begin, count: positions.length }, "id", observed);
    if (begin + positions.length >= promptIds.length) said.push(id);
    if (event === null || event === undefined) continue;
    const { evicted, margin } = events[event];
    const n = evicted[0].length;
    const chosen = core.choose(n);
    let differs = false;
    evicted.forEach((theirs, lane) => {
      lanesChecked++;
      const slots = Array.from(chosen.subarray(lane * n, (lane + 1) * n));
      const ours = slots.map((slot) => core.positions[lane * core.capacity + slot]).sort((a, b) => a - b);
      if (String(ours) === String(theirs)) return;
      const least = margin ? Math.min(margin.score[lane], margin.scope[lane]) : 1;
      assert.ok(least < CLOSE, `event ${event} lane ${lane}: ${ours} instead of ${theirs}, margin ${least}`);
      close++;
      differs = true;
    });
    if (!differs) stepper.evict(group, n);
    else {
      const places = (lane: number) => core.positions.subarray(lane * core.capacity, (lane + 1) * core.capacity);
      stepper.evict(
        group,
        n,
        evicted.flatMap((theirs, lane) => theirs.map((position) => places(lane).indexOf(position))),
      );
    }
  }
  stepper.release();
  const evictions = `${lanesChecked} lane evictions as recorded (${close} within the margin)`;
  assert.equal(said.slice(0, outputIds!.length), outputIds);
  return `${evictions}, ${outputIds!.length} ids`;
}

const cases = (await listGolden("easykv")).filter(({ name }) => /-auto-roco|-keep$/.test(name));
for (const one of chosen(cases, kindsOfCase)) {
  const test = suite(`easykv model ${one.name}`);
  const trace = await readTrace(one);
  const run = await whereAble(test);
  run("end to end", async () => {
    const { modelName, modelFile } = trace.case;
    const place = await modelFolder(modelFile ?? modelName!);
    if (!place) return checkedCase(`easykv ${one.name}: no model here, only its trace is checked`);
    const model = await load(place, await onEngine());
    try {
      checkedCase(`easykv ${one.name}: ${await replay(model, trace)}`);
    } finally {
      model.dispose();
    }
  });
  test.run();
}
