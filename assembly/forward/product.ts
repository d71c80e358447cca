// y = W·x, or y += W·x: a matrix of any formats and any number of tokens.

import {
  CONTEXT_BYTES,
  CONTEXT_MARKS,
  CONTEXT_WIDE,
  KIND_NIBBLES,
  MATRIX_BIAS,
  MATRIX_EXACT,
  MATRIX_HEADER,
  MATRIX_PARTS,
  PART_AT,
  PART_COLUMNS,
  PART_FIRST,
  PART_FORM,
  PART_KIND,
  PART_ROWS,
  PART_TABLE,
  PART_WORDS,
} from "./abi";
import { plainFour, plainOne, plainSixteen, setTwo, sum0, sum1, sum2, sum3 } from "./plain";
import { exactFour, exactOne, neighbours } from "./exact";
import { isNarrow, narrowFourOf, narrowOneOf, narrowTwoOf } from "./narrow";
import { MARKS, quantiseRow } from "./quantised";
import { fourBytes, tableOf, word } from "./rows";
import { wideFourOf, wideOneOf, wideTwoOf } from "./wide";

/** Where part `index` of a matrix begins. */
export function partOf(matrix: usize, index: u32): usize {
  return matrix + <usize> ((MATRIX_HEADER + index * PART_WORDS) << 2);
}

/** Writes four rows of one token, or as many as there are, with their bias. */
@inline
function put(to: usize, sum: v128, rows: u32, bias: usize, more: bool): void {
  if (rows >= 4) {
    if (bias) sum = f32x4.add(sum, v128.load(bias));
    v128.store(to, more ? f32x4.add(v128.load(to), sum) : sum);
    return;
  }
  let lane = sum;
  for (let row: u32 = 0; row < rows; row++) {
    const at = to + <usize> (row << 2);
    let value = f32x4.extract_lane(lane, 0);
    if (bias) value += load<f32>(bias + <usize> (row << 2));
    store<f32>(at, more ? load<f32>(at) + value : value);
    lane = v128.shuffle<i32>(lane, lane, 1, 2, 3, 0);
  }
}

/** Makes rows [begin, end) of x ready to be multiplied by a matrix of codes. @param columns floats between tokens */
export function prepare(context: usize, matrix: usize, rows: usize, columns: u32, begin: u32, end: u32): void {
  let coded = false;
  let nibbles = false;
  for (let part: u32 = 0; part < word(matrix, MATRIX_PARTS); part++) {
    const kind = <i32> word(partOf(matrix, part), PART_KIND);
    coded = coded || kind >= KIND_NIBBLES;
    nibbles = nibbles || kind == KIND_NIBBLES;
  }
  if (!coded) return;
  takeInput(context, matrix, rows, columns, 0);
  for (let token = begin; token < end; token++) {
    const at = <usize> (token * columns);
    if (exact) neighbours(rows + (at << 2), bytes + (at >> 2), columns);
    else quantiseRow(nibbles, rows + (at << 2), columns, bytes + (at << 1), marks + (at >> 5) * MARKS, wide + (at << 1));
  }
}

// The input of a product.
let x: usize = 0; // f32 [tokens, width]
let width: u32 = 0;
let bytes: usize = 0; // i8 [tokens, width / 32, 2, 32]; where products are exact f32 [tokens, width / 16], see `neighbours`
let wide: usize = 0; // i16 [tokens, width]
let marks: usize = 0; // see quantiseRow
let exact = false; // whether codes meet f32

/** @param first token of them that is taken as the first */
function takeInput(context: usize, matrix: usize, rows: usize, columns: u32, first: u32): void {
  const at = <usize> (first * columns);
  exact = word(matrix, MATRIX_EXACT) != 0;
  x = rows + (at << 2);
  width = columns;
  bytes = <usize> word(context, CONTEXT_BYTES) + (exact ? at >> 2 : at << 1);
  wide = <usize> word(context, CONTEXT_WIDE) + (at << 1);
  marks = <usize> word(context, CONTEXT_MARKS) + (at >> 5) * MARKS;
}

/**
 * A share of y [tokens, pitch] = W·x: of each part's groups of four rows the index-th of `count` spans.
 * @param rows x, prepared, `columns` floats between tokens @param more whether it is added to what y holds
 * @param first token of x that is y's first
 */
export function multiply(
  context: usize,
  matrix: usize,
  rows: usize,
  columns: u32,
  y: usize,
  pitch: u32,
  tokens: u32,
  more: bool,
  index: u32,
  count: u32,
  first: u32 = 0,
): void {
  takeInput(context, matrix, rows, columns, first);
  const bias: usize = word(matrix, MATRIX_BIAS);
  for (let i: u32 = 0; i < word(matrix, MATRIX_PARTS); i++) {
    const part = partOf(matrix, i);
    const groups = (word(part, PART_ROWS) + 3) >> 2;
    const many = word(part, PART_KIND) < <u32> KIND_NIBBLES ? 2 : 0; // plain rows go four groups at a time
    const spans = groups >> many;
    const end = index + 1 == count ? groups : (spans * (index + 1) / count) << many;
    multiplyGroups(part, bias, y, pitch, tokens, more, (spans * index / count) << many, end);
  }
}

