// The greedy choice: the id of the largest logit that is not banned; ties go to the smaller id; VOCAB where a logit is not finite. Grid: (1).
override VOCAB: u32;

@group(0) @binding(0) var<storage, read> logits: array<f32>; // [VOCAB], the newest token's row
@group(0) @binding(1) var<storage, read> banned: array<u32>; // [ceil(VOCAB / 32)], one bit per id
@group(0) @binding(2) var<storage, read_write> chosen: array<u32>; // [1]

const THREADS = 256u;
const LOWEST = -3.4e38;
const EXPONENT = 0x7f800000u; // all of it: no finite number. Comparisons may take for granted that there is none
var<workgroup> best_logit: array<f32, THREADS>;
var<workgroup> best_id: array<u32, THREADS>;
var<workgroup> strange: atomic<u32>;

@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) thread: u32) {
  var best = LOWEST;
  var id = VOCAB;
  for (var i = thread; i < VOCAB; i += THREADS) {
    if ((bitcast<u32>(logits[i]) & EXPONENT) == EXPONENT) { atomicStore(&strange, 1u); }
    let allowed = ((banned[i / 32u] >> (i % 32u)) & 1u) == 0u;
    if (allowed && logits[i] > best) {
      best = logits[i];
      id = i;
    }
  }
  best_logit[thread] = best;
  best_id[thread] = id;
  workgroupBarrier();
  if (thread != 0u) { return; }
  for (var i = 1u; i < THREADS; i++) {
    if (best_logit[i] > best || (best_logit[i] == best && best_id[i] < id)) {
      best = best_logit[i];
      id = best_id[i];
    }
  }
  chosen[0] = select(id, VOCAB, atomicLoad(&strange) == 1u);
}
