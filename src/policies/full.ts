import type { Policy } from "./policy.ts";

/** Keeps everything: the reference that every other policy is measured against. Its score and scope are never asked. */
export const full: Policy = {
  name: "full",
  score: "recency",
  scope: "all",
  needsAttention: false,
  evicts: false,
  sinks: 0,
  newest: 0,
};
