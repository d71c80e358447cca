// x += SCALE · y, row by row: what a part of a layer made joins the residual, where a model weighs it. Grid: (tokens).
override WIDTH: u32; // elements of a row that count
override PITCH: u32; // elements between rows of x and y
override SCALE: f32;

@group(0) @binding(0) var<storage, read> y: array<f32>; // [tokens, PITCH]
@group(0) @binding(1) var<storage, read_write> x: array<f32>; // [tokens, PITCH]

const THREADS = 64u;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let row = group.x * PITCH;
  for (var i = thread; i < WIDTH; i += THREADS) { x[row + i] += SCALE * y[row + i]; }
}
