// Turns scores into probabilities in place, and takes their mean or maximum over the query heads of a KV head (the
// observation).
// Grid: (kvHeads, tokens): one workgroup does the GROUP heads of one KV head for one token.
override GROUP: u32; // query heads per KV head
override OBSERVE: u32; // 1: means is written
override MAXIMUM: u32; // 1: the maximum is observed, not the mean
override REMAINDERS: u32; // of a lane, behind its slots: they have their share, which is not observed

struct Layer { lane: u32, window: u32, capacity: u32, lanes: u32, rows: u32 }

@group(0) @binding(0) var<storage, read> feed: array<u32>; // see cache.ts
@group(0) @binding(1) var<uniform> layer: Layer;
@group(0) @binding(2) var<storage, read_write> scores: array<f32>; // [heads, tokens, extent + REMAINDERS]
@group(0) @binding(3) var<storage, read_write> means: array<f32>; // [kvHeads, tokens, extent]
@group(0) @binding(4) var<storage, read_write> observed: array<f32>; // [3, lanes, capacity]: Σp, Σp², last p

const THREADS = 64u; // 8 · 8
const HIDDEN = -3.0e38;
var<workgroup> parts: array<f32, THREADS>;
var<workgroup> eighths: array<f32, 8>;

// The largest value over the workgroup.
fn largest(value: f32, thread: u32) -> f32 {
  parts[thread] = value;
  workgroupBarrier();
  if (thread < 8u) {
    var top = parts[thread * 8u];
    for (var i = 1u; i < 8u; i++) { top = max(top, parts[thread * 8u + i]); }
    eighths[thread] = top;
  }
  workgroupBarrier();
  var top = eighths[0];
  for (var i = 1u; i < 8u; i++) { top = max(top, eighths[i]); }
  return top;
}

// The sum over the workgroup.
fn total(value: f32, thread: u32) -> f32 {
  parts[thread] = value;
  workgroupBarrier();
  if (thread < 8u) {
    var eighth = 0.0;
    for (var i = 0u; i < 8u; i++) { eighth += parts[thread * 8u + i]; }
    eighths[thread] = eighth;
  }
  workgroupBarrier();
  var sum = 0.0;
  for (var i = 0u; i < 8u; i++) { sum += eighths[i]; }
  return sum;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let tokens = feed[0];
  let extent = feed[1];
  let pitch = extent + REMAINDERS;
  let kv_head = group.x;
  let token = group.y;
  for (var g = 0u; g < GROUP; g++) {
    let row = ((kv_head * GROUP + g) * tokens + token) * pitch;
    var top = HIDDEN;
    for (var slot = thread; slot < pitch; slot += THREADS) { top = max(top, scores[row + slot]); }
    top = largest(top, thread);
    var sum = 0.0;
    for (var slot = thread; slot < pitch; slot += THREADS) {
      let score = scores[row + slot];
      let weight = select(exp(score - top), 0.0, score == HIDDEN);
      scores[row + slot] = weight;
      sum += weight;
    }
    sum = total(sum, thread);
    for (var slot = thread; slot < pitch; slot += THREADS) { scores[row + slot] /= sum; }
  }
  if (OBSERVE == 0u) { return; }
  // A thread meets only slots that it wrote itself above: no barrier is needed.
  for (var slot = thread; slot < extent; slot += THREADS) {
    var sum = 0.0;
    var top = 0.0;
    for (var g = 0u; g < GROUP; g++) {
      let p = scores[((kv_head * GROUP + g) * tokens + token) * pitch + slot];
      sum += p;
      top = max(top, p);
    }
    let mean = select(sum / f32(GROUP), top, MAXIMUM == 1u);
    if (tokens == 1u) {
      observed[(layer.lane + kv_head) * layer.capacity + slot] = mean; // one query says all three
    } else {
      means[(kv_head * tokens + token) * extent + slot] = mean;
    }
  }
}
