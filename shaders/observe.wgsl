// Reduces a chunk's observations over its queries: Σp, Σp² and the last query's p for every slot of every lane of a layer.
// Grid: (ceil(extent / 64), kvHeads).
struct Layer { lane: u32, window: u32, capacity: u32, lanes: u32, rows: u32 }

@group(0) @binding(0) var<storage, read> feed: array<u32>; // see cache.ts
@group(0) @binding(1) var<uniform> layer: Layer;
@group(0) @binding(2) var<storage, read> means: array<f32>; // [kvHeads, tokens, extent]
@group(0) @binding(3) var<storage, read_write> observed: array<f32>; // [3, lanes, capacity]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) at: vec3u) {
  let tokens = feed[0];
  let extent = feed[1];
  let slot = at.x;
  if (slot >= extent) { return; }
  var sum = 0.0;
  var squares = 0.0;
  var last = 0.0;
  for (var token = 0u; token < tokens; token++) {
    last = means[(at.y * tokens + token) * extent + slot];
    sum += last;
    squares += last * last;
  }
  let plane = layer.lanes * layer.capacity;
  let to = (layer.lane + at.y) * layer.capacity + slot;
  observed[to] = sum;
  observed[plane + to] = squares;
  observed[plane * 2u + to] = last;
}
