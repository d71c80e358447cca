// Products of nibbles and bytes, as in llama.cpp, with relaxed SIMD: exact, because nibbles fit seven bits. Activations of 16 bits
// come as two bytes, x = 256 · high + low (quantised.ts): where a unit's low bytes are all zero, half of the work is left out.

import { FORM_HALVES, FORM_MINIMA, FORM_PAIRS, KIND_NIBBLES, TABLE_LEVELS, UNIT } from "./abi";
import { keptNibble, keptOnes, keptRaise, keptSign } from "./kept";
import { setSums, setTwo } from "./plain";
import { FINE, finish, MARKS } from "./quantised";
import { codesAt, fourAt, scalesBytes, unitBytes } from "./rows";

/** Four columns of x times the codes of four rows, in pairs: i16. */
@inline
function dot(x: usize, codes: v128): v128 {
  return i16x8.relaxed_dot_i8x16_i7x16_s(v128.load32_splat(x), codes);
}

/** Sixteen columns, `from` bytes beyond x. */
@inline
function dots(a: v128, b: v128, c: v128, d: v128, x: usize, from: usize): v128 {
  const first = i16x8.add(dot(x + from, a), dot(x + (from + 4), b));
  return i16x8.add(first, i16x8.add(dot(x + (from + 8), c), dot(x + (from + 12), d)));
}

/** Pairs added up: i32. */
@inline
function ended(pairs: v128, ones: v128): v128 {
  return i32x4.dot_i16x8_s(pairs, ones);
}

/** Σ w·x of four rows and one token; every code is `less` below its nibble. */
@inline
function narrowOne(form: u32, less: i32, w: usize, x: usize, marks: usize, columns: u32): v128 {
  const mask = keptNibble();
  const ones = keptOnes();
  const sign = keptSign();
  const raise = keptRaise();
  const pairs = (form & FORM_PAIRS) != 0;
  const codes = codesAt(form);
  const minima = scalesBytes(form);
  let sum = f32x4.splat(0);
  for (let k: u32 = 0; k < columns; k += <u32> UNIT, w += unitBytes(KIND_NIBBLES, form), x += 64, marks += MARKS) {
    const q = v128.load(w + codes);
    const r = v128.load(w + codes + 16);
    const s = v128.load(w + codes + 32);
    const t = v128.load(w + codes + 48);
    const a = v128.and(q, mask);
    const b = v128.and(r, mask);
    const c = v128.and(s, mask);
    const d = v128.and(t, mask);
    const e = v128.and(i16x8.shr_u(q, 4), mask);
    const f = v128.and(i16x8.shr_u(r, 4), mask);
    const g = v128.and(i16x8.shr_u(s, 4), mask);
    const h = v128.and(i16x8.shr_u(t, 4), mask);
    let low = dots(a, b, c, d, x, 0);
    let high = dots(e, f, g, h, x, 16);
    if (!pairs) low = i16x8.add(low, high);
    low = i32x4.shl(ended(low, ones), 8);
    if (pairs) high = i32x4.shl(ended(high, ones), 8);
    if (load<u32>(marks + FINE)) {
      const low2 = dots(a, b, c, d, x, 32);
      const high2 = dots(e, f, g, h, x, 48);
      if (pairs) {
        low = i32x4.add(low, ended(low2, ones));
        high = i32x4.add(high, ended(high2, ones));
      } else low = i32x4.add(low, ended(i16x8.add(low2, high2), ones));
    }
    const scale = fourAt(w, form, 0, sign, raise);
    const scale2 = pairs ? fourAt(w, form, 16, sign, raise) : scale;
    const least = form & FORM_MINIMA ? fourAt(w, form, minima, sign, raise) : scale;
    const least2 = pairs && form & FORM_MINIMA ? fourAt(w, form, minima + 16, sign, raise) : least;
    sum = finish(sum, form, less, low, high, marks, scale, scale2, least, least2);
  }
  return sum;
}

