// A score of your own: one function over typed views. Here, attention per query seen, halved for every 64 queries of age.
// `deno run -A examples/core-own-score.ts`
import { Core, type LaneScore } from "kvcap/core";

/** The score of `core`: bigger is more worth keeping. It may read any of the lane's books. */
export function fading(core: Core): LaneScore {
  return (_lane, { positions, sums, births }, scores) => {
    for (let slot = 0; slot < positions.length; slot++) {
      const seen = core.clock - births[slot]; // queries that could attend to the token
      scores[slot] = positions[slot] < 0 ? 0 : sums[slot] / Math.max(1, seen) * 2 ** (-seen / 64);
    }
  };
}

/** Runs a lane of 8 slots whose tokens get the given attention, for ever the same; returns the positions kept. */
export function run(tokens: number, attention: (position: number) => number): number[] {
  const core = Core.create(
    { layers: 1, kvHeads: 1, capacity: 9 },
    // The rule's score is not asked; its scope and protection are: two sinks, the newest token, ties to the older.
    { score: "sum", scope: "all", sinks: 2, newest: 1, unsettled: 0, seed: 0 },
  );
  const score = fading(core);
  for (let token = 0; token < tokens; token++) {
    core.claim(1);
    core.positions.forEach((position, slot) => (core.rows[slot] = attention(position)));
    core.observe(1);
    if (core.live > 8) core.evictBy(score, 1);
  }
  return Array.from(core.liveList(), (slot) => core.positions[slot]);
}

if (import.meta.main) console.log(run(100, (position) => (position % 10 === 0 ? 0.5 : 0.1)).join(" "));
