/**
 * kvcap/core: the eviction core alone, for engines of your own. No model, no GPU, nothing else to load.
 *
 * @example Two lanes that keep 16 tokens each
 * ```ts
 * import { Core, policies, ruleFor } from "kvcap/core";
 *
 * const core = Core.create({ layers: 1, kvHeads: 2, capacity: 17 }, ruleFor(policies.roco, 16));
 * for (let step = 0; step < 40; step++) {
 *   const slots = core.claim(1); // where the next token's K and V go, one slot per lane
 *   core.rows.fill(1 / (core.live + slots[0])); // what its query gave to every slot, [lanes, capacity]
 *   core.step(1, Math.max(0, core.live - 16)); // the row in, the victims out: their slots are free
 * }
 * console.log(core.live, core.seen);
 * ```
 * @module
 */
export { Core, type CoreRule, type CoreShape, type LaneScore, type LaneViews, type QueryViews } from "./core.ts";
export { type Pooling, POOLS, type Scope, SCOPES, type Score, SCORES } from "./rule.ts";
export { type ErrorCode, KvcapError, KvcapRangeError, KvcapTypeError, type Refusal } from "../errors.ts";
export { corePolicies as policies, type Policy, ruleFor } from "../policies/core.ts";
export type { OwnScore, RuleParts } from "../policies/parts.ts";
