// x[token] = table[id of token]: one row of the embedding per token, widened to f32.
// Grid: (ceil(WIDTH / 64), tokens). A table split into parts is dispatched once per part.
override DTYPE: u32; // 0 f32, 1 f16, 2 bf16
override WIDTH: u32; // hidden size
override PITCH: u32; // elements between rows of the table and of x, a multiple of 8
override FIRST: u32; // first row held by this part
override ROWS: u32; // rows held by this part
override SCALE: f32; // what embeddings are multiplied by

@group(0) @binding(0) var<storage, read> feed: array<u32>; // see cache.ts
@group(0) @binding(1) var<storage, read> table: array<u32>; // [ROWS, PITCH] in DTYPE
@group(0) @binding(2) var<storage, read_write> x: array<f32>; // [tokens, PITCH]

const HEADER = 8u; // words before the ids

fn element(index: u32) -> f32 {
  if (DTYPE == 0u) { return bitcast<f32>(table[index]); }
  let pair = table[index / 2u];
  if (DTYPE == 1u) { return unpack2x16float(pair)[index % 2u]; }
  return bitcast<f32>(select(pair << 16u, pair & 0xffff0000u, index % 2u == 1u));
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) at: vec3u) {
  let column = at.x;
  let token = at.y;
  let row = feed[HEADER + token] - FIRST; // wraps far past ROWS when the row is in an earlier part
  if (column >= WIDTH || row >= ROWS) { return; }
  x[token * PITCH + column] = SCALE * element(row * PITCH + column);
}