function multiplyGroups(
  part: usize,
  bias: usize,
  y: usize,
  pitch: u32,
  tokens: u32,
  more: bool,
  begin: u32,
  end: u32,
): void {
  const kind = <i32> word(part, PART_KIND);
  const bytes = fourBytes(kind, word(part, PART_FORM), word(part, PART_COLUMNS));
  const rows = word(part, PART_ROWS);
  const first = <usize> word(part, PART_FIRST) << 2;
  const apart = <usize> pitch << 2;
  const plain = kind < KIND_NIBBLES;
  const together = plain ? tokens & ~3 : tokens;
  let w = <usize> word(part, PART_AT) + <usize> begin * bytes;
  if (together > 0) {
    for (let row = begin << 2; row < end << 2; row += 4, w += bytes) {
      const left = rows - row;
      const own = bias ? bias + first + <usize> (row << 2) : 0;
      let to = y + first + <usize> (row << 2);
      let token: u32 = 0;
      for (; token + 4 <= together; token += 4, to += apart << 2) {
        fourTokens(part, kind, w, token);
        put(to, sum0, left, own, more);
        put(to + apart, sum1, left, own, more);
        put(to + 2 * apart, sum2, left, own, more);
        put(to + 3 * apart, sum3, left, own, more);
      }
      for (; token + 2 <= together; token += 2, to += apart << 1) {
        twoTokens(part, kind, w, token);
        put(to, sum0, left, own, more);
        put(to + apart, sum1, left, own, more);
      }
      for (; token < together; token++, to += apart) put(to, oneToken(part, kind, w, token), left, own, more);
    }
  }
  for (let token = together; token < tokens; token++) {
    plainGroups(part, kind, bias, y + <usize> token * apart, x + (<usize> (token * width) << 2), more, begin, end);
  }
}

/** Plain rows of a span of groups times one token, four groups at a time. */
function plainGroups(part: usize, kind: i32, bias: usize, y: usize, x: usize, more: bool, begin: u32, end: u32): void {
  const columns = word(part, PART_COLUMNS);
  const bytes = fourBytes(kind, word(part, PART_FORM), columns);
  const rows = word(part, PART_ROWS);
  let at = (<usize> word(part, PART_FIRST) + <usize> (begin << 2)) << 2; // bytes of y
  let w = <usize> word(part, PART_AT) + <usize> begin * bytes;
  let group = begin;
  for (; group + 4 <= end; group += 4, w += bytes << 2, at += 64) {
    const left = rows - (group << 2);
    plainSixteen(kind, w, bytes, x, columns);
    put(y + at, sum0, left, bias ? bias + at : 0, more);
    put(y + at + 16, sum1, left - 4, bias ? bias + at + 16 : 0, more);
    put(y + at + 32, sum2, left - 8, bias ? bias + at + 32 : 0, more);
    put(y + at + 48, sum3, left - 12, bias ? bias + at + 48 : 0, more);
  }
  for (; group < end; group++, w += bytes, at += 16) {
    put(y + at, plainOne(kind, w, x, columns), rows - (group << 2), bias ? bias + at : 0, more);
  }
}

/** Four rows times four tokens from this one on, to the sums. */
@inline
function fourTokens(part: usize, kind: i32, w: usize, token: u32): void {
  const columns = word(part, PART_COLUMNS);
  const at = <usize> (token * width);
  if (kind < KIND_NIBBLES) {
    plainFour(kind, w, x + (at << 2), <usize> width << 2, columns);
    return;
  }
  const form = word(part, PART_FORM);
  const table = <i32> word(part, PART_TABLE);
  if (exact) {
    const from = x + (at << 2);
    const pitch = <usize> width << 2;
    exactFour(kind, form, tableOf(table), w, from, pitch, bytes + (at >> 2), <usize> width >> 2, columns);
    return;
  }
  const own = marks + (at >> 5) * MARKS;
  const apart = (<usize> width >> 5) * MARKS;
  if (ASC_FEATURE_RELAXED_SIMD && isNarrow(kind, table)) narrowFourOf(form, w, bytes + (at << 1), width << 1, own, apart, columns);
  else wideFourOf(kind, form, tableOf(table), w, wide + (at << 1), <usize> width << 1, own, apart, columns);
}

/** Four rows of codes times two tokens from this one on, to the first two sums. */
@inline
function twoTokens(part: usize, kind: i32, w: usize, token: u32): void {
  if (exact) {
    const a = oneToken(part, kind, w, token);
    setTwo(a, oneToken(part, kind, w, token + 1));
    return;
  }
  const columns = word(part, PART_COLUMNS);
  const at = <usize> (token * width);
  const form = word(part, PART_FORM);
  const table = <i32> word(part, PART_TABLE);
  const own = marks + (at >> 5) * MARKS;
  const apart = (<usize> width >> 5) * MARKS;
  if (ASC_FEATURE_RELAXED_SIMD && isNarrow(kind, table)) {
    narrowTwoOf(form, w, bytes + (at << 1), width << 1, own, apart, columns);
    return;
  }
  const x0 = wide + (at << 1);
  wideTwoOf(kind, form, tableOf(table), w, x0, x0 + (<usize> width << 1), own, own + apart, columns);
}

/** Four rows of codes times one token. */
@inline
function oneToken(part: usize, kind: i32, w: usize, token: u32): v128 {
  const columns = word(part, PART_COLUMNS);
  const at = <usize> (token * width);
  const form = word(part, PART_FORM);
  const table = <i32> word(part, PART_TABLE);
  if (exact) return exactOne(kind, form, tableOf(table), w, x + (at << 2), bytes + (at >> 2), columns);
  const own = marks + (at >> 5) * MARKS;
  if (ASC_FEATURE_RELAXED_SIMD && isNarrow(kind, table)) return narrowOneOf(form, w, bytes + (at << 1), own, columns);
  return wideOneOf(kind, form, tableOf(table), w, wide + (at << 1), own, columns);
}
