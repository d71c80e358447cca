// Splits qkv by head: normalises q and k where the model does (QK_NORM), rotates them (pairs i, i + HEAD_DIM/2),
// and writes k and v, as KV says, into each lane's own slot, with the slot's position. Under positions "cache" (RANKED) k is
// stored unrotated, with its rank among the lane's live slots, counted so that all lanes' newest have the same.
// Grid: (HEADS + 2 · KV_HEADS, tokens).
override HEADS: u32; // query heads
override KV_HEADS: u32;
override HEAD_DIM: u32;
override QKV_PITCH: u32; // elements between rows of qkv
override Q_PITCH: u32; // elements between rows of q
override QK_NORM: u32; // 1: RMSNorm over each head of q and k before the rotation
override EPS: f32;
override KV: u32; // how rows are stored: 0 f32, 1 f16, 2 q8 (see src/kv.ts)
override ROW: u32; // pairs of words in a row
override RANKED: u32; // 1: k is rotated when it is read
override POOLED: u32; // 1: the lanes of a layer share its rows

struct Layer { lane: u32, window: u32, capacity: u32, lanes: u32, rows: u32, rope: u32 } // this layer's first lane; all lanes of the model

@group(0) @binding(0) var<storage, read> feed: array<u32>; // see cache.ts
@group(0) @binding(1) var<uniform> layer: Layer;
@group(0) @binding(2) var<storage, read> qkv: array<f32>; // [tokens, QKV_PITCH]: HEADS of q, KV_HEADS of k, KV_HEADS of v
@group(0) @binding(3) var<storage, read> norms: array<f32>; // [2, HEAD_DIM]: weights for q, for k
@group(0) @binding(4) var<storage, read_write> q: array<f32>; // [tokens, Q_PITCH]
@group(0) @binding(5) var<storage, read_write> keys: array<u32>; // [KV_HEADS · rows, ROW · 2]
@group(0) @binding(6) var<storage, read_write> values: array<u32>; // [KV_HEADS · rows, ROW · 2]
@group(0) @binding(7) var<storage, read_write> positions: array<i32>; // [lanes, capacity], -1 is a free slot; then, whether anything was clamped
@group(0) @binding(8) var<storage, read_write> places: array<i32>; // [2, lanes, capacity]: ranks, rows

const HEADER = 8u; // words before the ids
const THREADS = 32u;
const LARGEST = 65504.0; // of f16
const NO_NUMBER = 0x7fc00000u; // NaN in f32
var<workgroup> numbers: array<f32, 256>; // of the row to be written; HEAD_DIM at most

// Asked of the bits, because shaders may take it that floats are numbers.
fn finite(value: f32) -> bool {
  return (bitcast<u32>(value) & 0x7f800000u) != 0x7f800000u;
}

// In f16, clamped, which is told; what is no finite number stays none.
fn half_bits(value: f32) -> u32 {
  if (finite(value) && abs(value) > LARGEST) { positions[layer.lanes * layer.capacity] = 1; }
  return select(0x7e00u, pack2x16float(vec2f(clamp(value, -LARGEST, LARGEST), 0.0)), finite(value));
}

// The bits of the scale of one half of the row: its largest absolute value; NaN where the row holds what is no number.
fn scale_bits(second: bool) -> u32 {
  let middle = (HEAD_DIM + 4u) / 8u * 4u; // whole quads
  var largest = 0.0;
  for (var i = 0u; i < HEAD_DIM; i++) {
    if (!finite(numbers[i])) { return NO_NUMBER; }
    if ((i >= middle) == second) { largest = max(largest, abs(numbers[i])); }
  }
  return bitcast<u32>(largest);
}

// A word of the row as it is stored.
fn stored(word: u32) -> u32 {
  if (KV == 0u) { return bitcast<u32>(numbers[word]); }
  if (KV == 1u) { return half_bits(numbers[2u * word]) | (half_bits(numbers[2u * word + 1u]) << 16u); }
  let quads = HEAD_DIM / 4u;
  if (word >= ROW * 2u - 2u) { return scale_bits(word == ROW * 2u - 1u); }
  if (word >= quads) { return 0u; }
  let bits = scale_bits(2u * word >= quads);
  let scale = bitcast<f32>(bits);
  if (bits == NO_NUMBER || scale < 1e-30) { return 0u; } // too small to divide by
  let at = 4u * word;
  return pack4x8snorm(vec4f(numbers[at], numbers[at + 1u], numbers[at + 2u], numbers[at + 3u]) / scale);
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let head = group.x;
  let token = group.y;
  let tokens = feed[0];
  let from_head = token * QKV_PITCH + head * HEAD_DIM;
  let half = HEAD_DIM / 2u;

  let is_query = head < HEADS;
  let kv_head = select((head - HEADS) % KV_HEADS, 0u, is_query);
  let lane = layer.lane + kv_head;
  let slot = feed[HEADER + tokens + lane * tokens + token];
  let here = lane * layer.capacity + slot;
  let from_rope = HEADER + tokens + (1u + POOLED) * layer.lanes * tokens + (layer.rope * tokens + token) * HEAD_DIM;
  var row = kv_head * layer.rows + slot;
  if (POOLED == 1u) { row = feed[HEADER + tokens + (layer.lanes + lane) * tokens + token]; }
  let to_slot = row * ROW * 2u;

  if (head >= HEADS + KV_HEADS) {
    for (var i = thread; i < HEAD_DIM; i += THREADS) { numbers[i] = qkv[from_head + i]; }
    workgroupBarrier();
    for (var i = thread; i < ROW * 2u; i += THREADS) { values[to_slot + i] = stored(i); }
    if (thread == 0u) {
      positions[here] = i32(feed[2] + token);
      if (RANKED == 1u) { places[here] = i32(feed[3] + token); }
      if (POOLED == 1u) { places[layer.lanes * layer.capacity + here] = i32(row); }
    }
    return;
  }

  var scale = 1.0;
  if (QK_NORM == 1u) {
    var sum = 0.0;
    for (var i = 0u; i < HEAD_DIM; i++) { sum += qkv[from_head + i] * qkv[from_head + i]; }
    scale = inverseSqrt(sum / f32(HEAD_DIM) + EPS);
  }
  let from_norm = select(HEAD_DIM, 0u, is_query);
  for (var i = thread; i < half; i += THREADS) {
    var a = qkv[from_head + i];
    var b = qkv[from_head + i + half];
    if (QK_NORM == 1u) {
      a *= scale * norms[from_norm + i];
      b *= scale * norms[from_norm + i + half];
    }
    let cosine = bitcast<f32>(feed[from_rope + i]);
    let sine = bitcast<f32>(feed[from_rope + half + i]);
    let rotated_a = a * cosine - b * sine;
    let rotated_b = b * cosine + a * sine;
    if (is_query) {
      q[token * Q_PITCH + head * HEAD_DIM + i] = rotated_a;
      q[token * Q_PITCH + head * HEAD_DIM + i + half] = rotated_b;
    } else {
      numbers[i] = select(rotated_a, a, RANKED == 1u);
      numbers[i + half] = select(rotated_b, b, RANKED == 1u);
    }
  }
  if (is_query) { return; }
  workgroupBarrier();
  for (var i = thread; i < ROW * 2u; i += THREADS) { keys[to_slot + i] = stored(i); }
}
