// y = W·x + bias for many tokens: a thread keeps OWN_ROWS rows of W, THREADS apart, against TOKENS tokens, so that of each
// 4 elements of W and of x that it reads come as many products as it can hold sums of.
// Grid: (ceil(ROWS / 128) as x·y, ceil(tokens / TOKENS) as z). Same bindings and constants as matvec.
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
const THREADS = 32u;
const OWN_ROWS = 4u;

/** Elements 4·i to 4·i + 3 of a row, as floats. */
fn four(row: u32, i: u32) -> vec4f {
  if (DTYPE == 0u) { return bitcast<vec4f>(w[row * BLOCKS * 2u + i]); }
  let block = w[row * BLOCKS + i / 2u];
  let packed = select(block.xy, block.zw, i % 2u == 1u);
  if (DTYPE == 1u) { return vec4f(unpack2x16float(packed.x), unpack2x16float(packed.y)); }
  let even = bitcast<vec2f>(packed << vec2u(16u));
  let odd = bitcast<vec2f>(packed & vec2u(0xffff0000u));
  return vec4f(even.x, odd.x, even.y, odd.y);
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = (group.y * groups.x + group.x) * THREADS * OWN_ROWS + thread;
  if (row >= ROWS) { return; }
  let rows = min(vec4u(row) + THREADS * vec4u(0u, 1u, 2u, 3u), vec4u(ROWS - 1u));
  let from_token = group.z * TOKENS;
  let pitch = BLOCKS * 2u; // of x, which is read past the last token as well: those sums go nowhere
  var first = mat4x4f(); // [4 tokens][4 rows]
  var last = mat4x4f(); // of the other 4 tokens
  for (var i = 0u; i < pitch; i++) {
    let weights = transpose(mat4x4f(four(rows.x, i), four(rows.y, i), four(rows.z, i), four(rows.w, i)));
    let at = from_token * pitch + i;
    first += weights * mat4x4f(x[at], x[at + pitch], x[at + 2u * pitch], x[at + 3u * pitch]);
    last += weights * mat4x4f(x[at + 4u * pitch], x[at + 5u * pitch], x[at + 6u * pitch], x[at + 7u * pitch]);
  }
  let tokens = min(TOKENS, feed[0] - from_token);
  for (var t = 0u; t < tokens; t++) {
    let sums = select(first[t % 4u], last[t % 4u], t >= 4u);
    for (var r = 0u; r < OWN_ROWS && row + THREADS * r < ROWS; r++) {
      let to = (from_token + t) * PITCH + FIRST + row + THREADS * r;
      var total = sums[r];
      if (BIAS == 1u) { total += bias[FIRST + row + THREADS * r]; }
      if (ADD == 1u) { total += y[to]; }
      y[to] = total;
    }
  }
}
