// RMSNorm over all heads of q together, and over all of k, in place. Grid: (2, tokens): q, k.
override QUERIES: u32; // elements of q
override KEYS: u32; // elements of k, which is behind q
override PITCH: u32; // elements between rows of qkv
override EPS: f32;

@group(0) @binding(0) var<storage, read> weight: array<f32>; // [QUERIES + KEYS]
@group(0) @binding(1) var<storage, read_write> qkv: array<f32>; // [tokens, PITCH]

const THREADS = 64u;
var<workgroup> parts: array<f32, THREADS>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let width = select(KEYS, QUERIES, group.x == 0u);
  let begin = group.x * QUERIES;
  let row = group.y * PITCH + begin;
  var sum = 0.0;
  for (var i = thread; i < width; i += THREADS) { sum += qkv[row + i] * qkv[row + i]; }
  parts[thread] = sum;
  workgroupBarrier();
  var total = 0.0;
  for (var i = 0u; i < THREADS; i++) { total += parts[i]; }
  let scale = inverseSqrt(total / f32(width) + EPS);
  for (var i = thread; i < width; i += THREADS) { qkv[row + i] *= scale * weight[begin + i]; }
}
