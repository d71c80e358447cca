// y = W·x + bias for one token at a time: LANES neighbouring threads share a row of W, so that their loads are contiguous.
// Grid: (ceil(ROWS / 8) as x·y, tokens as z). W stays in its own width and is widened here.
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

const LANES = 8u;
const GROUP_ROWS = 8u;
var<workgroup> parts: array<f32, LANES * GROUP_ROWS>;

fn dot8(block: u32, low: vec4f, high: vec4f) -> f32 {
  if (DTYPE == 0u) {
    return dot(bitcast<vec4f>(w[block * 2u]), low) + dot(bitcast<vec4f>(w[block * 2u + 1u]), high);
  }
  let packed = w[block];
  if (DTYPE == 1u) {
    return dot(vec4f(unpack2x16float(packed.x), unpack2x16float(packed.y)), low) +
      dot(vec4f(unpack2x16float(packed.z), unpack2x16float(packed.w)), high);
  }
  let even = bitcast<vec4f>(packed << vec4u(16u));
  let odd = bitcast<vec4f>(packed & vec4u(0xffff0000u));
  return dot(even, vec4f(low.xz, high.xz)) + dot(odd, vec4f(low.yw, high.yw));
}

@compute @workgroup_size(LANES * GROUP_ROWS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = (group.y * groups.x + group.x) * GROUP_ROWS + thread / LANES;
  let token = group.z;
  var sum = 0.0;
  if (row < ROWS) {
    for (var block = thread % LANES; block < BLOCKS; block += LANES) {
      let at = (token * BLOCKS + block) * 2u;
      sum += dot8(row * BLOCKS + block, x[at], x[at + 1u]);
    }
  }
  parts[thread] = sum;
  workgroupBarrier();
  if (thread % LANES != 0u || row >= ROWS) { return; }
  var total = 0.0;
  for (var i = 0u; i < LANES; i++) { total += parts[thread + i]; }
  if (BIAS == 1u) { total += bias[FIRST + row]; }
  let to = token * PITCH + FIRST + row;
  if (ADD == 1u) { total += y[to]; }
  y[to] = total;
}
