// y = W·x + bias for many tokens: a thread keeps one row of W against TOKENS tokens, so that each weight is read once per TOKENS.
// Grid: (ceil(ROWS / 64) as x·y, ceil(tokens / TOKENS) as z). Same bindings and constants as matvec.
override DTYPE: u32; // 0 f32, 1 f16, 2 bf16
override BLOCKS: u32; // blocks of 8 elements in a row of W and of x (zero-padded)
override ROWS: u32; // rows of W held by this part
override FIRST: u32; // where this part's rows begin in y
override PITCH: u32; // elements between rows of y
override ADD: u32; // 1: y += (the residual), 0: y =
override BIAS: u32; // 1: bias is added

@group(0) @binding(0) var<storage, read> w: array<vec4<u32>>; // [ROWS, BLOCKS · 8] in DTYPE
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>; // [tokens, BLOCKS · 8]
@group(0) @binding(2) var<storage, read> bias: array<f32>; // [all rows]
@group(0) @binding(3) var<storage, read_write> y: array<f32>; // [tokens, PITCH]
@group(0) @binding(4) var<storage, read> feed: array<u32>; // see cache.ts

const TOKENS = 8u;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = (group.y * groups.x + group.x) * 64u + thread;
  if (row >= ROWS) { return; }
  let from_token = group.z * TOKENS;
  let tokens = min(TOKENS, feed[0] - from_token);
  var sums: array<f32, TOKENS>;
  for (var block = 0u; block < BLOCKS; block++) {
    var low: vec4f;
    var high: vec4f;
    let at = row * BLOCKS + block;
    if (DTYPE == 0u) {
      low = bitcast<vec4f>(w[at * 2u]);
      high = bitcast<vec4f>(w[at * 2u + 1u]);
    } else {
      let packed = w[at];
      if (DTYPE == 1u) {
        low = vec4f(unpack2x16float(packed.x), unpack2x16float(packed.y));
        high = vec4f(unpack2x16float(packed.z), unpack2x16float(packed.w));
      } else {
        let even = bitcast<vec4f>(packed << vec4u(16u));
        let odd = bitcast<vec4f>(packed & vec4u(0xffff0000u));
        low = vec4f(even.x, odd.x, even.y, odd.y);
        high = vec4f(even.z, odd.z, even.w, odd.w);
      }
    }
    for (var t = 0u; t < tokens; t++) {
      let from_x = ((from_token + t) * BLOCKS + block) * 2u;
      sums[t] += dot(low, x[from_x]) + dot(high, x[from_x + 1u]);
    }
  }
  for (var t = 0u; t < tokens; t++) {
    var total = sums[t];
    if (BIAS == 1u) { total += bias[FIRST + row]; }
    let to = (from_token + t) * PITCH + FIRST + row;
    if (ADD == 1u) { total += y[to]; }
    y[to] = total;
  }
}
