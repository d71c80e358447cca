// Which experts a token goes through, those of the USED largest logits, of equal ones the first; and what of each goes into its result:
// its part of the softmax, over all experts or over those. Grid: (tokens).
override EXPERTS: u32; // at most MOST
override USED: u32;
override NORMED: u32; // 1: over those that are used

@group(0) @binding(0) var<storage, read> logits: array<f32>; // [tokens, EXPERTS]
@group(0) @binding(1) var<storage, read_write> chosen: array<u32>; // [tokens, USED], ascending
@group(0) @binding(2) var<storage, read_write> shares: array<f32>; // [tokens, USED]

const THREADS = 64u;
const MOST = 512u;
var<workgroup> own: array<f32, MOST>; // logits, then what they are in the softmax
var<workgroup> takes: array<u32, MOST>; // 1: it is used

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  for (var i = thread; i < EXPERTS; i += THREADS) { own[i] = logits[group.x * EXPERTS + i]; }
  workgroupBarrier();
  var top = own[0];
  for (var i = 1u; i < EXPERTS; i++) { top = max(top, own[i]); }
  for (var i = thread; i < EXPERTS; i += THREADS) {
    var better = 0u;
    for (var j = 0u; j < EXPERTS; j++) {
      better += select(0u, 1u, own[j] > own[i] || (own[j] == own[i] && j < i));
    }
    takes[i] = select(0u, 1u, better < USED);
  }
  workgroupBarrier();
  for (var i = thread; i < EXPERTS; i += THREADS) { own[i] = exp(own[i] - top); }
  workgroupBarrier();
  var sum = 0.0;
  for (var i = 0u; i < EXPERTS; i++) { sum += select(own[i], 0.0, NORMED == 1u && takes[i] == 0u); }
  for (var i = thread; i < EXPERTS; i += THREADS) {
    var place = 0u;
    for (var j = 0u; j < i; j++) { place += takes[j]; }
    if (takes[i] == 1u && place < USED) { // logits that are no numbers might take more
      chosen[group.x * USED + place] = i;
      shares[group.x * USED + place] = own[i] / sum;
    }
  }
}
