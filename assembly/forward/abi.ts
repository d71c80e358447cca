// The numbers that the forward pass in Wasm and its host agree on, written once: AssemblyScript compiles them into the module,
// TypeScript imports them. So this file has plain constants alone. All structures are words of 32 bits; an address is one.

export const ARENA = 65536; // where blocks begin: what is below belongs to the module
export const ALIGN = 64; // bytes: structures begin at multiples of it

// Every structure begins with:
export const COUNT = 0; // its words, these among them
export const SEAL = 1; // a sum of the others: `seal` writes it once they are filled in, and what they say is believed only with it
export const PROLOGUE = 2; // words

// What exports answer; on any code but OK nothing was touched. `run` answers an id, or one of these below zero.
export const OK = 0;
export const BAD_MODEL = 1; // it is not sealed, contradicts itself, or leaves the memory
export const BAD_MATRIX = 2; // likewise
export const BAD_CONTEXT = 3; // likewise, or is not one of this model's, or two of its parts meet
export const BAD_PASS = 4; // a count, an id, a slot, a row or a rank is out of range
export const BAD_PLACE = 5; // bytes to be read or written leave the arena, or meet what is read meanwhile
export const BAD_SIZE = 6; // a number has no meaning here
export const WIDE_HALVES = 7; // of repack, when it is done: an f16 is 64 or more, so that the part must hold f32 instead

// A matrix, then its parts.
export const MATRIX_PARTS = 2; // how many
export const MATRIX_BIAS = 3; // f32 [rows]; 0: none
export const MATRIX_EXACT = 4; // 1: activations meet its codes in f32, else rounded
export const MATRIX_HEADER = 5; // words

// A part: rows of one format, four by four side by side (rows.ts draws them).
export const PART_KIND = 0;
export const PART_AT = 1;
export const PART_ROWS = 2; // a multiple of 4 is stored
export const PART_COLUMNS = 3; // as stored: a multiple of 4, in codes of 32
export const PART_FIRST = 4; // where its rows begin in the matrix
export const PART_FORM = 5; // of codes: FORM_…, added
export const PART_TABLE = 6; // of nibbles: which of the tables has their values
export const PART_WORDS = 7;

export const KIND_F32 = 0;
export const KIND_F16 = 1;
export const KIND_BF16 = 2;
export const KIND_NIBBLES = 3;
export const KIND_BYTES = 4;

export const FORM_HALVES = 1; // scales and minima are f16, else f32
export const FORM_MINIMA = 2; // weight = scale · code + minimum, else scale · code
export const FORM_PAIRS = 4; // one scale for each 16 weights of a unit, else one for all 32

export const UNIT = 32; // weights of a row that are stored together

// Tables of the values of nibbles.
export const TABLE_PLAIN = 0; // 0 … 15
export const TABLE_LESS_8 = 1; // −8 … 7
export const TABLE_LESS_4 = 2; // −4 … 3
export const TABLE_LEVELS = 3; // of IQ4

// How K and V are stored, in the order of KV_TYPES.
export const KV_F32 = 0;
export const KV_F16 = 1;
export const KV_Q8 = 2;

// A model.
export const MODEL_LAYERS = 2;
export const MODEL_HIDDEN = 3;
export const MODEL_INTERMEDIATE = 4;
export const MODEL_HEADS = 5;
export const MODEL_KV_HEADS = 6;
export const MODEL_HEAD_DIM = 7;
export const MODEL_VOCAB = 8;
export const MODEL_EPS = 9; // f32
export const MODEL_EMBEDDING = 10; // matrix
export const MODEL_NORM = 11; // f32 [padded hidden]
export const MODEL_HEAD = 12; // matrix
export const MODEL_TEAM = 13; // behind the words of the model, in the same block
export const MODEL_THREADS = 14;
export const MODEL_ROPES = 15; // ways in which positions turn heads, at most MOST_ROPES
export const MODEL_EMBEDDING_SCALE = 16; // f32: what embeddings are multiplied by
export const MODEL_ATTENTION_SCALE = 17; // f32: products of queries and keys
export const MODEL_RESIDUAL_SCALE = 18; // f32: what joins the residual
export const MODEL_LOGIT_SCALE = 19; // f32
export const MODEL_GELU = 20; // 1: gates go through gelu, 0: silu
export const MODEL_SCORE_CAP = 21; // f32: where scores end; 0: nowhere
export const MODEL_LOGIT_CAP = 22; // f32, likewise
export const MODEL_EXPERTS = 23; // that a layer chooses from; 0: no layer has any
export const MODEL_EXPERTS_USED = 24; // by a token
export const MODEL_EXPERT_WIDTH = 25;
export const MODEL_EXPERTS_NORMED = 26; // 1: the shares of those that are used sum to 1
export const MODEL_HEADER = 27; // words; then its layers; then [layers, experts, 2]: matrices of experts, gate · up and down

