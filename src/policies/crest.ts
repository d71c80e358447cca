import type { Policy } from "./policy.ts";

/**
 * kvcap's own, of RoCo's shape: a scope and a score. The smallest mean attention of the recent past goes, where a query counts half as
 * much for every 32 since; but the fifth of the budget that was once looked at hardest stays, however long ago that was.
 *
 * A key is looked at hard once, when it is copied or repeated, and then not at all: a mean dilutes it, and a peak does not. Prose is
 * foreseen by what was attended to of late. The constants come from texts that no table of results has: docs/results.md.
 */
export const crest: Policy = {
  name: "crest",
  score: "ema",
  scope: "peak",
  needsAttention: true,
  evicts: true,
  halfLife: 32,
  sinks: 4,
  newest: 0.1,
  peaks: 0.2,
};
