// EasyKV's recorded runs, replayed through the core: given the same attention, the core must choose the same victims.
//
// At every event all lanes are compared. Where EasyKV's own margin (between the last evicted and the first kept score, or
// the last σ in scope and the next) is under 1e-5, another order of float32 additions may choose another token: such a
// difference is counted and printed, EasyKV's choice is fed, and the replay goes on. Where EasyKV recorded its books, every
// S and Q must agree to 1e-5 relative to the recorded value, every n exactly.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Core } from "../../src/core/core.ts";
import { attentionOf, observe, planTrace, readTrace, type Trace, type TraceCall, type TraceEvent } from "../support/easykv.ts";
import { checkedCase, listGolden } from "../support/files.ts";
import { ruleOf } from "../support/trio.ts";

const CLOSE = 1e-5;
const totals = { cases: 0, events: 0, choices: 0, skipped: 0, stats: 0, worst: 0 };

/** Positions of each lane's slots in a [lanes, n] list, ascending. */
function positionsOf(core: Core, slots: Uint32Array): number[][] {
  const n = slots.length / core.lanes;
  return Array.from({ length: core.lanes }, (_, lane) => {
    const mine = Array.from(slots.subarray(lane * n, (lane + 1) * n));
    return mine.map((slot) => core.positions[lane * core.capacity + slot]).sort((a, b) => a - b);
  });
}

/** The slots [lanes, n] of the tokens at these positions. */
function slotsOf(core: Core, positions: number[][]): number[] {
  return positions.flatMap((mine, lane) => {
    const places = core.positions.subarray(lane * core.capacity, (lane + 1) * core.capacity);
    return mine.map((position) => places.indexOf(position));
  });
}

/** The largest relative difference between the core's books and EasyKV's, which begin at position `from`. */
function statsDifference(core: Core, trace: Trace, { stats }: TraceEvent, from: number): number {
  const { sum, sumsq, count, slots } = stats!;
  const list = core.liveList();
  const roco = trace.case.policy === "roco"; // the others keep no squares, and in decoding no counts
  let worst = 0;
  for (let lane = 0; lane < core.lanes; lane++) {
    const mine = list.subarray(lane * core.live, (lane + 1) * core.live);
    const first = mine.findIndex((slot) => core.positions[lane * core.capacity + slot] >= from);
    assert.ok(first >= 0 && core.live - first <= slots, "EasyKV's slots");
    const compare = (books: Float32Array, recorded: number[]) => {
      const theirs = recorded.slice(lane * slots, (lane + 1) * slots);
      for (let k = 0; k < slots; k++) {
        const slot = mine[first + k];
        const ours = slot === undefined ? 0 : books[lane * core.capacity + slot]; // zero-padded at the end
        worst = Math.max(worst, Math.abs(ours - theirs[k]) / Math.max(theirs[k], Number.MIN_VALUE));
      }
    };
    compare(core.sums, sum);
    if (!roco) continue;
    compare(core.squares, sumsq);
    for (let k = 0; first + k < core.live; k++) {
      const n = core.clock - core.births[lane * core.capacity + mine[first + k]];
      assert.is(n, count[lane * slots + k], `n of lane ${lane}, slot ${k}`);
    }
  }
  return worst;
}

/** A lane whose victims are not EasyKV's. */
interface Spill {
  readonly lane: number;
  readonly ours: readonly number[]; // positions
  readonly theirs: readonly number[];
  readonly spill: number; // slots
  readonly what: string;
}

/**
 * Where RoCo's scope is larger than the slots whose σ EasyKV has not forced up, it takes `spill` forced ones as well, tied
 * at that σ, so which ones is its sort's chance. All that can differ then: forced slots of a smaller mean go in place of ours.
 */
function checkSpill(core: Core, { lane, ours, theirs, spill, what }: Spill): void {
  const mean = (position: number) => {
    const at = lane * core.capacity + core.positions.subarray(lane * core.capacity).indexOf(position);
    return core.sums[at] / (core.clock - core.births[at]);
  };
  const list = positionsOf(core, core.liveList())[lane];
  const forced = new Set([...list.slice(0, 4), ...list.slice(-10)]);
  const gained = theirs.filter((position) => !ours.includes(position));
  const lost = ours.filter((position) => !theirs.includes(position));
  assert.ok(gained.length <= spill && gained.every((position) => forced.has(position)), `${what}: not forced`);
  assert.ok(Math.max(...gained.map(mean)) <= Math.min(...lost.map(mean)), `${what}: not of a smaller mean`);
  const kept = ours.filter((position) => theirs.includes(position));
  assert.ok(Math.max(...kept.map(mean), 0) <= Math.min(...lost.map(mean)), `${what}: not our largest means`);
}

