// y = silu(gate) · up, or gelu(gate) · up, by the approximation with tanh. Grid: (ceil(WIDTH / 64), tokens).
override WIDTH: u32; // intermediate size
override IN_PITCH: u32; // elements between rows of gate_up
override PITCH: u32; // elements between rows of y
override GELU: u32; // 1: not silu

@group(0) @binding(0) var<storage, read> gate_up: array<f32>; // [tokens, IN_PITCH]: WIDTH of gate, then WIDTH of up
@group(0) @binding(1) var<storage, read_write> y: array<f32>; // [tokens, PITCH]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) at: vec3u) {
  if (at.x >= WIDTH) { return; }
  let gate = gate_up[at.y * IN_PITCH + at.x];
  let up = gate_up[at.y * IN_PITCH + WIDTH + at.x];
  var power = gate;
  if (GELU == 1u) { power = 1.5957691216 * (gate + 0.044715 * gate * gate * gate); } // (1 + tanh u) / 2 = 1 / (1 + e^−2u)
  y[at.y * PITCH + at.x] = gate / (1.0 + exp(-power)) * up;
}
