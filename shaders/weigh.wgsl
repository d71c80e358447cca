// y = Σ share · what an expert made of a token, or y += that. Grid: (ceil(WIDTH / 64), tokens).
override WIDTH: u32; // elements of a row that count
override PITCH: u32; // elements between rows of made and y
override USED: u32; // experts of a token
override ADD: u32; // 1: y += (the residual), 0: y =

@group(0) @binding(0) var<storage, read> shares: array<f32>; // [tokens, USED]
@group(0) @binding(1) var<storage, read> made: array<f32>; // [tokens, USED, PITCH]
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // [tokens, PITCH]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) at: vec3u) {
  if (at.x >= WIDTH) { return; }
  var sum = 0.0;
  for (var i = at.y * USED; i < (at.y + 1u) * USED; i++) { sum += shares[i] * made[i * PITCH + at.x]; }
  let to = at.y * PITCH + at.x;
  if (ADD == 1u) { sum += y[to]; }
  y[to] = sum;
}
