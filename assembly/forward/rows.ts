// How a matrix lies in memory: four rows side by side, so that one vector has the same column of all of them.
//
//   plain numbers   [rows / 4][columns][4], f32, f16 (raised, see half.ts) or bf16
//   codes           [rows / 4][columns / 32] units:
//
//   ╒═ unit ═╤═══════════════════╤══════════════════════════════════════════════════════════╕
//   │ scales │ f32 or f16 [S, 4] │ S = 1, or 2: of the first 16 columns, and of the others  │
//   │ minima │ the same          │ only where the form has them                             │
//   │ codes  │ u8 [4, 4, 4]      │ nibbles: [i, row, j] has columns 4i + j and 16 + 4i + j  │
//   │        │ i8 [8, 4, 4]      │ bytes:   [i, row, j] has column 4i + j                   │
//   ╘════════╧═══════════════════╧══════════════════════════════════════════════════════════╛
//
// Rows beyond the last, which fill its four, are zero.

import {
  FORM_HALVES,
  FORM_MINIMA,
  FORM_PAIRS,
  KIND_F16,
  KIND_F32,
  KIND_NIBBLES,
  PART_AT,
  PART_COLUMNS,
  PART_FIRST,
  PART_FORM,
  PART_KIND,
  PART_ROWS,
  PART_TABLE,
  TABLE_LESS_4,
  TABLE_LESS_8,
  TABLE_LEVELS,
  UNIT,
} from "./abi";
import { raisedAt, widenHalf } from "./half";
import { keptNibble } from "./kept";

/** Word `index` of a structure. */
@inline
export function word(at: usize, index: i32): u32 {
  return load<u32>(at + (<usize> index << 2));
}

/** The same, of f32. */
@inline
export function number(at: usize, index: i32): f32 {
  return load<f32>(at + (<usize> index << 2));
}

/** Floats of a row of activations: whole units. */
@inline
export function padded(length: u32): u32 {
  return (length + (UNIT - 1)) & ~(UNIT - 1);
}

/** Bytes of one scale or minimum. */
@inline
export function scaleBytes(form: u32): usize {
  return form & FORM_HALVES ? 2 : 4;
}

/** Where minima begin in a unit, and codes where there are none. */
@inline
export function scalesBytes(form: u32): usize {
  return scaleBytes(form) << (form & FORM_PAIRS ? 3 : 2);
}

/** Where codes begin in a unit. */
@inline
export function codesAt(form: u32): usize {
  return scalesBytes(form) << (form & FORM_MINIMA ? 1 : 0);
}

/** Bytes of a unit of four rows. */
@inline
export function unitBytes(kind: i32, form: u32): usize {
  return codesAt(form) + (kind == KIND_NIBBLES ? 64 : 128);
}

/**
 * Four scales or minima of a unit, `offset` bytes from its beginning; with pairs those of the second half lie 16 further.
 * @param sign, raise see kept.ts
 */
@inline
export function fourAt(unit: usize, form: u32, offset: usize, sign: v128, raise: v128): v128 {
  return form & FORM_HALVES ? raisedAt(unit, offset, sign, raise) : v128.load(unit + offset);
}

/** The values of the low nibbles of four columns, or of the high ones. @param mask see keptNibble */
@inline
export function valuesAt(at: usize, high: bool, table: v128, mask: v128): v128 {
  const q = v128.load(at);
  return i8x16.swizzle(table, v128.and(high ? i16x8.shr_u(q, 4) : q, mask));
}

/** The signed codes of four columns in the first half of a unit, `at` where [i] of its codes lies. */
@inline
export function lowCodes(kind: i32, table: v128, at: usize): v128 {
  return kind == KIND_NIBBLES ? valuesAt(at, false, table, keptNibble()) : v128.load(at);
}

/** Likewise in the second half. */
@inline
export function highCodes(kind: i32, table: v128, at: usize): v128 {
  return kind == KIND_NIBBLES ? valuesAt(at, true, table, keptNibble()) : v128.load(at, 64);
}

/** Bytes of four rows. */
export function fourBytes(kind: i32, form: u32, columns: u32): usize {
  if (kind >= KIND_NIBBLES) return <usize> (columns / <u32> UNIT) * unitBytes(kind, form);
  return <usize> columns << (kind == KIND_F32 ? 4 : 3);
}

/** The values of nibbles, as 16 signed bytes. */
export function tableOf(table: u32): v128 {
  if (table == TABLE_LESS_8) return i8x16(-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7);
  if (table == TABLE_LESS_4) return i8x16(-4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
  if (table == TABLE_LEVELS) {
    return i8x16(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);
  }
  return i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

const levels = memory.data(16);

/** A scale or a minimum. */
function scaleAt(at: usize, form: u32, index: u32): f32 {
  return form & FORM_HALVES ? widenHalf(load<u16>(at + (<usize> index << 1))) / 1024 : load<f32>(at + (<usize> index << 2));
}

/** Writes one row of a part as f32. @param row of the matrix @returns whether the part has it */
export function readRow(part: usize, row: u32, to: usize): bool {
  const own = row - word(part, PART_FIRST); // wraps far beyond where the row is in an earlier part
  if (own >= word(part, PART_ROWS)) return false;
  const kind = <i32> word(part, PART_KIND);
  const form = word(part, PART_FORM);
  const columns = word(part, PART_COLUMNS);
  const lane = own & 3;
  let from = <usize> word(part, PART_AT) + <usize> (own >> 2) * fourBytes(kind, form, columns);
  if (kind < KIND_NIBBLES) {
    for (let k: u32 = 0; k < columns; k++, to += 4) {
      const at = <usize> ((k << 2) + lane);
      if (kind == KIND_F32) store<f32>(to, load<f32>(from + (at << 2)));
      else {
        const bits = <u32> load<u16>(from + (at << 1));
        store<f32>(to, kind == KIND_F16 ? widenHalf(bits) / 1024 : reinterpret<f32>(bits << 16));
      }
    }
    return true;
  }
  v128.store(levels, tableOf(word(part, PART_TABLE)));
  const bytes = unitBytes(kind, form);
  for (let unit: u32 = 0; unit < columns / <u32> UNIT; unit++, from += bytes) {
    for (let k: u32 = 0; k < <u32> UNIT; k++, to += 4) {
      const pair = form & FORM_PAIRS ? (k >> 4 << 2) + lane : lane;
      const nibbles = kind == KIND_NIBBLES;
      const column = nibbles ? k & 15 : k;
      const at = codesAt(form) + <usize> ((column >> 2 << 4) + (lane << 2) + (column & 3));
      const byte = <u32> load<u8>(from + at);
      const code = nibbles ? load<i8>(levels + <usize> (k < 16 ? byte & 15 : byte >> 4)) : <i8> byte;
      let value = scaleAt(from, form, pair) * <f32> code;
      if (form & FORM_MINIMA) value += scaleAt(from + scalesBytes(form), form, pair);
      store<f32>(to, value);
    }
  }
  return true;
}
