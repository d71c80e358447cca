// logits = SCALE · logits. Grid: (ceil(VOCAB / 64), rows).
override VOCAB: u32;
override SCALE: f32;

@group(0) @binding(0) var<storage, read_write> logits: array<f32>; // [rows, VOCAB]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) at: vec3u) {
  if (at.x >= VOCAB) { return; }
  logits[at.y * VOCAB + at.x] *= SCALE;
}
