// y = W·x + bias for one token at a time: LANES neighbouring threads share OWN_ROWS rows of W, so that their loads are contiguous
// and each element of x is read once for all of these. W stays in its own width and is widened here.
// Grid: (ceil(ROWS / 32) as x·y, tokens as z). Of experts, whose matrices lie one behind the other: (ceil(EXPERT / 32) as x·y, rows
// of y as z); what of an expert is in another part is left to that part.
override DTYPE: u32; // 0 f32, 1 f16, 2 bf16
override BLOCKS: u32; // blocks of 8 elements in a row of W and of x (zero-padded)
override ROWS: u32; // rows of W held by this part
override FIRST: u32; // where this part's rows begin in y
override PITCH: u32; // elements between rows of y
override ADD: u32; // 1: y += (the residual), 0: y =
override BIAS: u32; // 1: bias is added
override EXPERT: u32 = 0u; // rows of an expert; 0: W is one matrix
override SHARED: u32 = 1u; // rows of y that come of the same of x

@group(0) @binding(0) var<storage, read> w: array<vec4<u32>>; // [ROWS, BLOCKS · 8] in DTYPE
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>; // [tokens, BLOCKS · 8]
@group(0) @binding(2) var<storage, read> bias: array<f32>; // [all rows]
@group(0) @binding(3) var<storage, read_write> y: array<f32>; // [tokens, PITCH]
@group(0) @binding(4) var<storage, read> feed: array<u32>; // see cache.ts; of experts: which is each row's, [rows of y]

const OWN_ROWS = 4u; // of a thread
const LANES = 8u;
const TEAMS = 8u; // of LANES threads
var<workgroup> parts: array<vec4f, LANES * TEAMS>;

/** A block of a row times the same of x. */
fn dot8(row: u32, block: u32, low: vec4f, high: vec4f) -> f32 {
  let at = row * BLOCKS + block;
  if (DTYPE == 0u) {
    return dot(bitcast<vec4f>(w[at * 2u]), low) + dot(bitcast<vec4f>(w[at * 2u + 1u]), high);
  }
  let packed = w[at];
  if (DTYPE == 1u) {
    return dot(vec4f(unpack2x16float(packed.x), unpack2x16float(packed.y)), low) +
      dot(vec4f(unpack2x16float(packed.z), unpack2x16float(packed.w)), high);
  }
  let even = bitcast<vec4f>(packed << vec4u(16u));
  let odd = bitcast<vec4f>(packed & vec4u(0xffff0000u));
  return dot(even, vec4f(low.xz, high.xz)) + dot(odd, vec4f(low.yw, high.yw));
}

@compute @workgroup_size(LANES * TEAMS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let lane = thread % LANES;
  let row = ((group.y * groups.x + group.x) * TEAMS + thread / LANES) * OWN_ROWS;
  let token = group.z;
  var first = 0u; // of an expert in this part; it wraps where that begins in an earlier one
  if (EXPERT > 0u) { first = feed[token] * EXPERT - FIRST; }
  let own = vec4u(first + row) + vec4u(0u, 1u, 2u, 3u);
  var sums = vec4f(); // [4 rows]
  if (row < select(ROWS, EXPERT, EXPERT > 0u) && any(own < vec4u(ROWS))) {
    let rows = min(own, vec4u(ROWS - 1u));
    for (var block = lane; block < BLOCKS; block += LANES) {
      let at = (token / SHARED * BLOCKS + block) * 2u;
      let low = x[at];
      let high = x[at + 1u];
      sums += vec4f(
        dot8(rows.x, block, low, high), dot8(rows.y, block, low, high),
        dot8(rows.z, block, low, high), dot8(rows.w, block, low, high),
      );
    }
  }
  parts[thread] = sums;
  workgroupBarrier();
  if (lane >= OWN_ROWS || first + row + lane >= ROWS || (EXPERT > 0u && row + lane >= EXPERT)) { return; }
  var total = 0.0;
  for (var i = 0u; i < LANES; i++) { total += parts[thread - lane + i][lane]; }
  if (BIAS == 1u) { total += bias[FIRST + row + lane]; }
  let to = token * PITCH + select(FIRST, 0u, EXPERT > 0u) + row + lane;
  if (ADD == 1u) { total += y[to]; }
  y[to] = total;
}
