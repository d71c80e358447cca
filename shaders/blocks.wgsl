// GGUF's quantised weights, as they lie in the file: embedding rows, and W·x for one token (vector) or many (matrix), by the
// plans of embed, matvec and matmul. A row is read in units of 32 weights: codes of 4 weights at a time, and for each half of
// the unit a scale and a minimum, so that weight = scale · code + minimum. Products of the two are exact in f32.
// Blocks of 18, 22, 34, 110 and 210 bytes begin at any multiple of 2 bytes, so places are counted in halves of a word.
// Block layouts: https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h
override DTYPE: u32; // code in src/model/formats.ts
override BLOCKS: u32; // groups of 8 weights in a row
override ROWS: u32; // rows of W held by this part
override FIRST: u32; // where this part's rows begin in y, or among the ids
override PITCH: u32; // elements between rows of y
override ADD: u32; // 1: y += (the residual), 0: y =
override BIAS: u32; // 1: bias is added
override SCALE: f32 = 1.0; // what embeddings are multiplied by
override EXPERT: u32 = 0u; // as matvec has these two
override SHARED: u32 = 1u;

@group(0) @binding(0) var<storage, read> w: array<u32>; // [ROWS, row_halves() / 2]
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>; // [tokens, BLOCKS · 8]
@group(0) @binding(2) var<storage, read> bias: array<f32>; // [all rows]
@group(0) @binding(3) var<storage, read_write> y: array<f32>; // [tokens, PITCH]
@group(0) @binding(4) var<storage, read> feed: array<u32>; // see cache.ts

const Q4_0 = 3u;
const Q4_1 = 4u;
const Q5_0 = 5u;
const Q5_1 = 6u;
const Q8_0 = 7u;
const IQ4_NL = 8u;
const Q2_K = 9u;
const Q3_K = 10u;
const Q4_K = 11u;
const Q5_K = 12u;
const Q6_K = 13u;
const IQ4_XS = 14u;

const NIBBLES = 0x0f0f0f0fu;
const PAIRS = 0x03030303u;
const BITS = 0x01010101u;
const LEVELS = vec4u(0xbfad9881u, 0xf6eaddcfu, 0x26190d01u, 0x71594535u); // the 16 levels of IQ4, one signed byte each

/** Halves of a word in a block. */
fn block_halves() -> u32 {
  switch DTYPE {
    case Q4_0, IQ4_NL: { return 9u; }
    case Q4_1: { return 10u; }
    case Q5_0: { return 11u; }
    case Q5_1: { return 12u; }
    case Q8_0: { return 17u; }
    case Q2_K: { return 42u; }
    case Q3_K: { return 55u; }
    case Q4_K: { return 72u; }
    case Q5_K: { return 88u; }
    case Q6_K: { return 105u; }
    default: { return 68u; }
  }
}

/** Units of 32 weights in a block. */
fn block_units() -> u32 {
  return select(1u, 8u, DTYPE >= Q2_K);
}

/** A row is padded to whole words. */
fn row_halves() -> u32 {
  return (BLOCKS / 4u / block_units() * block_halves() + 1u) / 2u * 2u;
}

/** 4 bytes from any half. */
fn word(at: u32) -> u32 {
  let low = w[at / 2u];
  if (block_halves() % 2u == 0u) { return low; }
  return select(low, (low >> 16u) | (w[at / 2u + 1u] << 16u), at % 2u == 1u);
}

fn half(at: u32) -> f32 {
  let pair = unpack2x16float(w[at / 2u]);
  return select(pair.x, pair.y, at % 2u == 1u);
}

fn low_byte(bits: u32, index: u32) -> u32 {
  return (bits >> (8u * (index % 4u))) & 255u;
}

fn signed_byte(bits: u32, index: u32) -> f32 {
  return f32(i32(bits << (24u - 8u * (index % 4u))) >> 24u);
}

