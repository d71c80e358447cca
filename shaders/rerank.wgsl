// Positions "cache": closes the gaps in the ranks that this step's slots leave, whose tokens were evicted in the last one.
// Runs before anything is written into those slots. Grid: (ceil(extent / 64), lanes).
override CAPACITY: u32; // slots per lane

@group(0) @binding(0) var<storage, read> feed: array<u32>; // see cache.ts
@group(0) @binding(1) var<storage, read> positions: array<i32>; // [lanes, CAPACITY], the evicted tokens' still among them
@group(0) @binding(2) var<storage, read_write> places: array<i32>; // [2, lanes, CAPACITY]: ranks, rows

const HEADER = 8u; // words before the ids

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) at: vec3u) {
  let tokens = feed[0];
  let lane = at.y;
  if (at.x >= feed[1]) { return; }
  let here = lane * CAPACITY + at.x;
  let position = positions[here];
  var gaps = 0;
  for (var t = 0u; t < tokens; t++) {
    let slot = feed[HEADER + tokens + lane * tokens + t];
    gaps += select(0, 1, positions[lane * CAPACITY + slot] < position);
  }
  places[here] -= gaps;
}
