// An engine of your own with kvcap's eviction: `Core` and nothing else, no model and no GPU.
// `deno run -A examples/core-in-javascript.ts`
//
// The "engine" here attends with made-up keys and queries of 4 numbers, but does what every engine does: it writes K into
// the slot that the core names, attends over live slots, hands the probabilities in, and reuses the slots it gets back.
import { Core } from "kvcap/core";

const LAYERS = 2;
const KV_HEADS = 2;
const BUDGET = 16; // slots per lane
const HEAD_DIM = 4;

/** Generates `tokens` tokens and returns the positions that each lane still holds: [lanes][BUDGET]. */
export function run(tokens: number): number[][] {
  const core = Core.create(
    { layers: LAYERS, kvHeads: KV_HEADS, capacity: BUDGET + 1 },
    { score: "mean", scope: "low-spread", sinks: 2, newest: 3, unsettled: 4, seed: 0 }, // RoCo
  );
  const keys = new Float32Array(core.lanes * core.capacity * HEAD_DIM); // [lanes, capacity, HEAD_DIM]

  for (let position = 0; position < tokens; position++) {
    const slots = core.claim(1); // [lanes, 1]
    for (let lane = 0; lane < core.lanes; lane++) {
      const first = lane * core.capacity;
      keys.set(vector(position, lane), (first + slots[lane]) * HEAD_DIM);
      attend(vector(position + 0.5, lane), keys, core, lane);
    }
    core.step(1, Math.max(0, core.live - BUDGET)); // the row in, victims out: their slots are free for what comes
  }

  const list = core.liveList(); // [lanes, live], slots by ascending position
  return Array.from({ length: core.lanes }, (_, lane) => {
    const mine = list.subarray(lane * core.live, (lane + 1) * core.live);
    return Array.from(mine, (slot) => core.positions[lane * core.capacity + slot]);
  });
}

/** Writes the softmax over a lane's live slots to the core's row. */
function attend(query: number[], keys: Float32Array, core: Core, lane: number): void {
  const { capacity, positions, rows } = core;
  let total = 0;
  for (let at = lane * capacity; at < (lane + 1) * capacity; at++) {
    if (positions[at] < 0) continue; // free: what stands there is ignored
    const dot = query.reduce((sum, x, i) => sum + x * keys[at * HEAD_DIM + i], 0);
    rows[at] = Math.exp(dot);
    total += rows[at];
  }
  for (let at = lane * capacity; at < (lane + 1) * capacity; at++) rows[at] /= total;
}

function vector(position: number, lane: number): number[] {
  return Array.from({ length: HEAD_DIM }, (_, i) => Math.sin(position * (i + 1) * 0.7 + lane) * 2);
}

if (import.meta.main) run(200).forEach((positions, lane) => console.log(`lane ${lane} keeps ${positions.join(" ")}`));