export const LAYER_ATTENTION_NORM = 0; // f32 [padded hidden], before the attention; as the other three 0: none
export const LAYER_QKV = 1; // matrix
export const LAYER_HEAD_NORMS = 2; // f32 [2, headDim], of q and of k; 0: none
export const LAYER_OUTPUT = 3; // matrix
export const LAYER_MLP_NORM = 4; // before the feed-forward part
export const LAYER_GATE_UP = 5; // matrix; 0 where there are experts
export const LAYER_DOWN = 6; // likewise
export const LAYER_WINDOW = 7; // positions that a query sees; 0: all
export const LAYER_ROPE = 8; // which of the ways turns its heads
export const LAYER_ATTENTION_END = 9; // a norm behind the attention
export const LAYER_MLP_END = 10; // behind the feed-forward part
export const LAYER_WHOLE_NORMS = 11; // f32 [(heads + kvHeads) · headDim], of all q and of all k; 0: none
export const LAYER_ROUTER = 12; // matrix [experts, hidden]; 0: the layer has none, but matrices of its own
export const LAYER_EXPERTS = 13; // of a layer with a router: where its experts' matrices are named, behind all layers; else 0
export const LAYER_WORDS = 14;

// A context: one block, its parts in this order behind its words, then all keys, all values. First the pass, which changes:
export const CONTEXT_TOKENS = 2;
export const CONTEXT_EXTENT = 3; // slots of a lane that may hold anything
export const CONTEXT_FIRST = 4; // position of the first token
export const CONTEXT_FIRST_RANK = 5;
export const CONTEXT_ASKED = 6; // PASS_…, added
export const CONTEXT_OPEN = 5; // words of the pass, which are not sealed
// What stays:
export const CONTEXT_LENGTH = 7; // bytes of the block
export const CONTEXT_CAPACITY = 8; // slots per lane
export const CONTEXT_STRIDE = 9; // tokens
export const CONTEXT_KV = 10; // KV_…
export const CONTEXT_ROW_BYTES = 11; // of K or V of one slot
export const CONTEXT_FLAGS = 12; // FLAG_…, added
export const CONTEXT_POSITIONS = 13; // i32 [lanes, capacity], −1: a free slot
export const CONTEXT_RANKS = 14; // i32 [lanes, capacity]
export const CONTEXT_ROWS = 15; // i32 [lanes, capacity]: of shared rows
export const CONTEXT_RANK_ANGLES = 16; // f32 [ropes, capacity, 2, headDim / 2]: cos and sin of each rank
export const CONTEXT_IDS = 17; // u32 [stride + 1]: the pass's, and what follows them
export const CONTEXT_SLOTS = 18; // u32 [lanes, tokens]; of a context that gathers others, their addresses
export const CONTEXT_NEW_ROWS = 19; // u32 [lanes, tokens]: the shared rows of these slots
export const CONTEXT_ANGLES = 20; // f32 [ropes, stride, 2, headDim / 2]
export const CONTEXT_X = 21; // f32 [stride, padded hidden]: the residual stream
export const CONTEXT_NORMED = 22; // as x
export const CONTEXT_QKV = 23; // f32 [stride, (heads + 2 · kvHeads) · headDim]
export const CONTEXT_MIXED = 24; // f32 [stride, padded heads · headDim]
export const CONTEXT_GATE_UP = 25; // f32 [stride, padded 2 · intermediate]
export const CONTEXT_ACTIVATED = 26; // f32 [stride, padded intermediate]
export const CONTEXT_BYTES = 27; // i8 [stride, columns / 32, 2, 32]: inputs of products; in f32, the sums of their neighbours
export const CONTEXT_WIDE = 28; // i16 [stride, columns]: the same
export const CONTEXT_MARKS = 29; // [stride, columns / 32, 8]: their scales and sums, see quantised.ts
export const CONTEXT_SCORES = 30; // f32 [threads, heads of a group, stride, padded capacity]
export const CONTEXT_ROW = 31; // f32 [threads, 4, headDim]: rows of K or V as numbers
export const CONTEXT_OBSERVED = 32; // f32 [3, lanes, capacity]: Σp, Σp², last p; or in books that lie elsewhere
export const CONTEXT_LOGITS = 33; // f32 [1 or stride, padded vocab]
export const CONTEXT_LOSSES = 34; // f32 [1 or stride]
export const CONTEXT_BANNED = 35; // u32 [ceil(vocab / 32)]: one bit per id
export const CONTEXT_STAGES = 36; // f32 [layers + 1, stride, padded hidden], where hidden states can be read; 0
export const CONTEXT_REMAINDERS = 37; // of a lane, at most MOST_REMAINDERS; 0: what is evicted is lost
export const CONTEXT_REMAINDER = 38; // f32 [lanes, remainders, 2, headDim]: mean keys and values; [lanes, remainders]: of so many tokens
export const CONTEXT_GONE = 39; // u32 [lanes + 1]: where the slots of each lane begin that are to be summed up; then these slots
export const CONTEXT_FOLD_RANK = 40; // by which keys are rotated when they are summed up, where they are not yet
export const CONTEXT_FOLD_MOST = 41; // tokens that a remainder stands for at most
export const CONTEXT_QUERIES = 42; // f32 [layers · heads, 3, headDim / 2]: sums of a pass's queries, see Pass.queries; 0: not wanted
// Of models with experts, see experts.ts; rows are [stride · used], by expert, then by token.
export const CONTEXT_ROUTED = 43; // f32 [stride, experts, up to a multiple of 4]: what the router made of each
export const CONTEXT_ROUTES = 44; // which tokens go where, and what comes of it
export const CONTEXT_GATHERED = 45; // f32 [rows, padded hidden]: their inputs, then their outputs
export const CONTEXT_EXPERT_GATE_UP = 46; // f32 [rows, 2 · width]
export const CONTEXT_EXPERT_ACTIVATED = 47; // f32 [rows, padded width]
export const CONTEXT_HEADER = 48; // words; then of each layer:

