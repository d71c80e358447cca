// x += SCALE · y, row by row, or SCALE times y's RMSNorm: what a part of a layer made joins the residual, where that is not the plain sum.
// Grid: (tokens).
override WIDTH: u32; // elements of a row that count
override PITCH: u32; // elements between rows of x and y
override SCALE: f32;
override NORM: u32; // 1: y is normalised
override EPS: f32;

@group(0) @binding(0) var<storage, read> y: array<f32>; // [tokens, PITCH]
@group(0) @binding(1) var<storage, read> weight: array<f32>; // [WIDTH], of the norm
@group(0) @binding(2) var<storage, read_write> x: array<f32>; // [tokens, PITCH]

const THREADS = 64u;
var<workgroup> parts: array<f32, THREADS>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let row = group.x * PITCH;
  var scale = SCALE;
  if (NORM == 1u) {
    var sum = 0.0;
    for (var i = thread; i < WIDTH; i += THREADS) { sum += y[row + i] * y[row + i]; }
    parts[thread] = sum;
    workgroupBarrier();
    var total = 0.0;
    for (var i = 0u; i < THREADS; i++) { total += parts[i]; }
    scale *= inverseSqrt(total / f32(WIDTH) + EPS);
  }
  for (var i = thread; i < WIDTH; i += THREADS) {
    var own = y[row + i] * scale;
    if (NORM == 1u) { own *= weight[i]; }
    x[row + i] += own;
  }
}
