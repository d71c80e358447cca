// The numbers that the core and its hosts agree on, written once: AssemblyScript compiles them into the module, TypeScript
// imports them. So this file has plain constants alone, which mean the same in both. docs/core-abi.md is for other hosts.

// What an export answers; on any but OK the books are as they were.
export const OK = 0;
export const BAD_SHAPE = 1; // a dimension is below 1, or the arena would pass 2 GiB
export const SMALL_MEMORY = 2; // the imported memory ends before the arena does
export const NOT_READY = 3; // init has not succeeded yet
export const BAD_COUNT = 4; // a count is below its least value, or a span ends before it begins or beyond `seen`
export const BAD_RULE = 5; // unknown score or scope, or a negative count
export const NO_ROOM = 6; // claim: fewer free slots than tokens, or no more positions
export const WRONG_QUERIES = 7; // observe, advance: not the number of tokens claimed since the last row
export const BAD_ROW = 8; // observe: a live slot's value is NaN, infinite, negative, or P_BOUND and more
export const NOT_OBSERVED = 9; // choose, evict, free: tokens were claimed whose row has not been given
export const TOO_FEW = 10; // choose, evict: some lane has fewer slots that may go
export const BAD_SLOT = 11; // free: a slot is out of range, free, pinned, or named twice
export const LANES_DIFFER = 12; // choose, evict with a shared choice: lanes of a layer hold other tokens or other slots
export const BAD_SCORE = 13; // chooseScored, evictScored: a live slot's score is NaN or infinite
export const NO_WINDOW = 14; // rule: the score needs a window and init was given none
export const BAD_BOOKS = 15; // restore: the books are of another shape or version, or contradict themselves

// What a rule is made of.
export const SCORE_MEAN = 0; // m = S/n: RoCo
export const SCORE_SUM = 1; // S: H2O
export const SCORE_LAST = 2; // p of the newest query: TOVA
export const SCORE_RECENCY = 3; // position
export const SCORE_RANDOM = 4;
export const SCORE_WINDOWED = 5; // Σp over the rows of the window: SnapKV
export const SCORE_PERSISTENCE = 6; // rows of the window in which p was above its mean: Scissorhands
export const SCORE_EMA = 7; // Σp/T over the rows of T queries, the recent ones most: half as much for every half-life: crest
export const SCORE_FADING = 8; // the best share of late, which fades: G-KV
export const SCORE_GIVEN = 9; // the host's own, in `scores`: no rule names it, chooseScored and evictScored use it

export const SCOPE_ALL = 0;
export const SCOPE_LOW_SPREAD = 1; // all but the `unsettled` largest σ
export const SCOPE_PEAK = 2; // all but the `unsettled` largest peaks

export const POOL_NONE = 0;
export const POOL_MAX = 1;
export const POOL_MEAN = 2;

// Regions of the arena, as `address` takes them; layout.ts draws them.
export const REGION_STATE = 0;
export const REGION_ROWS = 1;
export const REGION_SUM = 2;
export const REGION_SUMSQ = 3;
export const REGION_LAST = 4;
export const REGION_BIRTH = 5;
export const REGION_POSITION = 6;
export const REGION_LOOSE = 7;
export const REGION_ORDER = 8;
export const REGION_FREED = 9;
export const REGION_CLAIMED = 10;
export const REGION_VICTIMS = 11;
export const REGION_LIST = 12;
export const REGION_SCORES = 13;
export const REGION_RING = 14;
export const REGION_RECENT = 15;
export const REGION_SCRATCH = 16;

// Words of the state that a host reads; layout.ts, which has all of them, does not compile if they are elsewhere.
export const STATE_SEEN = 4;
export const STATE_CLOCK = 5;
export const STATE_PENDING = 6;
export const STATE_LIVE = 7;
export const STATE_EXTENT = 8;
export const STATE_WORDS = 28; // of all of it, four at a time

// Limits.
export const MOST_SIDE = 65535; // layers; KV heads of a layer; rows of the window
export const MOST_BYTES = 0x7fff0000; // of the arena and what is before it: 2 GiB, with room to spare
export const MOST_WIDTH = 255; // positions that pooling looks at: an odd number
export const P_BOUND = 1099511627776; // 2⁴⁰: every value of a row is below
