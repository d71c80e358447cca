// What the numbers of a rule mean.
import {
  MOST_WIDTH,
  POOL_MEAN,
  POOL_NONE,
  SCOPE_LOW_SPREAD,
  SCORE_GIVEN,
  SCORE_LAST,
  SCORE_PERSISTENCE,
  SCORE_WINDOWED,
} from "./abi";

// What a score remembers beyond S and Q. It is kept from the rule that asks for it on.
export const MEMORY_NONE: i32 = 0;
export const MEMORY_LAST: i32 = 1;
export const MEMORY_WINDOW: i32 = 2; // the ring holds Σp
export const MEMORY_COUNTS: i32 = 3; // the ring holds 1 where p was above its mean, else 0

export function memoryOf(score: i32): i32 {
  if (score == SCORE_LAST) return MEMORY_LAST;
  if (score == SCORE_WINDOWED) return MEMORY_WINDOW;
  if (score == SCORE_PERSISTENCE) return MEMORY_COUNTS;
  return MEMORY_NONE;
}

/** Whether the words of a rule are known and in range; whether there is a window to look back on is not asked. */
export function ruleIsGood(
  score: i32,
  scope: i32,
  sinks: i32,
  newest: i32,
  unsettled: i32,
  pool: i32,
  width: i32,
  shared: i32,
): bool {
  if (<u32> score >= <u32> SCORE_GIVEN || <u32> scope > <u32> SCOPE_LOW_SPREAD) return false;
  if ((sinks | newest | unsettled) < 0 || <u32> shared > 1 || <u32> pool > <u32> POOL_MEAN) return false;
  return pool == POOL_NONE || (width > 0 && width <= MOST_WIDTH && (width & 1) == 1);
}
