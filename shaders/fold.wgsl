// Sums up what the slots hold that were freed, before anything else is written into them: mean keys and mean values of a layer's
// lanes, and of how many tokens they are. A key goes to an empty remainder of its lane, or to that whose mean is nearest. Under
// positions "cache" (RANKED) keys are stored unrotated, and are rotated here, all by one rank.
// Grid: (kvHeads): one workgroup does the slots of one lane, one after the other.
override HEAD_DIM: u32;
override KV: u32; // how rows are stored: 0 f32, 1 f16, 2 q8 (see src/kv.ts)
override ROW: u32; // pairs of words in a row
override RANKED: u32; // 1: keys are rotated here
override RANK: u32; // by this rank
override POOLED: u32; // 1: the lanes of a layer share its rows
override REMAINDERS: u32; // of a lane, at most 8

struct Layer { lane: u32, window: u32, capacity: u32, lanes: u32, rows: u32 }

@group(0) @binding(0) var<storage, read> gone: array<u32>; // [lanes + 1]: where each lane's slots begin; then these slots
@group(0) @binding(1) var<uniform> layer: Layer;
@group(0) @binding(2) var<storage, read> keys: array<u32>; // [kvHeads · rows, ROW · 2]
@group(0) @binding(3) var<storage, read> values: array<u32>; // likewise
@group(0) @binding(4) var<storage, read> places: array<i32>; // [2, lanes, capacity]: ranks, rows
@group(0) @binding(5) var<storage, read> angles: array<f32>; // [capacity, 2, HEAD_DIM / 2]: cos, sin by rank
@group(0) @binding(6) var<storage, read_write> remainder: array<f32>; // [lanes, REMAINDERS, 2, HEAD_DIM], [lanes, REMAINDERS]

const THREADS = 64u;
var<workgroup> key: array<f32, 256>; // HEAD_DIM at most
var<workgroup> distances: array<f32, 8>; // to each mean, squared; of an empty one -1

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

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let lane = layer.lane + group.x;
  let half = HEAD_DIM / 2u;
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
      let cosine = select(1.0, angles[RANK * HEAD_DIM + i], RANKED == 1u);
      let sine = select(0.0, angles[RANK * HEAD_DIM + half + i], RANKED == 1u);
      key[i] = a * cosine - b * sine;
      key[half + i] = b * cosine + a * sine;
    }
    workgroupBarrier();
    if (thread < REMAINDERS) {
      let mean = (first + thread) * 2u * HEAD_DIM;
      var sum = 0.0;
      for (var i = 0u; i < HEAD_DIM; i++) {
        let far = key[i] - remainder[mean + i];
        sum += far * far;
      }
      distances[thread] = select(sum, -1.0, remainder[counts + first + thread] == 0.0);
    }
    workgroupBarrier();
    var nearest = 0u;
    for (var r = 1u; r < REMAINDERS; r++) {
      if (distances[nearest] >= 0.0 && distances[r] < distances[nearest]) { nearest = r; }
    }
    let n = remainder[counts + first + nearest] + 1.0;
    let mean = (first + nearest) * 2u * HEAD_DIM;
    for (var i = thread; i < HEAD_DIM; i += THREADS) {
      let value = number(values[row + (i >> KV)], i, values[scale_at(row, i)]);
      remainder[mean + i] += (key[i] - remainder[mean + i]) / n;
      remainder[mean + HEAD_DIM + i] += (value - remainder[mean + HEAD_DIM + i]) / n;
    }
    storageBarrier();
    workgroupBarrier();
    if (thread == 0u) { remainder[counts + first + nearest] = n; }
    storageBarrier();
    workgroupBarrier();
  }
}