/** The same for four tokens, to the sums of plain.ts, without pairs: bytes `pitch` apart, marks `apart`. */
@inline
function narrowFour(
  form: u32,
  less: i32,
  w: usize,
  x: usize,
  pitch: usize,
  marks: usize,
  apart: usize,
  columns: u32,
): void {
  const mask = keptNibble();
  const ones = keptOnes();
  const sign = keptSign();
  const raise = keptRaise();
  const codes = codesAt(form);
  const minima = scalesBytes(form);
  let y = x + pitch;
  let z = y + pitch;
  let v = z + pitch;
  let marksB = marks + apart;
  let marksC = marksB + apart;
  let marksD = marksC + apart;
  let sumA = f32x4.splat(0);
  let sumB = sumA;
  let sumC = sumA;
  let sumD = sumA;
  for (let k: u32 = 0; k < columns; k += <u32> UNIT, w += unitBytes(KIND_NIBBLES, form)) {
    let a = v128.and(v128.load(w + codes), mask);
    let b = v128.and(v128.load(w + codes + 16), mask);
    let c = v128.and(v128.load(w + codes + 32), mask);
    let d = v128.and(v128.load(w + codes + 48), mask);
    let lowA = dots(a, b, c, d, x, 0);
    let lowB = dots(a, b, c, d, y, 0);
    let lowC = dots(a, b, c, d, z, 0);
    let lowD = dots(a, b, c, d, v, 0);
    a = v128.and(i16x8.shr_u(v128.load(w + codes), 4), mask);
    b = v128.and(i16x8.shr_u(v128.load(w + codes + 16), 4), mask);
    c = v128.and(i16x8.shr_u(v128.load(w + codes + 32), 4), mask);
    d = v128.and(i16x8.shr_u(v128.load(w + codes + 48), 4), mask);
    const highA = dots(a, b, c, d, x, 16);
    const highB = dots(a, b, c, d, y, 16);
    const highC = dots(a, b, c, d, z, 16);
    const highD = dots(a, b, c, d, v, 16);
    lowA = i16x8.add(lowA, highA);
    lowB = i16x8.add(lowB, highB);
    lowC = i16x8.add(lowC, highC);
    lowD = i16x8.add(lowD, highD);
    lowA = i32x4.shl(ended(lowA, ones), 8);
    lowB = i32x4.shl(ended(lowB, ones), 8);
    lowC = i32x4.shl(ended(lowC, ones), 8);
    lowD = i32x4.shl(ended(lowD, ones), 8);
    if (load<u32>(marks + FINE) | load<u32>(marksB + FINE) | load<u32>(marksC + FINE) | load<u32>(marksD + FINE)) {
      let moreA = dots(a, b, c, d, x, 48);
      let moreB = dots(a, b, c, d, y, 48);
      let moreC = dots(a, b, c, d, z, 48);
      let moreD = dots(a, b, c, d, v, 48);
      a = v128.and(v128.load(w + codes), mask);
      b = v128.and(v128.load(w + codes + 16), mask);
      c = v128.and(v128.load(w + codes + 32), mask);
      d = v128.and(v128.load(w + codes + 48), mask);
      moreA = i16x8.add(moreA, dots(a, b, c, d, x, 32));
      moreB = i16x8.add(moreB, dots(a, b, c, d, y, 32));
      moreC = i16x8.add(moreC, dots(a, b, c, d, z, 32));
      moreD = i16x8.add(moreD, dots(a, b, c, d, v, 32));
      lowA = i32x4.add(lowA, ended(moreA, ones));
      lowB = i32x4.add(lowB, ended(moreB, ones));
      lowC = i32x4.add(lowC, ended(moreC, ones));
      lowD = i32x4.add(lowD, ended(moreD, ones));
    }
    const scale = fourAt(w, form, 0, sign, raise);
    const least = form & FORM_MINIMA ? fourAt(w, form, minima, sign, raise) : scale;
    sumA = finish(sumA, form, less, lowA, lowA, marks, scale, scale, least, least);
    sumB = finish(sumB, form, less, lowB, lowB, marksB, scale, scale, least, least);
    sumC = finish(sumC, form, less, lowC, lowC, marksC, scale, scale, least, least);
    sumD = finish(sumD, form, less, lowD, lowD, marksD, scale, scale, least, least);
    x += 64;
    y += 64;
    z += 64;
    v += 64;
    marks += MARKS;
    marksB += MARKS;
    marksC += MARKS;
    marksD += MARKS;
  }
  setSums(sumA, sumB, sumC, sumD);
}

