// logits = SCALE · logits, and where there is a CAP, CAP · tanh(logits / CAP). Grid: (ceil(VOCAB / 64), rows).
override VOCAB: u32;
override SCALE: f32;
override CAP: f32; // 0: none

@group(0) @binding(0) var<storage, read_write> logits: array<f32>; // [rows, VOCAB]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) at: vec3u) {
  if (at.x >= VOCAB) { return; }
  let logit = SCALE * logits[at.y * VOCAB + at.x];
  logits[at.y * VOCAB + at.x] = logit;
  // What is no finite number stays, to be heard of: asked of the bits, because shaders may take it that floats are numbers.
  if (CAP == 0.0 || (bitcast<u32>(logit) & 0x7f800000u) == 0x7f800000u) { return; }
  logits[at.y * VOCAB + at.x] = CAP * tanh(clamp(logit / CAP, -15.0, 15.0)); // beyond which it is 1
}