fn bytes(bits: u32) -> vec4f {
  return vec4f((vec4u(bits) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(255u));
}

fn level(code: u32) -> f32 {
  return signed_byte(LEVELS[code / 4u], code);
}

/** Four codes of IQ4, one in each byte. */
fn levels(bits: u32) -> vec4f {
  return vec4f(level(bits & 15u), level((bits >> 8u) & 15u), level((bits >> 16u) & 15u), level((bits >> 24u) & 15u));
}

/** Codes of weights 4·i to 4·i + 3 of a unit, the `unit`-th of the block at `at`. */
fn codes(at: u32, unit: u32, i: u32) -> vec4f {
  let nibbles = 4u * (i / 4u); // of legacy formats: weights 0 to 15 in the low ones, 16 to 31 in the high ones
  let quarter = unit % 4u;
  let side = unit / 4u; // half of a block of 256
  switch DTYPE {
    case Q4_0: { return bytes((word(at + 1u + 2u * (i % 4u)) >> nibbles) & NIBBLES) - 8.0; }
    case Q4_1: { return bytes((word(at + 2u + 2u * (i % 4u)) >> nibbles) & NIBBLES); }
    case Q5_0: {
      let high = (vec4u(word(at + 1u) >> (4u * i)) >> vec4u(0u, 1u, 2u, 3u)) & vec4u(1u);
      return bytes((word(at + 3u + 2u * (i % 4u)) >> nibbles) & NIBBLES) + vec4f(high * 16u) - 16.0;
    }
    case Q5_1: {
      let high = (vec4u(word(at + 2u) >> (4u * i)) >> vec4u(0u, 1u, 2u, 3u)) & vec4u(1u);
      return bytes((word(at + 4u + 2u * (i % 4u)) >> nibbles) & NIBBLES) + vec4f(high * 16u);
    }
    case Q8_0: {
      let packed = vec4u(word(at + 1u + 2u * i)) << vec4u(24u, 16u, 8u, 0u);
      return vec4f(bitcast<vec4i>(packed) >> vec4u(24u));
    }
    case IQ4_NL: { return levels(word(at + 1u + 2u * (i % 4u)) >> nibbles); }
    case Q2_K: { return bytes((word(at + 8u + 16u * side + 2u * i) >> (2u * quarter)) & PAIRS); }
    case Q3_K: {
      let low = (word(at + 16u + 16u * side + 2u * i) >> (2u * quarter)) & PAIRS;
      return bytes(low | (((word(at + 2u * i) >> unit) & BITS) << 2u)) - 4.0;
    }
    case Q4_K: { return bytes((word(at + 8u + 16u * (unit / 2u) + 2u * i) >> (4u * (unit % 2u))) & NIBBLES); }
    case Q5_K: {
      let low = (word(at + 24u + 16u * (unit / 2u) + 2u * i) >> (4u * (unit % 2u))) & NIBBLES;
      return bytes(low | (((word(at + 8u + 2u * i) >> unit) & BITS) << 4u));
    }
    case Q6_K: {
      let low = (word(at + 32u * side + 16u * (quarter % 2u) + 2u * i) >> (4u * (quarter / 2u))) & NIBBLES;
      return bytes(low | (((word(at + 64u + 16u * side + 2u * i) >> (2u * quarter)) & PAIRS) << 4u)) - 32.0;
    }
    default: { return levels(word(at + 4u + 8u * unit + 2u * (i % 4u)) >> nibbles); }
  }
}

/** Of a unit's first 16 weights and of its last: scale, minimum, scale, minimum. */
fn scales(at: u32, unit: u32) -> vec4f {
  switch DTYPE {
    case Q4_1, Q5_1: { return vec4f(half(at), half(at + 1u), half(at), half(at + 1u)); }
    case Q2_K: {
      let pair = word(at + unit) >> (16u * (unit % 2u)); // two bytes: a scale in the low nibble, a minimum in the high one
      let both = vec4f(vec4u(pair, pair >> 4u, pair >> 8u, pair >> 12u) & vec4u(15u));
      let unscaled = vec2f(half(at + 40u), -half(at + 41u));
      return both * unscaled.xyxy;
    }
    case Q3_K: {
      // 16 scales of 6 bits: 4 low bits of each in two words, 2 high bits in the third.
      let group = unit / 2u;
      let low = (word(at + 48u + 2u * (group % 2u)) >> (4u * (group / 2u))) & NIBBLES;
      let both = low | (((word(at + 52u) >> (2u * group)) & PAIRS) << 4u);
      let d = half(at + 54u);
      let first = 2u * (unit % 2u);
      return vec4f(d * (f32(low_byte(both, first)) - 32.0), 0.0, d * (f32(low_byte(both, first + 1u)) - 32.0), 0.0);
    }
    case Q4_K, Q5_K: {
      // 8 scales and minima of 6 bits: the first four whole, the others in the third word and the high bits of these.
      var scale = word(at + 2u) >> (8u * (unit % 4u));
      var least = word(at + 4u) >> (8u * (unit % 4u));
      if (unit >= 4u) {
        let low = word(at + 6u) >> (8u * (unit % 4u));
        scale = (low & 15u) | (((scale >> 6u) & 3u) << 4u);
        least = ((low >> 4u) & 15u) | (((least >> 6u) & 3u) << 4u);
      }
      let both = vec2f(half(at) * f32(scale & 63u), -half(at + 1u) * f32(least & 63u));
      return both.xyxy;
    }
    case Q6_K: {
      let pair = word(at + 96u + unit / 2u * 2u);
      let d = half(at + 104u);
      let first = 2u * (unit % 2u);
      return vec4f(d * signed_byte(pair, first), 0.0, d * signed_byte(pair, first + 1u), 0.0);
    }
    case IQ4_XS: {
      let low = (word(at + 2u) >> (4u * unit)) & 15u;
      let high = (w[at / 2u] >> (16u + 2u * unit)) & 3u;
      let d = half(at) * (f32(low | (high << 4u)) - 32.0);
      return vec4f(d, 0.0, d, 0.0);
    }
    default: { return vec4f(half(at), 0.0, half(at), 0.0); }
  }
}

/** Where the block of a row's unit begins, in halves. */
fn place(row: u32, unit: u32) -> u32 {
  return row * row_halves() + unit / block_units() * block_halves();
}

/** y[token] = a row of the embedding. Grid: (ceil(PITCH / 64), tokens). */
@compute @workgroup_size(64)
fn embed(@builtin(global_invocation_id) at: vec3u) {
  let column = at.x;
  let row = feed[8u + at.y] - FIRST; // wraps far past ROWS when the row is in an earlier part
  if (column >= BLOCKS * 8u || row >= ROWS) { return; }
  let unit = column / 32u;
  let from_w = place(row, unit);
  let scale = scales(from_w, unit % block_units());
  let code = codes(from_w, unit % block_units(), column % 32u / 4u)[column % 4u];
  let own = select(scale.xy, scale.zw, column % 32u >= 16u);
  y[at.y * PITCH + column] = SCALE * (own.x * code + own.y);
}

const OWN_ROWS = 4u; // of a thread
const LANES = 8u;
const TEAMS = 8u; // of LANES threads
var<workgroup> parts: array<vec4f, LANES * TEAMS>;

fn finish(token: u32, row: u32, sum: f32) {
  var total = sum;
  if (BIAS == 1u) { total += bias[FIRST + row]; }
  let to = token * PITCH + select(FIRST, 0u, EXPERT > 0u) + row;
  if (ADD == 1u) { total += y[to]; }
  y[to] = total;
}

/** Where the same unit of four rows begins, in halves. */
fn places(rows: vec4u, unit: u32) -> vec4u {
  return vec4u(place(rows.x, unit), place(rows.y, unit), place(rows.z, unit), place(rows.w, unit));
}

/** [4 rows], for each as `scales` has it. */
fn all_scales(from_w: vec4u, own: u32) -> mat4x4f {
  return mat4x4f(scales(from_w.x, own), scales(from_w.y, own), scales(from_w.z, own), scales(from_w.w, own));
}

/** [4 rows], for each as `codes` has it. */
fn all_codes(from_w: vec4u, own: u32, i: u32) -> mat4x4f {
  return mat4x4f(codes(from_w.x, own, i), codes(from_w.y, own, i), codes(from_w.z, own, i), codes(from_w.w, own, i));
}

/** One token at a time, LANES neighbouring threads for OWN_ROWS rows. Grid: as matvec's. */
@compute @workgroup_size(LANES * TEAMS)
fn vector(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let lane = thread % LANES;
  let row = ((group.y * groups.x + group.x) * TEAMS + thread / LANES) * OWN_ROWS;
  let token = group.z;
  var first = 0u; // of an expert in this part; it wraps where that begins in an earlier one
  if (EXPERT > 0u) { first = feed[token] * EXPERT - FIRST; }
  let of_part = vec4u(first + row) + vec4u(0u, 1u, 2u, 3u);
  var sums = vec4f(); // [4 rows]
  if (row < select(ROWS, EXPERT, EXPERT > 0u) && any(of_part < vec4u(ROWS))) {
    let rows = min(of_part, vec4u(ROWS - 1u));
    for (var unit = lane; unit < BLOCKS / 4u; unit += LANES) {
      let own = unit % block_units();
      let from_w = places(rows, unit);
      let from_x = (token / SHARED * BLOCKS + unit * 4u) * 2u;
      var products = mat2x4f(); // Σ code·x of either half, [4 rows] each
      var plain = vec2f(); // Σ x of either half
      for (var i = 0u; i < 4u; i++) {
        let low = x[from_x + i];
        let high = x[from_x + 4u + i];
        products += mat2x4f(low * all_codes(from_w, own, i), high * all_codes(from_w, own, i + 4u));
        plain += vec2f(dot(vec4f(1.0), low), dot(vec4f(1.0), high));
      }
      let scale = transpose(all_scales(from_w, own));
      sums += scale[0] * products[0] + scale[1] * plain.x + scale[2] * products[1] + scale[3] * plain.y;
    }
  }
  parts[thread] = sums;
  workgroupBarrier();
  if (lane >= OWN_ROWS || first + row + lane >= ROWS || (EXPERT > 0u && row + lane >= EXPERT)) { return; }
  var total = 0.0;
  for (var i = 0u; i < LANES; i++) { total += parts[thread - lane + i][lane]; }
  finish(token, row + lane, total);
}

const TOKENS = 8u;
const THREADS = 32u;

/** Weights 4·i to 4·i + 3 of a unit. */
fn weights(from_w: u32, own: u32, scale: vec4f, i: u32) -> vec4f {
  let pair = select(scale.xy, scale.zw, i >= 4u);
  return pair.x * codes(from_w, own, i) + pair.y;
}

/** OWN_ROWS rows, THREADS apart, against TOKENS tokens a thread. Grid: (ceil(ROWS / 128) as x·y, ceil(tokens / TOKENS) as z). */
@compute @workgroup_size(THREADS)
fn matrix(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = (group.y * groups.x + group.x) * THREADS * OWN_ROWS + thread;
  if (row >= ROWS) { return; }
  let rows = min(vec4u(row) + THREADS * vec4u(0u, 1u, 2u, 3u), vec4u(ROWS - 1u));
  let from_token = group.z * TOKENS;
  let pitch = BLOCKS * 2u; // of x, which is read past the last token as well: those sums go nowhere
  var first = mat4x4f(); // [4 tokens][4 rows]
  var last = mat4x4f(); // of the other 4 tokens
  for (var unit = 0u; unit < BLOCKS / 4u; unit++) {
    let own = unit % block_units();
    let from_w = places(rows, unit);
    let scale = all_scales(from_w, own);
    for (var i = 0u; i < 8u; i++) {
      let four = transpose(mat4x4f(
        weights(from_w.x, own, scale[0], i),
        weights(from_w.y, own, scale[1], i),
        weights(from_w.z, own, scale[2], i),
        weights(from_w.w, own, scale[3], i),
      ));
      let at = from_token * pitch + unit * 8u + i;
      first += four * mat4x4f(x[at], x[at + pitch], x[at + 2u * pitch], x[at + 3u * pitch]);
      last += four * mat4x4f(x[at + 4u * pitch], x[at + 5u * pitch], x[at + 6u * pitch], x[at + 7u * pitch]);
    }
  }
  let tokens = min(TOKENS, feed[0] - from_token);
  for (var t = 0u; t < tokens; t++) {
    let sums = select(first[t % 4u], last[t % 4u], t >= 4u);
    for (var r = 0u; r < OWN_ROWS && row + THREADS * r < ROWS; r++) {
      finish(from_token + t, row + THREADS * r, sums[r]);
    }
  }
}
