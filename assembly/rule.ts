// What the numbers of a rule mean.

export const SCORE_MEAN: i32 = 0; // m = S/n: RoCo
export const SCORE_SUM: i32 = 1; // S: H2O
export const SCORE_LAST: i32 = 2; // p of the newest query: TOVA
export const SCORE_RECENCY: i32 = 3; // position
export const SCORE_RANDOM: i32 = 4;
export const SCORE_WINDOWED: i32 = 5; // Σp over the rows of the window: SnapKV
export const SCORE_PERSISTENCE: i32 = 6; // rows of the window in which p was above its mean: Scissorhands
export const SCORE_GIVEN: i32 = 7; // the host's own, in `scores`: no rule names it, chooseScored and evictScored use it

export const SCOPE_ALL: i32 = 0;
export const SCOPE_LOW_SPREAD: i32 = 1; // all but the `unsettled` largest σ

export const POOL_NONE: i32 = 0;
export const POOL_MAX: i32 = 1;
export const POOL_MEAN: i32 = 2;
/** The widest that pooling may look: an odd number of positions. */
export const MOST_WIDTH: i32 = 255;

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
  if (<u32> score > <u32> SCORE_PERSISTENCE || <u32> scope > <u32> SCOPE_LOW_SPREAD) return false;
  if ((sinks | newest | unsettled) < 0 || <u32> shared > 1 || <u32> pool > <u32> POOL_MEAN) return false;
  return pool == POOL_NONE || (width > 0 && width <= MOST_WIDTH && (width & 1) == 1);
}
