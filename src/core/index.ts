/**
 * kvcap/core: the eviction core alone, for engines of your own. No model, no GPU, nothing else to load.
 *
 * ```ts
 * const core = Core.create({ layers, kvHeads, capacity: 129 }, ruleFor(policies.roco, 128));
 * const slots = core.claim(1); // where the next token's K and V go, one slot per lane
 * core.rows.set(attention); // what its query gave to every slot, [lanes, capacity]
 * core.step(1, Math.max(0, core.live - 128)); // the row in, the victims out: their slots are free
 * ```
 * @module
 */
export { Core, type CoreRule, type CoreShape, type LaneScore, type LaneViews } from "./core.ts";
export { type Pool, POOLS, type Scope, SCOPES, type Score, SCORES } from "./rule.ts";
export { type ErrorCode, KvcapError, KvcapRangeError, KvcapTypeError, type Refusal } from "../errors.ts";
export { policies, type Policy, ruleFor } from "../policies/index.ts";
