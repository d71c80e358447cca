// What a pass does to rows of numbers besides products. Rows are padded with zeros to whole vectors.

import { keptAbsolute, keptBias, keptMagic, keptOne, keptStep } from "./kept";

/** The sum of a vector's lanes. */
@inline
export function total(v: v128): f32 {
  return (f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1)) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3));
}

/** The largest of a vector's lanes. */
@inline
export function largest(v: v128): f32 {
  return max(
    max(f32x4.extract_lane(v, 0), f32x4.extract_lane(v, 1)),
    max(f32x4.extract_lane(v, 2), f32x4.extract_lane(v, 3)),
  );
}

/** e^x for x ≤ 0, within 2 · 10⁻⁷ of it, relative; NaN of NaN. Cephes' expf. */
@inline
export function exponential(x: v128): v128 {
  const c = f32x4.max(x, keptStep(0)); // -87
  const magic = keptMagic();
  const rounded = f32x4.add(f32x4.mul(c, keptStep(1)), magic); // 1 / ln 2
  const n = f32x4.sub(rounded, magic);
  let r = f32x4.sub(c, f32x4.mul(n, keptStep(2))); // less n · ln 2, in two parts
  r = f32x4.add(r, f32x4.mul(n, keptStep(3)));
  let p = keptStep(4);
  p = f32x4.add(f32x4.mul(p, r), keptStep(5));
  p = f32x4.add(f32x4.mul(p, r), keptStep(6));
  p = f32x4.add(f32x4.mul(p, r), keptStep(7));
  p = f32x4.add(f32x4.mul(p, r), keptStep(8));
  p = f32x4.add(f32x4.mul(p, r), keptStep(9));
  p = f32x4.add(f32x4.add(f32x4.mul(p, f32x4.mul(r, r)), r), keptOne());
  return f32x4.mul(p, i32x4.shl(i32x4.sub(rounded, keptBias()), 23));
}

/** y = x / √(mean of x² + eps) · weight. @param n numbers of x, its padding not counted */
export function normalise(x: usize, weight: usize, y: usize, n: u32, eps: f32): void {
  const bytes = (<usize> n + 3) >> 2 << 4;
  let squares = f32x4.splat(0);
  for (let i: usize = 0; i < bytes; i += 16) {
    const v = v128.load(x + i);
    squares = f32x4.add(squares, f32x4.mul(v, v));
  }
  const scale = f32x4.splat(1 / sqrt<f32>(total(squares) / <f32> n + eps));
  for (let i: usize = 0; i < bytes; i += 16) {
    v128.store(y + i, f32x4.mul(f32x4.mul(v128.load(x + i), scale), v128.load(weight + i)));
  }
}

/** y *= scale. Numbers up to a whole vector are there. */
export function multiplyBy(y: usize, scale: f32, n: u32): void {
  const factor = f32x4.splat(scale);
  const bytes = (<usize> n + 3) >> 2 << 4;
  for (let i: usize = 0; i < bytes; i += 16) v128.store(y + i, f32x4.mul(factor, v128.load(y + i)));
}

/** cap · tanh(v / cap); what is no finite number, or −3e38, which stands for what is not seen, stays. */
export function capped(v: v128, cap: v128): v128 {
  const one = keptOne();
  const size = v128.and(v, keptAbsolute());
  const e = exponential(f32x4.mul(f32x4.div(size, cap), f32x4.splat(-2)));
  const end = f32x4.mul(cap, f32x4.div(f32x4.sub(one, e), f32x4.add(one, e)));
  return v128.bitselect(v128.bitselect(end, v, keptAbsolute()), v, f32x4.lt(size, f32x4.splat(2.9e38)));
}

/** The same of a row, in place, with padding as above. */
export function capBy(y: usize, cap: f32, n: u32): void {
  const most = f32x4.splat(cap);
  const bytes = (<usize> n + 3) >> 2 << 4;
  for (let i: usize = 0; i < bytes; i += 16) v128.store(y + i, capped(v128.load(y + i), most));
}

/** x += scale · y, or of y's norm, which is then in its place; with padding as above. @param weight 0: no norm */
export function join(y: usize, x: usize, n: u32, scale: f32, weight: usize, eps: f32): void {
  if (weight) normalise(y, weight, y, n, eps);
  const bytes = (<usize> n + 3) >> 2 << 4;
  const factor = f32x4.splat(scale);
  for (let i: usize = 0; i < bytes; i += 16) {
    v128.store(x + i, f32x4.add(v128.load(x + i), f32x4.mul(factor, v128.load(y + i))));
  }
}

/** to = a head rotated: pairs i and i + dim / 2. @param angles cos [dim / 2], sin [dim / 2] */
export function rotate(from: usize, angles: usize, to: usize, dim: u32): void {
  const half = <usize> dim << 1; // bytes
  let i: usize = 0;
  for (; i + 16 <= half; i += 16) {
    const a = v128.load(from + i);
    const b = v128.load(from + half + i);
    const cosine = v128.load(angles + i);
    const sine = v128.load(angles + half + i);
    v128.store(to + i, f32x4.sub(f32x4.mul(a, cosine), f32x4.mul(b, sine)));
    v128.store(to + half + i, f32x4.add(f32x4.mul(b, cosine), f32x4.mul(a, sine)));
  }
  for (; i < half; i += 4) {
    const a = load<f32>(from + i);
    const b = load<f32>(from + half + i);
    const cosine = load<f32>(angles + i);
    const sine = load<f32>(angles + half + i);
    store<f32>(to + i, a * cosine - b * sine);
    store<f32>(to + half + i, b * cosine + a * sine);
  }
}

