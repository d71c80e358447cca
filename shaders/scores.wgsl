// scores[head, token, slot] = SCALE · q·k where the token may see the slot, HIDDEN where it may not:
// the slot is free, holds a later position, or lies outside the layer's sliding window.
// Under positions "cache" (RANKED) a key is rotated here, by its slot's rank, and the window counts ranks.
// Behind the slots stand the lane's remainders: their mean keys' products, and ln n for the n tokens that each is of.
// Grid: (ceil((extent + REMAINDERS) / 64), HEADS, ceil(tokens / TOKENS)).
override HEADS: u32;
override GROUP: u32; // query heads per KV head
override QUADS: u32; // HEAD_DIM / 4
override Q_QUADS: u32; // vec4s between rows of q
override KV: u32; // how rows are stored: 0 f32, 1 f16, 2 q8 (see src/kv.ts)
override ROW: u32; // vec2s of a row
override RANKED: u32; // 1: keys are stored unrotated; QUADS is even
override POOLED: u32; // 1: the lanes of a layer share its rows
override REMAINDERS: u32; // of a lane
override SCALE: f32; // of products
override CAP: f32; // where scores end; 0: nowhere

struct Layer { lane: u32, window: u32, capacity: u32, lanes: u32, rows: u32, rope: u32 }

@group(0) @binding(0) var<storage, read> feed: array<u32>; // see cache.ts
@group(0) @binding(1) var<uniform> layer: Layer;
@group(0) @binding(2) var<storage, read> q: array<vec4<f32>>; // [tokens, Q_QUADS · 4]
@group(0) @binding(3) var<storage, read> keys: array<vec2<u32>>; // [kvHeads · rows, ROW]
@group(0) @binding(4) var<storage, read> positions: array<i32>; // [lanes, capacity]
@group(0) @binding(5) var<storage, read_write> scores: array<f32>; // [HEADS, tokens, extent + REMAINDERS]
@group(0) @binding(6) var<storage, read> places: array<i32>; // [2, lanes, capacity]: ranks, rows
@group(0) @binding(7) var<storage, read> angles: array<vec4<f32>>; // [ropes, capacity, 2, HEAD_DIM / 2]: cos, sin by rank
@group(0) @binding(8) var<storage, read> remainder: array<vec4<f32>>; // [lanes, REMAINDERS, 2, HEAD_DIM], [lanes, REMAINDERS]: see fold.wgsl

const TOKENS = 4u;
const HIDDEN = -3.0e38;

// Numbers 4·i to 4·i + 3 of the row that begins at `row`.
fn quad(row: u32, i: u32) -> vec4f {
  if (KV == 0u) { return vec4f(bitcast<vec2f>(keys[row + 2u * i]), bitcast<vec2f>(keys[row + 2u * i + 1u])); }
  if (KV == 1u) {
    let pair = keys[row + i];
    return vec4f(unpack2x16float(pair.x), unpack2x16float(pair.y));
  }
  let scales = bitcast<vec2f>(keys[row + ROW - 1u]);
  return unpack4x8snorm(keys[row + i / 2u][i % 2u]) * select(scales.x, scales.y, 2u * i >= QUADS);
}

/** Products of a quad of a key with the same quads of TOKENS queries, the first of which is at `from_q`. */
fn products(key: vec4f, from_q: u32) -> vec4f {
  if (feed[0] == 1u) { return vec4f(dot(key, q[from_q]), 0.0, 0.0, 0.0); }
  return key * mat4x4f(q[from_q], q[from_q + Q_QUADS], q[from_q + 2u * Q_QUADS], q[from_q + 3u * Q_QUADS]);
}

// CAP · tanh(score / CAP), which is 1 beyond 15.
fn capped(score: f32) -> f32 {
  if (CAP == 0.0) { return score; }
  return CAP * tanh(clamp(score / CAP, -15.0, 15.0));
}

// Scores of a remainder of a lane, for `count` queries from `from_q` on.
fn score_remainder(lane: u32, r: u32, from_q: u32, to: u32, count: u32) {
  let index = lane * REMAINDERS + r;
  let n = remainder[layer.lanes * REMAINDERS * 2u * QUADS + index / 4u][index % 4u];
  let share = log(max(n, 1.0));
  for (var t = 0u; t < count; t++) {
    var sum = 0.0;
    for (var i = 0u; i < QUADS; i++) { sum += dot(remainder[index * 2u * QUADS + i], q[from_q + t * Q_QUADS + i]); }
    scores[to + t * (feed[1] + REMAINDERS)] = select(capped(sum * SCALE) + share, HIDDEN, n == 0.0);
  }
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) at: vec3u) {
  let tokens = feed[0];
  let extent = feed[1];
  let slot = at.x;
  let head = at.y;
  let pitch = extent + REMAINDERS;
  if (slot >= pitch) { return; }
  let kv_head = head / GROUP;
  let here = (layer.lane + kv_head) * layer.capacity + slot;
  let from_token = at.z * TOKENS;
  let count = min(TOKENS, tokens - from_token);
  let from_q = from_token * Q_QUADS + head * QUADS;
  let to = (head * tokens + from_token) * pitch + slot;
  if (slot >= extent) {
    score_remainder(layer.lane + kv_head, slot - extent, from_q, to, count);
    return;
  }
  let position = positions[here];
  var from_key = (kv_head * layer.rows + slot) * ROW;
  if (POOLED == 1u) { from_key = u32(places[layer.lanes * layer.capacity + here]) * ROW; }
  var sums = vec4f(); // [TOKENS]
  let quads = select(QUADS, 0u, position < 0); // free slots are spared the work
  var place = position; // what distances are counted from
  var first = feed[2];
  if (RANKED == 1u) {
    place = places[here];
    first = feed[3];
    let half = QUADS / 2u;
    let turn = (layer.rope * layer.capacity + u32(max(place, 0))) * QUADS;
    for (var i = 0u; i < quads / 2u; i++) {
      let a = quad(from_key, i);
      let b = quad(from_key, half + i);
      let cosine = angles[turn + i];
      let sine = angles[turn + half + i];
      let rotated_a = a * cosine - b * sine;
      let rotated_b = b * cosine + a * sine;
      sums += products(rotated_a, from_q + i) + products(rotated_b, from_q + half + i);
    }
  } else {
    for (var i = 0u; i < quads; i++) { sums += products(quad(from_key, i), from_q + i); }
  }
  for (var t = 0u; t < count; t++) {
    let distance = i32(first + from_token + t) - place;
    let seen = position >= 0 && distance >= 0 && (layer.window == 0u || distance < i32(layer.window));
    scores[to + t * pitch] = select(HIDDEN, capped(sums[t] * SCALE), seen);
  }
}
