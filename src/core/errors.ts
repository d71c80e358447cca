// What a core's error codes mean to its caller.
import * as abi from "../../assembly/abi.ts";
import { refuse, words } from "../errors.ts";

/** What the messages tell of a core. */
interface Told {
  readonly capacity: number;
  readonly rows: Float32Array; // [3, lanes, capacity]
  readonly scores: Float32Array; // [lanes, capacity], a caller's own
  readonly live: number;
  readonly evictable: number;
  readonly pending: number; // tokens whose row has not been given
}

/** What a call asked of a core. */
interface Asked {
  readonly action: string; // for people
  readonly queries: number; // or tokens
  readonly n: number; // victims per lane
}

/** Refuses what a code of claim, observe, advance, choose, evict, step and free says is wrong; nothing for OK. @param positions [lanes, capacity] */
export function checkCode(code: number, core: Told, positions: Int32Array, { action, queries, n }: Asked): void {
  switch (code) {
    case abi.OK:
      return;
    case abi.NO_ROOM:
      return refuse(action, `only ${core.capacity - core.live} slots per lane are free`, queries, { code: "no-room" });
    case abi.WRONG_QUERIES:
      return refuse(action, `queries must be the ${core.pending} tokens claimed since the last row`, queries);
    case abi.BAD_ROW:
      return refuse(
        action,
        `every value of a row must lie in [0, 2^${Math.log2(abi.P_BOUND)})`,
        words(badValue(core, positions, queries)),
      );
    case abi.NOT_OBSERVED:
      return refuse(
        action,
        "the rows of claimed tokens must be observed first (or skipped with advance)",
        words(`${core.pending} tokens waiting`),
        WRONG_STATE,
      );
    case abi.TOO_FEW:
      return refuse(action, `only ${core.evictable} slots per lane may go`, n, { code: "no-room" });
    case abi.BAD_SLOT:
      return refuse(action, "every slot must be live, unpinned and named once", words("one that is not"));
    case abi.LANES_DIFFER:
      return refuse(
        action,
        "a shared choice needs a layer's lanes to hold the same tokens in the same slots",
        words("lanes that differ"),
        WRONG_STATE,
      );
    case abi.BAD_SCORE:
      return refuse(action, "every live slot's score must be a finite number", words(badScore(core, positions)));
    default:
      return refuse(action, "the core answers with a code it should not", code, WRONG_STATE);
  }
}

const WRONG_STATE = { code: "wrong-state", kind: "plain" } as const;

/** Describes the first value for which a row was refused. */
function badValue({ rows, capacity }: Told, positions: Int32Array, queries: number): string {
  const slots = positions.length;
  const all = rows.subarray(0, queries === 1 ? slots : 3 * slots);
  const at = all.findIndex((p, i) => positions[i % slots] >= 0 && !(p >= 0 && p < abi.P_BOUND));
  return at < 0 ? "none" : `${all[at]} in ${place(at % slots, capacity)}`;
}

/** Describes where a slot lies, by its index in [lanes, capacity]. */
function place(at: number, capacity: number): string {
  return `lane ${Math.floor(at / capacity)}, slot ${at % capacity}`;
}

function badScore({ capacity, scores }: Told, positions: Int32Array): string {
  const at = scores.findIndex((score, i) => positions[i] >= 0 && !Number.isFinite(score));
  return at < 0 ? "none" : `${scores[at]} in ${place(at, capacity)}`;
}
