/** What is about to happen to a text that may not be meant, in a line each. */
import type { ModelConfig } from "../engine/config.ts";
import type { CheckedSession } from "../options/index.ts";
import { nameOf } from "../policies/own.ts";

/** What decides it. */
export interface Prospect {
  readonly config: Pick<ModelConfig, "maxPositions">;
  readonly options: Pick<CheckedSession, "policy" | "budget" | "positions">;
  /** Whether the budget is the default. */
  readonly usual: boolean;
  /** Tokens taken in before, read now, and that may come. */
  readonly seen: number;
  readonly read: number;
  readonly coming: number;
}

/** That some are not what the model made, once this is known. */
export const CLAMPED = 'keys or values beyond 65504 are stored as that in f16; kv: "f32" holds them';

/** @returns lines by what they are about, none where all is as it should be */
export function oddities(
  { config: { maxPositions }, options, usual, seen, read, coming }: Prospect,
): [string, string][] {
  const { policy, budget, positions } = options;
  const found: [string, string][] = [];
  if (usual && policy !== "full" && read > 2 * budget) {
    found.push(["prompt", `more than half of a prompt of ${read} tokens is let go: budget is the default, ${budget}`]);
  }
  if (positions === "cache") return found;
  if (nameOf(policy) === "streaming") {
    found.push(["policy", 'the policy streaming goes with positions: "cache"; under absolute ones it is recency']);
  }
  if (seen + read + coming > maxPositions) {
    const how = policy === "full" ? "" : '; positions: "cache" stays below';
    found.push(["positions", `positions may go beyond the ${maxPositions} that the model was made for${how}`]);
  }
  return found;
}
