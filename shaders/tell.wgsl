// Copies the keys and values that a pass has stored for its tokens, as they are stored, to where the host reads them.
// Grid: (kvHeads, tokens).
override ROW: u32; // pairs of words in a row
override POOLED: u32; // 1: the lanes of a layer share its rows

struct Layer { lane: u32, window: u32, capacity: u32, lanes: u32, rows: u32 }

@group(0) @binding(0) var<storage, read> feed: array<u32>; // see feed.ts
@group(0) @binding(1) var<uniform> layer: Layer;
@group(0) @binding(2) var<storage, read> keys: array<u32>; // [kvHeads · rows, ROW · 2]
@group(0) @binding(3) var<storage, read> values: array<u32>; // likewise
@group(0) @binding(4) var<storage, read_write> told: array<u32>; // [2, lanes, tokens, ROW · 2]

const HEADER = 8u; // words before the ids
const THREADS = 32u;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let tokens = feed[0];
  let at = (layer.lane + group.x) * tokens + group.y;
  let all = layer.lanes * tokens;
  var row = group.x * layer.rows + feed[HEADER + tokens + at];
  if (POOLED == 1u) { row = feed[HEADER + tokens + all + at]; }
  let words = 2u * ROW;
  for (var i = thread; i < words; i += THREADS) {
    told[at * words + i] = keys[row * words + i];
    told[(all + at) * words + i] = values[row * words + i];
  }
}
