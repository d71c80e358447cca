/** The words of every policy, for README.md and docs/options.md. */
import type { PolicyName } from "../policies/index.ts";

/** What goes first under each policy, and among which tokens. */
export const POLICIES: Readonly<Record<PolicyName, { readonly score: string; readonly scope: string }>> = {
  roco: {
    score: "mean attention over the queries that could see it",
    scope: "all but the tokens whose attention spreads most",
  },
  crest: {
    score: "mean attention of late: a query counts half after 32",
    scope: "all but the tokens that were once attended to most",
  },
  h2o: { score: "summed attention", scope: "all" },
  tova: { score: "the last query's attention", scope: "all" },
  "tova-layer": { score: "the same, averaged over a layer's lanes, which give up the same tokens", scope: "all" },
  scissorhands: { score: "how often attention was above the mean, in the last 64 rows", scope: "all" },
  snapkv: { score: "attention in the last 32 rows, the most among 7 neighbours", scope: "all" },
  gkv: { score: "part in the most attended, over 64 rows, at its best, which fades", scope: "all" },
  streaming: { score: 'position, as StreamingLLM: it goes with `positions: "cache"`', scope: "all" },
  recency: { score: "position: the oldest goes", scope: "all" },
  random: { score: "a seeded draw for every lane", scope: "all" },
  keydiff: { score: "how unlike the mean of all keys its key is", scope: "all" },
  knorm: { score: "how small its key is", scope: "all" },
  vatp: { score: "summed attention × ‖v‖₁", scope: "all" },
  caote: {
    score: "how much its loss would change the attention output, by its mean attention and its value",
    scope: "all",
  },
  defensive: { score: "the most attention it ever got, no less than the mean of all, × ‖v‖₁", scope: "all" },
  vase: { score: "a draw by attention in the last 32 rows; the twentieth with the widest values stays", scope: "all" },
  rkv: { score: "attention in the last 8 rows, less how like all other keys its key is", scope: "all" },
  nestedkv: { score: "how unlike all keys, those of its block and those before it its key is", scope: "all" },
  triattention: { score: "what the mean query would make of its key at distances to come", scope: "all" },
  expected: { score: "attention that the mean query would give it at the next 512 positions, × ‖v‖", scope: "all" },
  full: { score: "nothing goes: the reference", scope: "none" },
};
