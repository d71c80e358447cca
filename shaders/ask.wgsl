// Sums up the queries of a pass before they are rotated, by head: the numbers of their first and second halves, and the lengths of the
// pairs that these make. Normalised where the model does (QK_NORM).
// Grid: (heads).
override GROUP: u32; // query heads of a KV head
override HEAD_DIM: u32;
override QKV_PITCH: u32; // elements between rows of qkv
override QK_NORM: u32; // 1: RMSNorm over each head
override EPS: f32;

struct Layer { lane: u32, window: u32, capacity: u32, lanes: u32, rows: u32 }

@group(0) @binding(0) var<storage, read> feed: array<u32>; // see feed.ts
@group(0) @binding(1) var<uniform> layer: Layer;
@group(0) @binding(2) var<storage, read> qkv: array<f32>; // [tokens, QKV_PITCH]
@group(0) @binding(3) var<storage, read> norms: array<f32>; // [2, HEAD_DIM]: weights for q, for k
@group(0) @binding(4) var<storage, read_write> queries: array<f32>; // [layers · heads, 3, HEAD_DIM / 2]

const THREADS = 32u;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let half = HEAD_DIM / 2u;
  let to = (layer.lane * GROUP + group.x) * 3u * half;
  for (var i = thread; i < half; i += THREADS) {
    var sums = vec3f(0.0);
    for (var token = 0u; token < feed[0]; token++) {
      let at = token * QKV_PITCH + group.x * HEAD_DIM;
      var a = qkv[at + i];
      var b = qkv[at + i + half];
      if (QK_NORM == 1u) {
        var squares = 0.0;
        for (var j = 0u; j < HEAD_DIM; j++) { squares += qkv[at + j] * qkv[at + j]; }
        let scale = inverseSqrt(squares / f32(HEAD_DIM) + EPS);
        a *= scale * norms[i];
        b *= scale * norms[i + half];
      }
      sums += vec3f(a, b, sqrt(a * a + b * b));
    }
    queries[to + i] = sums.x;
    queries[to + half + i] = sums.y;
    queries[to + 2u * half + i] = sums.z;
  }
}