/** Replays one case; returns its line. */
function replay(name: string, trace: Trace): string {
  const { layers, kvHeads, calls, events } = trace;
  const plan = planTrace(trace);
  const decoding = trace.case.mode === "decoding";
  const capacity = Math.max(...calls.map((call) => call.live));
  const core = Core.create({ layers, kvHeads, capacity }, ruleOf({}));
  if (decoding) core.pin(0, trace.promptIds.length);
  const skips: string[] = [];
  let checkedEvents = 0;
  let checked = 0;
  let worst = 0;
  let compared = 0;

  const step = (call: TraceCall) => {
    const { rule, observed, averaged, scopeSize } = plan(call);
    core.setRule(rule);
    core.claim(call.positions.length, observed);
    assert.is(core.seen - 1, call.positions.at(-1), "the claimed positions");
    assert.is(core.live, call.live, "live slots");
    if (observed) {
      observe(attentionOf(trace, call), averaged, core.liveList(), core.rows);
      core.observe(call.positions.length);
    }
    if (call.event === null || call.event === undefined) return;
    assert.ok(observed && call.shape, "an event has attention rows");
    const event = events[call.event];
    checkedEvents++;
    if (event.stats) {
      worst = Math.max(worst, statsDifference(core, trace, event, decoding ? trace.promptIds.length : 0));
      compared++;
    }
    if (event.margin) assert.is(scopeSize, event.margin.scopeSize, "the size of RoCo's scope");

    const n = event.evicted[0].length;
    const chosen = positionsOf(core, core.choose(n));
    let differs = false;
    chosen.forEach((positions, lane) => {
      checked++;
      const theirs = event.evicted[lane];
      if (String(positions) === String(theirs)) return;
      const { score, scope } = event.margin ?? { score: [], scope: [] };
      const close = Math.min(score[lane] ?? 1, scope[lane] ?? 1) < CLOSE;
      const what = `event ${call.event}, lane ${lane}: ${positions} instead of ${theirs}`;
      assert.ok(close, `${what}, margins ${score[lane]} and ${scope[lane]}`);
      const spill = scopeSize - core.evictable;
      if (spill > 0) checkSpill(core, { lane, ours: positions, theirs, spill, what });
      skips.push(`${call.event}/${lane}`);
      differs = true;
    });
    if (differs) core.free(slotsOf(core, event.evicted));
    else core.evict(n);
  };
  calls.forEach(step);

  assert.ok(worst <= 1e-5, `recorded books: difference ${worst}`);
  assert.is(core.live, calls.at(-1)!.live - (calls.at(-1)!.event === null ? 0 : events.at(-1)!.evicted[0].length));
  totals.cases++;
  totals.events += checkedEvents;
  totals.choices += checked;
  totals.skipped += skips.length;
  totals.stats += compared;
  totals.worst = Math.max(totals.worst, worst);
  if (skips.length) console.log(`      ${name}, margin under 1e-5 and another choice (event/lane): ${skips.join(" ")}`);
  const stats = compared
    ? `largest difference ${worst.toExponential(1)} in the books of ${compared}`
    : "no books recorded";
  return `${name}: ${checkedEvents} events, ${checked} choices, ${skips.length} skipped for their margin, ${stats}`;
}

const cases = await listGolden("easykv");
const traces = await Promise.all(cases.map(readTrace));
cases.forEach(({ name }, i) => {
  const test = suite(name);
  test("the same victims and the same books", () => checkedCase(replay(name, traces[i])));
  test.run();
});

const summary = suite("EasyKV's traces together");
summary("every case was replayed", () => {
  const { cases: replayed, events, choices, skipped, stats, worst } = totals;
  assert.ok(replayed > 0 && replayed === cases.length, `${replayed} of ${cases.length}`);
  console.log(
    `    ${replayed} traces: ${events} events, ${choices} choices, ${skipped} skipped for their margin, ` +
      `books of ${stats} events within ${worst.toExponential(1)}`,
  );
});
summary.run();