/** The same for two tokens, to the first two sums of plain.ts. */
@inline
function narrowTwo(form: u32, less: i32, w: usize, x: usize, y: usize, marks: usize, marksB: usize, columns: u32): void {
  const mask = keptNibble();
  const ones = keptOnes();
  const sign = keptSign();
  const raise = keptRaise();
  const codes = codesAt(form);
  const minima = scalesBytes(form);
  let sumA = f32x4.splat(0);
  let sumB = sumA;
  for (let k: u32 = 0; k < columns; k += <u32> UNIT, w += unitBytes(KIND_NIBBLES, form)) {
    const a = v128.and(v128.load(w + codes), mask);
    const b = v128.and(v128.load(w + codes + 16), mask);
    const c = v128.and(v128.load(w + codes + 32), mask);
    const d = v128.and(v128.load(w + codes + 48), mask);
    const e = v128.and(i16x8.shr_u(v128.load(w + codes), 4), mask);
    const f = v128.and(i16x8.shr_u(v128.load(w + codes + 16), 4), mask);
    const g = v128.and(i16x8.shr_u(v128.load(w + codes + 32), 4), mask);
    const h = v128.and(i16x8.shr_u(v128.load(w + codes + 48), 4), mask);
    let lowA = i32x4.shl(ended(i16x8.add(dots(a, b, c, d, x, 0), dots(e, f, g, h, x, 16)), ones), 8);
    let lowB = i32x4.shl(ended(i16x8.add(dots(a, b, c, d, y, 0), dots(e, f, g, h, y, 16)), ones), 8);
    if (load<u32>(marks + FINE)) lowA = i32x4.add(lowA, ended(i16x8.add(dots(a, b, c, d, x, 32), dots(e, f, g, h, x, 48)), ones));
    if (load<u32>(marksB + FINE)) lowB = i32x4.add(lowB, ended(i16x8.add(dots(a, b, c, d, y, 32), dots(e, f, g, h, y, 48)), ones));
    const scale = fourAt(w, form, 0, sign, raise);
    const least = form & FORM_MINIMA ? fourAt(w, form, minima, sign, raise) : scale;
    sumA = finish(sumA, form, less, lowA, lowA, marks, scale, scale, least, least);
    sumB = finish(sumB, form, less, lowB, lowB, marksB, scale, scale, least, least);
    x += 64;
    y += 64;
    marks += MARKS;
    marksB += MARKS;
  }
  setTwo(sumA, sumB);
}

/** Whether relaxed SIMD multiplies codes of this kind: nibbles that are their codes, or a number above them. */
@inline
export function isNarrow(kind: i32, table: i32): bool {
  return kind == KIND_NIBBLES && table != TABLE_LEVELS;
}

const HALVES_MINIMA: u32 = FORM_HALVES | FORM_MINIMA;
const MINIMA_PAIRS: u32 = FORM_MINIMA | FORM_PAIRS;

// A function of its own for every form that formats have: an engine hands out registers function by function, and does worse in
// large ones.

function oneQ41(w: usize, x: usize, marks: usize, columns: u32): v128 {
  return narrowOne(HALVES_MINIMA, 0, w, x, marks, columns);
}

function oneQ40(w: usize, x: usize, marks: usize, columns: u32): v128 {
  return narrowOne(FORM_HALVES, 8, w, x, marks, columns);
}

function oneQ40Full(w: usize, x: usize, marks: usize, columns: u32): v128 {
  return narrowOne(0, 8, w, x, marks, columns);
}

function oneQ4K(w: usize, x: usize, marks: usize, columns: u32): v128 {
  return narrowOne(FORM_MINIMA, 0, w, x, marks, columns);
}

function oneQ2K(w: usize, x: usize, marks: usize, columns: u32): v128 {
  return narrowOne(MINIMA_PAIRS, 0, w, x, marks, columns);
}

