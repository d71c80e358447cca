// Sums up what the slots hold that were freed, before anything else is written into them: mean keys and mean values of a layer's
// lanes, and of how many tokens they are. A token goes to an empty remainder of its lane; where there is none, two of all that there
// are then become one, the token among them: those whose keys it moves least (Ward's criterion). Under positions "cache" (RANKED)
// keys are stored unrotated, and are rotated here, all by one rank.
// Grid: (kvHeads): one workgroup does the slots of one lane, one after the other.
override HEAD_DIM: u32;
override KV: u32; // how rows are stored: 0 f32, 1 f16, 2 q8 (see src/kv.ts)
override ROW: u32; // pairs of words in a row
override RANKED: u32; // 1: keys are rotated here
override RANK: u32; // by this rank
override POOLED: u32; // 1: the lanes of a layer share its rows
override REMAINDERS: u32; // of a lane, at most 8
override MOST: u32; // tokens that one stands for: what it is of then fades as more come

struct Layer { lane: u32, window: u32, capacity: u32, lanes: u32, rows: u32, rope: u32 }

@group(0) @binding(0) var<storage, read> gone: array<u32>; // [lanes + 1]: where each lane's slots begin; then these slots
@group(0) @binding(1) var<uniform> layer: Layer;
@group(0) @binding(2) var<storage, read> keys: array<u32>; // [kvHeads · rows, ROW · 2]
@group(0) @binding(3) var<storage, read> values: array<u32>; // likewise
@group(0) @binding(4) var<storage, read> places: array<i32>; // [2, lanes, capacity]: ranks, rows
@group(0) @binding(5) var<storage, read> angles: array<f32>; // [capacity, 2, HEAD_DIM / 2]: cos, sin by rank
@group(0) @binding(6) var<storage, read_write> remainder: array<f32>; // [lanes, REMAINDERS, 2, HEAD_DIM], [lanes, REMAINDERS]

const THREADS = 64u;
override PAIRS: u32 = REMAINDERS * (REMAINDERS + 1u) / 2u;
var<workgroup> key: array<f32, 256>; // HEAD_DIM at most
var<workgroup> moves: array<f32, 36>; // of every pair of remainders and the token: how far it would move their keys, squared, summed up

// Which of the two scales of a row of q8 number `i` has, as its word.
fn scale_at(row: u32, i: u32) -> u32 {
  return row + 2u * ROW - 2u + select(0u, 1u, i / 4u * 2u >= HEAD_DIM / 4u);
}

// Number `i` of a row, out of the word that holds it.
fn number(word: u32, i: u32, scale: u32) -> f32 {
  if (KV == 0u) { return bitcast<f32>(word); }
  if (KV == 1u) { return unpack2x16float(word)[i % 2u]; }
  return unpack4x8snorm(word)[i % 4u] * bitcast<f32>(scale);
}

fn key_at(row: u32, i: u32) -> f32 {
  return number(keys[row + (i >> KV)], i, keys[scale_at(row, i)]);
}

// Number `i` of the token: of its key, as it is summed up, or behind that of its value.
fn row_at(row: u32, i: u32) -> f32 {
  if (i < HEAD_DIM) { return key[i]; }
  let at = i - HEAD_DIM;
  return number(values[row + (at >> KV)], at, values[scale_at(row, at)]);
}

// A pair by its number: 0 and 1, 0 and 2, 1 and 2, 0 and 3, …
fn pair(number: u32) -> vec2u {
  var other = 1u;
  var rest = number;
  while (rest >= other) {
    rest -= other;
    other++;
  }
  return vec2u(rest, other);
}

// What becoming one moves the keys of two of a lane's remainders, or of one and the token, which is behind them.
fn moved(first: u32, two: vec2u, counts: u32) -> f32 {
  let is_token = two.y == REMAINDERS;
  let m = remainder[counts + first + two.x];
  let n = select(remainder[counts + first + two.y % REMAINDERS], 1.0, is_token);
  let one = (first + two.x) * 2u * HEAD_DIM;
  let other = (first + two.y % REMAINDERS) * 2u * HEAD_DIM;
  var sum = 0.0;
  for (var i = 0u; i < HEAD_DIM; i++) {
    let far = select(remainder[other + i], key[i], is_token) - remainder[one + i];
    sum += far * far;
  }
  return m * n / (m + n) * sum;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let lane = layer.lane + group.x;
  let half = HEAD_DIM / 2u;
  let turn = (layer.rope * layer.capacity + RANK) * HEAD_DIM;
  let first = lane * REMAINDERS;
  let counts = layer.lanes * REMAINDERS * 2u * HEAD_DIM;
  for (var at = gone[lane]; at < gone[lane + 1u]; at++) {
    let slot = gone[layer.lanes + 1u + at];
    var row = group.x * layer.rows + slot;
    if (POOLED == 1u) { row = u32(places[(layer.lanes + lane) * layer.capacity + slot]); }
    row *= 2u * ROW;
    for (var i = thread; i < half; i += THREADS) {
      let a = key_at(row, i);
      let b = key_at(row, half + i);
      let cosine = select(1.0, angles[turn + i], RANKED == 1u);
      let sine = select(0.0, angles[turn + half + i], RANKED == 1u);
      key[i] = a * cosine - b * sine;
      key[half + i] = b * cosine + a * sine;
    }
    workgroupBarrier();
    if (thread < PAIRS) { moves[thread] = moved(first, pair(thread), counts); }
    workgroupBarrier();
    var least = 0u;
    for (var i = 1u; i < PAIRS; i++) { least = select(least, i, moves[i] < moves[least]); }
    let two = pair(least);
    var empty = REMAINDERS;
    for (var r = REMAINDERS; r > 0u; r--) { empty = select(empty, r - 1u, remainder[counts + first + r - 1u] == 0.0); }
    let joins = empty == REMAINDERS && two.y < REMAINDERS; // two remainders, and the token has the second's place
    let index = first + select(select(two.x, two.y, joins), empty, empty < REMAINDERS);
    let m = remainder[counts + first + two.x];
    let n = remainder[counts + first + two.y % REMAINDERS];
    let count = select(min(remainder[counts + index] + 1.0, f32(MOST)), 1.0, joins);
    let to = index * 2u * HEAD_DIM;
    let one = (first + two.x) * 2u * HEAD_DIM;
    for (var i = thread; i < 2u * HEAD_DIM; i += THREADS) {
      var before = remainder[to + i];
      if (joins) {
        remainder[one + i] += (before - remainder[one + i]) / ((m + n) / n);
        before = 0.0;
      }
      remainder[to + i] = before + (row_at(row, i) - before) / count;
    }
    storageBarrier();
    workgroupBarrier();
    if (thread == 0u) {
      remainder[counts + index] = count;
      if (joins) { remainder[counts + first + two.x] = min(m + n, f32(MOST)); }
    }
    storageBarrier();
    workgroupBarrier();
  }
}