/** activated = silu(gate) · up, which lie one behind the other. What is behind them is left as it is. */
export function swiglu(gate: usize, activated: usize, n: u32): void {
  const up = gate + (<usize> n << 2);
  const one = keptOne();
  let i: u32 = 0;
  for (; i + 4 <= n; i += 4) {
    const at = <usize> i << 2;
    v128.store(activated + at, f32x4.mul(silu(v128.load(gate + at), one), v128.load(up + at)));
  }
  for (; i < n; i++) {
    const at = <usize> i << 2;
    const value = f32x4.mul(silu(v128.load32_splat(gate + at), one), v128.load32_splat(up + at));
    store<f32>(activated + at, f32x4.extract_lane(value, 0));
  }
}

/** 1 / (1 + e^−v), without overflow. */
@inline
function sigmoid(v: v128, one: v128): v128 {
  const e = exponential(f32x4.sub(f32x4.splat(0), v128.and(v, keptAbsolute())));
  return f32x4.div(v128.bitselect(e, one, i32x4.shr_s(v, 31)), f32x4.add(one, e));
}

/** v / (1 + e^−v) */
@inline
function silu(v: v128, one: v128): v128 {
  return f32x4.mul(v, sigmoid(v, one));
}

/** v · (1 + tanh u) / 2 = v / (1 + e^−2u), u = √(2/π) · (v + 0.044715 v³) */
function gelu(v: v128): v128 {
  const cube = f32x4.mul(f32x4.mul(v, v), f32x4.mul(v, f32x4.splat(0.044715)));
  return f32x4.mul(v, sigmoid(f32x4.mul(f32x4.add(v, cube), f32x4.splat(1.5957691216)), keptOne()));
}

/** activated = gelu(gate) · up, as swiglu. */
export function geglu(gate: usize, activated: usize, n: u32): void {
  const up = gate + (<usize> n << 2);
  let i: u32 = 0;
  for (; i + 4 <= n; i += 4) {
    const at = <usize> i << 2;
    v128.store(activated + at, f32x4.mul(gelu(v128.load(gate + at)), v128.load(up + at)));
  }
  for (; i < n; i++) {
    const at = <usize> i << 2;
    const value = f32x4.mul(gelu(v128.load32_splat(gate + at)), v128.load32_splat(up + at));
    store<f32>(activated + at, f32x4.extract_lane(value, 0));
  }
}

const LOWEST: f32 = -3.4e38;

/** The largest of 32 logits; what is no number is left out. */
@inline
function largestOf(logits: usize): f32 {
  let tops = f32x4.splat(LOWEST);
  for (let at: usize = 0; at < 128; at += 16) tops = f32x4.pmax(tops, v128.load(logits + at));
  return largest(tops);
}

/** Whether logits are finite: what is not leaves no 0 when it is multiplied by one. */
function areFinite(logits: usize, vocab: u32): bool {
  const zero = f32x4.splat(0);
  let sums = zero;
  let i: u32 = 0;
  for (; i + 4 <= vocab; i += 4) sums = f32x4.add(sums, f32x4.mul(v128.load(logits + (<usize> i << 2)), zero));
  let sum = total(sums);
  for (; i < vocab; i++) sum += load<f32>(logits + (<usize> i << 2)) * 0;
  return sum == 0;
}

/** The id of the largest logit that is not banned, ties to the smaller; `vocab` where there is none, or a logit is not finite. */
export function greedy(logits: usize, banned: usize, vocab: u32): u32 {
  if (!areFinite(logits, vocab)) return vocab;
  let best = LOWEST;
  let id = vocab;
  for (let from: u32 = 0; from < vocab; from += 32, banned += 4) {
    const at = logits + (<usize> from << 2);
    if (from + 32 <= vocab && !(largestOf(at) > best)) continue;
    const bits = load<u32>(banned);
    const end = min<u32>(32, vocab - from);
    for (let i: u32 = 0; i < end; i++) {
      const logit = load<f32>(at + (<usize> i << 2));
      if (logit > best && !(bits >> i & 1)) {
        best = logit;
        id = from + i;
      }
    }
  }
  return id;
}

/** −ln of the probability that logits give to an id; NaN where a logit is not finite. @param logits padded: what is behind `vocab` is not read */
export function lossOf(logits: usize, id: u32, vocab: u32): f32 {
  if (!areFinite(logits, vocab)) return NaN;
  let top = LOWEST;
  for (let i: u32 = 0; i < vocab; i++) top = max(top, load<f32>(logits + (<usize> i << 2)));
  const tops = f32x4.splat(top);
  let sums = f32x4.splat(0);
  let i: u32 = 0;
  for (; i + 4 <= vocab; i += 4) {
    sums = f32x4.add(sums, exponential(f32x4.sub(v128.load(logits + (<usize> i << 2)), tops)));
  }
  let sum = total(sums);
  for (; i < vocab; i++) {
    const rest = f32x4.sub(v128.load32_splat(logits + (<usize> i << 2)), tops);
    sum += f32x4.extract_lane(exponential(rest), 0);
  }
  return <f32> Math.log(sum) - (load<f32>(logits + (<usize> id << 2)) - top);
}
