// y = x / sqrt(mean(x²) + EPS) · weight, row by row. Grid: (rows).
// With LAST = 1 only the newest token's row is read, and written to row 0.
override WIDTH: u32; // elements of a row that count
override PITCH: u32; // elements between rows of x and y
override EPS: f32;
override LAST: u32;

@group(0) @binding(0) var<storage, read> feed: array<u32>; // see cache.ts
@group(0) @binding(1) var<storage, read> x: array<f32>; // [tokens, PITCH]
@group(0) @binding(2) var<storage, read> weight: array<f32>; // [WIDTH]
@group(0) @binding(3) var<storage, read_write> y: array<f32>; // [tokens, PITCH]

const THREADS = 64u; // 8 · 8
var<workgroup> parts: array<f32, THREADS>;
var<workgroup> eighths: array<f32, 8>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let from_row = select(group.x, feed[0] - 1u, LAST == 1u) * PITCH;
  let to_row = group.x * PITCH;
  var sum = 0.0;
  for (var i = thread; i < WIDTH; i += THREADS) {
    let value = x[from_row + i];
    sum += value * value;
  }
  parts[thread] = sum;
  workgroupBarrier();
  if (thread < 8u) {
    var eighth = 0.0;
    for (var i = 0u; i < 8u; i++) { eighth += parts[thread * 8u + i]; }
    eighths[thread] = eighth;
  }
  workgroupBarrier();
  var total = 0.0;
  for (var i = 0u; i < 8u; i++) { total += eighths[i]; }
  let scale = inverseSqrt(total / f32(WIDTH) + EPS);
  for (var i = thread; i < WIDTH; i += THREADS) {
    y[to_row + i] = x[from_row + i] * scale * weight[i];
  }
}
