// A layer of experts: every token goes through some of many feed-forward parts, each of which has its own share in the result.
// Tokens of the same expert lie side by side, so that its weights are read once for all of them: a row is one token in one
// expert, [tokens · used], by expert, then by token.
//
//   ╒═ routes ═╤════════════════════╤═════════════════════════════════════════════════╕
//   │ begins   │ u32 [experts + 1]  │ where the rows of each expert begin             │
//   │ rows     │ u32 [stride, used] │ of each token, by expert                        │
//   │ shares   │ f32 [stride, used] │ what of each goes into the token's result       │
//   │ tokens   │ u32 [stride, used] │ whose a row is                                  │
//   │ owners   │ u32 [stride, used] │ which expert's it is                            │
//   ╘══════════╧════════════════════╧═════════════════════════════════════════════════╛
//
// Whatever the router makes, what these say is in range: numbers that are none go to experts that there are.

import {
  CONTEXT_EXPERT_ACTIVATED,
  CONTEXT_EXPERT_GATE_UP,
  CONTEXT_GATHERED,
  CONTEXT_ROUTED,
  CONTEXT_ROUTES,
  CONTEXT_STRIDE,
  LAYER_EXPERTS,
  MODEL_EXPERT_WIDTH,
  MODEL_EXPERTS,
  MODEL_EXPERTS_NORMED,
  MODEL_EXPERTS_USED,
  MODEL_GELU,
  MODEL_HIDDEN,
} from "./abi";
import { multiply, prepare } from "./product";
import { padded, word } from "./rows";
import { exponential, geglu, swiglu } from "./vector";

/** What is shared of a layer, one behind the other; `mixture.ts` says how. */
export const GATHER: u32 = 0;
export const OPEN: u32 = 1;
export const ACTIVATE: u32 = 2;
export const CLOSE: u32 = 3;
export const WEIGH: u32 = 4;

/** Matrix `part` of a layer's expert: 0 gate · up, 1 down. */
@inline
export function expertAt(layer: usize, expert: u32, part: u32): usize {
  return word(word(layer, LAYER_EXPERTS), <i32> ((expert << 1) + part));
}

/** Floats between what the router made of tokens. */
@inline
export function routedPitch(experts: u32): u32 {
  return (experts + 3) & ~3;
}

/** Words of the routes. */
export function routeWords(experts: u64, used: u64, stride: u64): u64 {
  return experts + 1 + 4 * used * stride;
}

// Where the routes lie.
let begins: usize = 0;
let rows: usize = 0;
let shares: usize = 0;
let tokensOf: usize = 0;
let owners: usize = 0;

function openRoutes(model: usize, context: usize): void {
  const bytes = <usize> (word(context, CONTEXT_STRIDE) * word(model, MODEL_EXPERTS_USED)) << 2;
  begins = word(context, CONTEXT_ROUTES);
  rows = begins + (<usize> (word(model, MODEL_EXPERTS) + 1) << 2);
  shares = rows + bytes;
  tokensOf = shares + bytes;
  owners = tokensOf + bytes;
}

@inline
function get(at: usize, index: u32): u32 {
  return load<u32>(at + (<usize> index << 2));
}

@inline
function set(at: usize, index: u32, value: u32): void {
  store<u32>(at + (<usize> index << 2), value);
}

/** The experts of the `used` largest logits, of equal ones the first, to `chosen`, ascending. */
function choose(logits: usize, experts: u32, chosen: usize, used: u32): void {
  let last = f32.MAX_VALUE;
  let lastExpert: i32 = -1;
  for (let k: u32 = 0; k < used; k++) {
    let best: f32 = -f32.MAX_VALUE;
    let expert: i32 = -1;
    for (let e: u32 = 0; e < experts; e++) {
      const logit = load<f32>(logits + (<usize> e << 2));
      if ((logit > best || expert < 0 && logit == best) && (logit < last || logit == last && <i32> e > lastExpert)) {
        best = logit;
        expert = e;
      }
    }
    if (expert < 0) expert = k; // where logits are no finite numbers
    last = best;
    lastExpert = expert;
    let to = k;
    for (; to > 0 && get(chosen, to - 1) > <u32> expert; to--) set(chosen, to, get(chosen, to - 1));
    set(chosen, to, expert);
  }
}

/** What of each chosen expert goes into a token's result. Takes the logits' place. */
function shareOut(logits: usize, experts: u32, chosen: usize, to: usize, used: u32, normed: bool): void {
  let top = load<f32>(logits);
  for (let e: u32 = 1; e < experts; e++) top = max(top, load<f32>(logits + (<usize> e << 2)));
  const tops = f32x4.splat(top);
  for (let e: u32 = 0; e < experts; e += 4) {
    const at = logits + (<usize> e << 2);
    v128.store(at, exponential(f32x4.sub(v128.load(at), tops)));
  }
  let sum: f32 = 0;
  if (normed) for (let k: u32 = 0; k < used; k++) sum += load<f32>(logits + (<usize> get(chosen, k) << 2));
  else for (let e: u32 = 0; e < experts; e++) sum += load<f32>(logits + (<usize> e << 2));
  for (let k: u32 = 0; k < used; k++) {
    store<f32>(to + (<usize> k << 2), load<f32>(logits + (<usize> get(chosen, k) << 2)) / sum);
  }
}