export const CACHE_KEYS = 0;
export const CACHE_VALUES = 1;
export const CACHE_ROWS = 2; // of a lane, on average
export const CACHE_WORDS = 3;

export const MOST_REMAINDERS = 8;
export const MOST_MEMBERS = 32; // contexts that take in a token together
export const MOST_ROPES = 8;

export const FLAG_RANKED = 1; // keys are rotated when they are read, by rank
export const FLAG_POOLED = 2; // the lanes of a layer share its rows
export const FLAG_OBSERVED = 4;
export const FLAG_MAXIMUM = 8; // the maximum over a group's heads is observed, not the mean
export const FLAG_EVERY = 16; // logits and losses of every token

// A team: what the threads of an engine share a pass by, see team.ts. Each word has a line of the cache to itself.
export const TEAM_TICKET = 0; // u64
export const TEAM_DONE = 16;
export const TEAM_SLEEPERS = 32; // threads that wait for work
export const TEAM_AWAITED = 48; // whether the first thread waits for the others
export const TEAM_JOB = 64; // its number, then its arguments
export const TEAM_WORDS = 80;

// What `pass` is asked for, added.
export const PASS_OUTPUT = 1; // logits and the greedy id
export const PASS_REUSED = 2; // its slots are those that the last eviction freed
export const PASS_CLAMPED = 4; // added by the pass: a number of a key or a value was more than f16 holds
