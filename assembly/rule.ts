// Which numbers make a rule.

import { MOST_WIDTH, POOL_MEAN, POOL_NONE, SCOPE_PEAK, SCORE_EMA, SCORE_FADING, SCORE_GIVEN } from "./abi";

/** Whether the words of a rule are known and in range; whether there is a window to look back on is not asked. */
export function ruleIsGood(
  score: i32,
  scope: i32,
  sinks: i32,
  newest: i32,
  unsettled: i32,
  parameter: i32,
  pool: i32,
  width: i32,
  shared: i32,
): bool {
  if (<u32> score >= <u32> SCORE_GIVEN || <u32> scope > <u32> SCOPE_PEAK) return false;
  if ((score == SCORE_EMA || score == SCORE_FADING) && parameter < 1) return false; // its half-life
  if ((sinks | newest | unsettled) < 0 || <u32> shared > 1 || <u32> pool > <u32> POOL_MEAN) return false;
  return pool == POOL_NONE || (width > 0 && width <= MOST_WIDTH && (width & 1) == 1);
}