/** Which tokens of a pass go to which experts, by what the router made of them. */
export function route(model: usize, context: usize, tokens: u32): void {
  const experts = word(model, MODEL_EXPERTS);
  const used = word(model, MODEL_EXPERTS_USED);
  const normed = word(model, MODEL_EXPERTS_NORMED) != 0;
  openRoutes(model, context);
  memory.fill(begins, 0, <usize> (experts + 1) << 2);
  for (let token: u32 = 0; token < tokens; token++) {
    const logits = <usize> word(context, CONTEXT_ROUTED) + (<usize> (token * routedPitch(experts)) << 2);
    const own = <usize> (token * used) << 2;
    choose(logits, experts, rows + own, used);
    shareOut(logits, experts, rows + own, shares + own, used, normed);
    for (let k: u32 = 0; k < used; k++) {
      const next = get(rows + own, k) + 1;
      set(begins, next, get(begins, next) + 1);
    }
  }
  for (let e: u32 = 0; e < experts; e++) set(begins, e + 1, get(begins, e + 1) + get(begins, e));
  for (let i: u32 = 0; i < tokens * used; i++) {
    const expert = get(rows, i);
    const row = get(begins, expert);
    set(begins, expert, row + 1);
    set(rows, i, row);
    set(tokensOf, row, i / used);
    set(owners, row, expert);
  }
  for (let e = experts; e > 0; e--) set(begins, e, get(begins, e - 1)); // each is where it ends by now
  set(begins, 0, 0);
}

/** Does the index-th of `count` shares of a step. @param at its tokens, or where its results go */
export function shareOf(
  step: u32,
  model: usize,
  layer: usize,
  context: usize,
  at: usize,
  more: bool,
  tokens: u32,
  index: u32,
  count: u32,
): void {
  openRoutes(model, context);
  const all = tokens * word(model, MODEL_EXPERTS_USED);
  if (step == GATHER) gather(model, layer, context, at, all * index / count, all * (index + 1) / count);
  else if (step == ACTIVATE) activate(model, layer, context, all * index / count, all * (index + 1) / count);
  else if (step == WEIGH) weigh(model, context, at, more, tokens * index / count, tokens * (index + 1) / count);
  else multiplyAll(model, layer, context, step == CLOSE, index, count);
}

/** The inputs of rows [begin, end), ready to be multiplied. @param x of tokens */
function gather(model: usize, layer: usize, context: usize, x: usize, begin: u32, end: u32): void {
  const width = padded(word(model, MODEL_HIDDEN));
  const bytes = <usize> width << 2;
  const gathered: usize = word(context, CONTEXT_GATHERED);
  for (let row = begin; row < end; row++) {
    memory.copy(gathered + <usize> row * bytes, x + <usize> get(tokensOf, row) * bytes, bytes);
    prepare(context, expertAt(layer, get(owners, row), 0), gathered, width, row, row + 1);
  }
}

/** A share of the products of all rows with their experts' first matrices, or with the last. */
function multiplyAll(model: usize, layer: usize, context: usize, last: bool, index: u32, count: u32): void {
  const width = padded(word(model, MODEL_HIDDEN));
  const inner = word(model, MODEL_EXPERT_WIDTH);
  const gathered: usize = word(context, CONTEXT_GATHERED);
  const gateUp: usize = word(context, CONTEXT_EXPERT_GATE_UP);
  const activated: usize = word(context, CONTEXT_EXPERT_ACTIVATED);
  for (let e: u32 = 0; e < word(model, MODEL_EXPERTS); e++) {
    const from = get(begins, e);
    const until = get(begins, e + 1);
    if (from == until) continue;
    const matrix = expertAt(layer, e, last ? 1 : 0);
    const pitch = last ? width : 2 * inner;
    const y = (last ? gathered : gateUp) + (<usize> (from * pitch) << 2);
    if (last) multiply(context, matrix, activated, padded(inner), y, pitch, until - from, false, index, count, from);
    else multiply(context, matrix, gathered, width, y, pitch, until - from, false, index, count, from);
  }
}

/** What experts make of rows [begin, end) between their products. */
function activate(model: usize, layer: usize, context: usize, begin: u32, end: u32): void {
  const inner = word(model, MODEL_EXPERT_WIDTH);
  const width = padded(inner);
  const gelu = word(model, MODEL_GELU);
  const activated: usize = word(context, CONTEXT_EXPERT_ACTIVATED);
  for (let row = begin; row < end; row++) {
    const from = <usize> word(context, CONTEXT_EXPERT_GATE_UP) + (<usize> (row * 2 * inner) << 2);
    const to = activated + (<usize> (row * width) << 2);
    if (gelu) geglu(from, to, inner);
    else swiglu(from, to, inner);
    prepare(context, expertAt(layer, get(owners, row), 1), activated, width, row, row + 1);
  }
}

/** y of tokens [begin, end) = Σ share · row, or y += that. */
function weigh(model: usize, context: usize, y: usize, more: bool, begin: u32, end: u32): void {
  const used = word(model, MODEL_EXPERTS_USED);
  const hidden = word(model, MODEL_HIDDEN);
  const bytes = <usize> padded(hidden) << 2;
  const own = (<usize> hidden + 3) >> 2 << 4;
  const made: usize = word(context, CONTEXT_GATHERED);
  for (let token = begin; token < end; token++) {
    const to = y + <usize> token * bytes;
    for (let i: usize = 0; i < own; i += 16) {
      let sum = f32x4.splat(0);
      for (let k = token * used; k < (token + 1) * used; k++) {
        const share = v128.load32_splat(shares + (<usize> k << 2));
        sum = f32x4.add(sum, f32x4.mul(share, v128.load(made + <usize> get(rows, k) * bytes + i)));
      }
      v128.store(to + i, more ? f32x4.add(v128.load(to + i), sum) : sum);
    }
  }
}
