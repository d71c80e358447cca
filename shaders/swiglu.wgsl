// y = silu(gate) · up. Grid: (ceil(WIDTH / 64), tokens).
override WIDTH: u32; // intermediate size
override IN_PITCH: u32; // elements between rows of gate_up
override PITCH: u32; // elements between rows of y

@group(0) @binding(0) var<storage, read> gate_up: array<f32>; // [tokens, IN_PITCH]: WIDTH of gate, then WIDTH of up
@group(0) @binding(1) var<storage, read_write> y: array<f32>; // [tokens, PITCH]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) at: vec3u) {
  if (at.x >= WIDTH) { return; }
  let gate = gate_up[at.y * IN_PITCH + at.x];
  let up = gate_up[at.y * IN_PITCH + WIDTH + at.x];
  y[at.y * PITCH + at.x] = gate / (1.0 + exp(-gate)) * up;
}