function oneQ3K(w: usize, x: usize, marks: usize, columns: u32): v128 {
  return narrowOne(FORM_PAIRS, 4, w, x, marks, columns);
}

function fourQ41(w: usize, x: usize, pitch: usize, marks: usize, apart: usize, columns: u32): void {
  narrowFour(HALVES_MINIMA, 0, w, x, pitch, marks, apart, columns);
}

function fourQ40(w: usize, x: usize, pitch: usize, marks: usize, apart: usize, columns: u32): void {
  narrowFour(FORM_HALVES, 8, w, x, pitch, marks, apart, columns);
}

function fourQ4K(w: usize, x: usize, pitch: usize, marks: usize, apart: usize, columns: u32): void {
  narrowFour(FORM_MINIMA, 0, w, x, pitch, marks, apart, columns);
}

function twoQ41(w: usize, x: usize, y: usize, marks: usize, marksB: usize, columns: u32): void {
  narrowTwo(HALVES_MINIMA, 0, w, x, y, marks, marksB, columns);
}

function twoQ40(w: usize, x: usize, y: usize, marks: usize, marksB: usize, columns: u32): void {
  narrowTwo(FORM_HALVES, 8, w, x, y, marks, marksB, columns);
}

function twoQ4K(w: usize, x: usize, y: usize, marks: usize, marksB: usize, columns: u32): void {
  narrowTwo(FORM_MINIMA, 0, w, x, y, marks, marksB, columns);
}

/** Of two tokens, to the first two sums of plain.ts: bytes `pitch` apart, marks `apart`. Rare forms take them one by one. */
export function narrowTwoOf(form: u32, w: usize, x: usize, pitch: usize, marks: usize, apart: usize, columns: u32): void {
  if (!ASC_FEATURE_RELAXED_SIMD) return;
  if (form == HALVES_MINIMA) twoQ41(w, x, x + pitch, marks, marks + apart, columns);
  else if (form == FORM_HALVES) twoQ40(w, x, x + pitch, marks, marks + apart, columns);
  else if (form == FORM_MINIMA) twoQ4K(w, x, x + pitch, marks, marks + apart, columns);
  else {
    const a = narrowOneOf(form, w, x, marks, columns);
    setTwo(a, narrowOneOf(form, w, x + pitch, marks + apart, columns));
  }
}

/** Σ w·x of four rows and one token. @param x bytes, see quantiseRow */
export function narrowOneOf(form: u32, w: usize, x: usize, marks: usize, columns: u32): v128 {
  if (!ASC_FEATURE_RELAXED_SIMD) return i32x4.splat(0);
  if (form == HALVES_MINIMA) return oneQ41(w, x, marks, columns);
  if (form == FORM_HALVES) return oneQ40(w, x, marks, columns);
  if (form == FORM_MINIMA) return oneQ4K(w, x, marks, columns); // or Q4_1 in full
  if (form == MINIMA_PAIRS) return oneQ2K(w, x, marks, columns);
  if (form == FORM_PAIRS) return oneQ3K(w, x, marks, columns);
  return oneQ40Full(w, x, marks, columns);
}

/** Of four tokens, to the sums of plain.ts: bytes `pitch` apart, marks `apart`. Rare forms take them one by one. */
export function narrowFourOf(
  form: u32,
  w: usize,
  x: usize,
  pitch: usize,
  marks: usize,
  apart: usize,
  columns: u32,
): void {
  if (!ASC_FEATURE_RELAXED_SIMD) return;
  if (form == HALVES_MINIMA) fourQ41(w, x, pitch, marks, apart, columns);
  else if (form == FORM_HALVES) fourQ40(w, x, pitch, marks, apart, columns);
  else if (form == FORM_MINIMA) fourQ4K(w, x, pitch, marks, apart, columns);
  else {
    const a = narrowOneOf(form, w, x, marks, columns);
    const b = narrowOneOf(form, w, x + pitch, marks + apart, columns);
    const c = narrowOneOf(form, w, x + 2 * pitch, marks + 2 * apart, columns);
    setSums(a, b, c, narrowOneOf(form, w, x + 3 * pitch, marks + 3 * apart, columns));
  }
}
