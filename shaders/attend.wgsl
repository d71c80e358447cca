// out[token, head] = Σ over slots of p · v. The workgroup is COLUMNS quads of a head × SPLITS shares of the slots, added up at the end.
// Grid: (HEADS, ceil(tokens / TOKENS)).
override GROUP: u32; // query heads per KV head
override QUADS: u32; // HEAD_DIM / 4, at most 64
override OUT_QUADS: u32; // vec4s between rows of out
override KV: u32; // how rows are stored: 0 f32, 1 f16, 2 q8 (see src/kv.ts)
override ROW: u32; // vec2s of a row
override POOLED: u32; // 1: the lanes of a layer share its rows
override REMAINDERS: u32; // of a lane, whose mean values are mixed as a slot's

struct Layer { lane: u32, window: u32, capacity: u32, lanes: u32, rows: u32 }

@group(0) @binding(0) var<storage, read> feed: array<u32>; // see cache.ts
@group(0) @binding(1) var<uniform> layer: Layer;
@group(0) @binding(2) var<storage, read> probabilities: array<f32>; // [HEADS, tokens, extent + REMAINDERS]
@group(0) @binding(3) var<storage, read> values: array<vec2<u32>>; // [kvHeads · rows, ROW]
@group(0) @binding(4) var<storage, read_write> out: array<vec4<f32>>; // [tokens, OUT_QUADS · 4]
@group(0) @binding(5) var<storage, read> places: array<i32>; // [2, lanes, capacity]: ranks, rows
@group(0) @binding(6) var<storage, read> remainder: array<vec4<f32>>; // [lanes, REMAINDERS, 2, HEAD_DIM], …: see fold.wgsl

const TOKENS = 4u;
const THREADS = 64u;
var<workgroup> parts: array<vec4<f32>, THREADS * TOKENS>; // 4 KiB

// Numbers 4·i to 4·i + 3 of the row that begins at `row`.
fn quad(row: u32, i: u32) -> vec4f {
  if (KV == 0u) { return vec4f(bitcast<vec2f>(values[row + 2u * i]), bitcast<vec2f>(values[row + 2u * i + 1u])); }
  if (KV == 1u) {
    let pair = values[row + i];
    return vec4f(unpack2x16float(pair.x), unpack2x16float(pair.y));
  }
  let scales = bitcast<vec2f>(values[row + ROW - 1u]);
  return unpack4x8snorm(values[row + i / 2u][i % 2u]) * select(scales.x, scales.y, 2u * i >= QUADS);
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let tokens = feed[0];
  let extent = feed[1];
  let head = group.x;
  let from_token = group.y * TOKENS;
  let count = min(TOKENS, tokens - from_token);
  let splits = THREADS / QUADS;
  let column = thread % QUADS;
  let share = thread / QUADS;
  let kv_head = head / GROUP;
  let from_values = kv_head * layer.rows;
  let from_rows = (layer.lanes + layer.lane + kv_head) * layer.capacity;
  // Without a pool a layer's lanes have no slot beyond its rows.
  let end = select(min(extent, layer.rows), extent, POOLED == 1u);
  let pitch = extent + REMAINDERS;
  let from_p = (head * tokens + from_token) * pitch;
  var sums = mat4x4f(); // [TOKENS]
  if (share < splits) {
    for (var slot = share; slot < end; slot += splits) {
      var row = from_values + slot;
      if (POOLED == 1u) { row = u32(places[from_rows + slot]); }
      let value = quad(row * ROW, column);
      let at = from_p + slot;
      sums[0] += probabilities[at] * value;
      if (tokens > 1u) {
        sums[1] += probabilities[at + pitch] * value;
        sums[2] += probabilities[at + 2u * pitch] * value;
        sums[3] += probabilities[at + 3u * pitch] * value;
      }
    }
  }
  for (var t = 0u; t < TOKENS; t++) { parts[t * THREADS + thread] = sums[t]; }
  workgroupBarrier();
  if (share != 0u) { return; }
  for (var t = 0u; t < count; t++) {
    var total = vec4f();
    for (var i = 0u; i < splits; i++) { total += parts[t * THREADS + i * QUADS + column]; }
    for (var r = 0u; r < REMAINDERS; r++) {
      let value = remainder[(((layer.lane + kv_head) * REMAINDERS + r) * 2u + 1u) * QUADS + column];
      total += probabilities[from_p + t * pitch + extent + r] * value;
    }
    out[(from_token + t) * OUT_QUADS + head * QUADS + column] = total;
  }
}
