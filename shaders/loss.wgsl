// losses[token] = -ln of the probability that the token's logits give to the id that follows it in the text;
// NaN where a logit is not finite. Grid: (tokens).
override VOCAB: u32;

@group(0) @binding(0) var<storage, read> feed: array<u32>; // see cache.ts
@group(0) @binding(1) var<storage, read> logits: array<f32>; // [tokens, VOCAB]
@group(0) @binding(2) var<storage, read_write> losses: array<f32>; // [tokens]

const HEADER = 8u; // words before the ids
const THREADS = 256u;
const LOWEST = -3.4e38;
const EXPONENT = 0x7f800000u; // all of it: no finite number. Sums may take for granted that there is none
var<workgroup> parts: array<f32, THREADS>;
var<workgroup> strange: atomic<u32>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let token = group.x;
  let row = token * VOCAB;
  var top = LOWEST;
  for (var i = thread; i < VOCAB; i += THREADS) {
    if ((bitcast<u32>(logits[row + i]) & EXPONENT) == EXPONENT) { atomicStore(&strange, EXPONENT + 1u); }
    top = max(top, logits[row + i]);
  }
  parts[thread] = top;
  workgroupBarrier();
  for (var i = 0u; i < THREADS; i++) { top = max(top, parts[i]); }
  workgroupBarrier();
  var sum = 0.0;
  for (var i = thread; i < VOCAB; i += THREADS) { sum += exp(logits[row + i] - top); }
  parts[thread] = sum;
  workgroupBarrier();
  if (thread != 0u) { return; }
  var total = 0.0;
  for (var i = 0u; i < THREADS; i++) { total += parts[i]; }
  let next = select(feed[4], feed[HEADER + token + 1u], token + 1u < feed[0]);
  let loss = log(total) - (logits[row + next] - top);
  let nan = atomicLoad(&strange);
  losses[token] = bitcast<f32>(select(bitcast<u32>(loss), nan, nan != 0u));
}
