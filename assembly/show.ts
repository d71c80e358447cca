// What the rule makes of every live slot, for whoever wants to look. Not in a hurry: the same loop in both builds.

import * as abi from "./abi";
import { birth, capacity, lanes, last, position, scores, state, sum } from "./layout";
import { orderOf } from "./compact";
import { prepare } from "./choose";
import { drawAt, streamOf } from "./random";
import * as rule from "./rule";
import { windowScores } from "./window";

/** Writes every lane's own scores, before any averaging over a layer, to `scores` [lanes, capacity]; 0 at free slots. */
export function showAll(): void {
  prepare(state.score);
  for (let lane = 0; lane < lanes; lane++) showLane(lane, state.score);
}

function showLane(lane: i32, score: i32): void {
  const first = (<usize> lane * <usize> capacity) << 2;
  const out = scores + first;
  const windowed = rule.memoryOf(score) >= rule.MEMORY_WINDOW;
  const from = windowed ? windowScores(lane, orderOf(lane)) : first + (score == abi.SCORE_LAST ? last : sum);
  // Under a shared choice the first lane of a layer draws for all.
  const stream = streamOf(state.shared ? lane - lane % state.kvHeads : lane);
  for (let i = 0; i < capacity; i++) {
    const at = (<usize> i) << 2;
    const place = load<i32>(position + first + at);
    let value: f32 = 0;
    if (place >= 0) {
      if (score == abi.SCORE_RECENCY) value = <f32> place;
      else if (score == abi.SCORE_RANDOM) value = <f32> drawAt(stream, place);
      else value = load<f32>(from + at);
      if (score == abi.SCORE_MEAN) value /= <f32> max(state.clock - load<i32>(birth + first + at), 1);
    }
    store<f32>(out + at, value);
  }
}
