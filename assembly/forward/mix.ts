// Values of a KV head, mixed by the probabilities of its queries.

import { CACHE_VALUES, CONTEXT_MIXED, MODEL_HEAD_DIM, MODEL_HEADS, MODEL_KV_HEADS } from "./abi";
import { row0, row1, row2, row3, takeFour } from "./four";
import { padded, word } from "./rows";

/** to += p · rows: four of each. */
function addFour(to: usize, p: v128, a: usize, b: usize, c: usize, d: usize, bytes: usize): void {
  const p0 = v128.shuffle<f32>(p, p, 0, 0, 0, 0);
  const p1 = v128.shuffle<f32>(p, p, 1, 1, 1, 1);
  const p2 = v128.shuffle<f32>(p, p, 2, 2, 2, 2);
  const p3 = v128.shuffle<f32>(p, p, 3, 3, 3, 3);
  for (let i: usize = 0; i < bytes; i += 16) {
    const some = f32x4.add(f32x4.mul(p0, v128.load(a + i)), f32x4.mul(p1, v128.load(b + i)));
    const more = f32x4.add(f32x4.mul(p2, v128.load(c + i)), f32x4.mul(p3, v128.load(d + i)));
    v128.store(to + i, f32x4.add(v128.load(to + i), f32x4.add(some, more)));
  }
}

/** mixed = Σ p·v of one KV head's queries, four slots at a time. @param scores p, [group, tokens, pitch] */
export function mix(
  model: usize,
  context: usize,
  cache: usize,
  head: u32,
  tokens: u32,
  extent: u32,
  pitch: u32,
  scores: usize,
): void {
  const heads = word(model, MODEL_HEADS);
  const dim = word(model, MODEL_HEAD_DIM);
  const group = heads / word(model, MODEL_KV_HEADS);
  const headBytes = <usize> dim << 2;
  const mixed = <usize> word(context, CONTEXT_MIXED) + <usize> (head * group) * headBytes;
  const tokenBytes = <usize> padded(heads * dim) << 2;
  const values: usize = word(cache, CACHE_VALUES);
  for (let token: u32 = 0; token < tokens; token++) {
    memory.fill(mixed + <usize> token * tokenBytes, 0, <usize> group * headBytes);
  }
  for (let slot: u32 = 0; slot < extent; slot += 4) {
    if (!takeFour(values, slot)) continue;
    for (let token: u32 = 0; token < tokens; token++) {
      for (let g: u32 = 0; g < group; g++) {
        const p = v128.load(scores + (<usize> ((g * tokens + token) * pitch + slot) << 2));
        if (!v128.any_true(p)) continue; // no query of these sees the slots
        const to = mixed + <usize> token * tokenBytes + <usize> g * headBytes;
        addFour(to, p, row0, row1, row2, row3, headBytes);
      }
    }
  }
}
