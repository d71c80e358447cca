// What the rule makes of every live slot, for whoever wants to look.

import { capacity, keys, lanes, position, scores, state } from "./layout";
import { prepare } from "./choose";
import { NONE } from "./score";
import { keysOf, ofIntegers } from "./scores";

/** Writes every lane's own scores, before any averaging over a layer, to `scores` [lanes, capacity]; 0 at free slots. */
export function showAll(): void {
  prepare(state.score);
  for (let lane = 0; lane < lanes; lane++) showLane(lane, state.score);
}

/** Its keys, whoever may go, as the numbers that they are. */
function showLane(lane: i32, score: i32): void {
  const first = (<usize> lane * <usize> capacity) << 2;
  const integers = ofIntegers(score);
  keysOf(lane, score, position + first, 0, i32.MAX_VALUE);
  for (let i = 0; i < capacity; i++) {
    const at = (<usize> i) << 2;
    const key = i < state.extent ? load<i32>(keys + at) : NONE;
    store<f32>(scores + first + at, key == NONE ? 0 : integers ? <f32> key : reinterpret<f32>(key));
  }
}
