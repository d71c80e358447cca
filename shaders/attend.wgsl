// out[token, head] = Σ over slots of p · v. The workgroup is COLUMNS quads of a head × SPLITS shares of the slots, added up at the end.
// Grid: (HEADS, ceil(tokens / TOKENS)).
override GROUP: u32; // query heads per KV head
override QUADS: u32; // HEAD_DIM / 4, at most 64
override OUT_QUADS: u32; // vec4s between rows of out
override POOLED: u32; // 1: the lanes of a layer share its rows

struct Layer { lane: u32, window: u32, capacity: u32, lanes: u32, rows: u32 }

@group(0) @binding(0) var<storage, read> feed: array<u32>; // see cache.ts
@group(0) @binding(1) var<uniform> layer: Layer;
@group(0) @binding(2) var<storage, read> probabilities: array<f32>; // [HEADS, tokens, extent]
@group(0) @binding(3) var<storage, read> values: array<vec4<f32>>; // [kvHeads · rows, HEAD_DIM]
@group(0) @binding(4) var<storage, read_write> out: array<vec4<f32>>; // [tokens, OUT_QUADS · 4]
@group(0) @binding(5) var<storage, read> places: array<i32>; // [2, lanes, capacity]: ranks, rows

const TOKENS = 4u;
const THREADS = 64u;
var<workgroup> parts: array<vec4<f32>, THREADS * TOKENS>; // 4 KiB

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
  let from_values = kv_head * layer.rows * QUADS + column;
  let from_rows = (layer.lanes + layer.lane + kv_head) * layer.capacity;
  // Without a pool a layer's lanes have no slot beyond its rows.
  let end = select(min(extent, layer.rows), extent, POOLED == 1u);
  var sums: array<vec4<f32>, TOKENS>;
  if (share < splits) {
    for (var slot = share; slot < end; slot += splits) {
      var at = from_values + slot * QUADS;
      if (POOLED == 1u) { at = u32(places[from_rows + slot]) * QUADS + column; }
      let value = values[at];
      for (var t = 0u; t < count; t++) {
        sums[t] += probabilities[(head * tokens + from_token + t) * extent + slot] * value;
      }
    }
  }
  for (var t = 0u; t < TOKENS; t++) { parts[t * THREADS + thread] = sums[t]; }
  workgroupBarrier();
  if (share != 0u) { return; }
  for (var t = 0u; t < count; t++) {
    var total = vec4f();
    for (var i = 0u; i < splits; i++) { total += parts[t * THREADS + i * QUADS + column]; }
    out[(from_token + t) * OUT_QUADS + head * QUADS + column] = total;
  }
}
