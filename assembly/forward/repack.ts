// Rows as files have them become rows as products read them. Block layouts:
// https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h

import {
  FORM_HALVES,
  FORM_MINIMA,
  FORM_PAIRS,
  KIND_F32,
  KIND_NIBBLES,
  PART_AT,
  PART_COLUMNS,
  PART_FORM,
  PART_KIND,
  UNIT,
} from "./abi";
import { ABOVE, raised, widenHalf } from "./half";
import { codesAt, fourBytes, scaleBytes, scalesBytes, unitBytes, word } from "./rows";

// Formats by their codes in src/engine/dtypes.ts.
const F32: u32 = 0;
const F16: u32 = 1;
const Q4_0: u32 = 3;
const Q4_1: u32 = 4;
const Q5_0: u32 = 5;
const Q5_1: u32 = 6;
const Q8_0: u32 = 7;
const IQ4_NL: u32 = 8;
const Q2_K: u32 = 9;
const Q3_K: u32 = 10;
const Q4_K: u32 = 11;
const Q5_K: u32 = 12;
const Q6_K: u32 = 13;
const IQ4_XS: u32 = 14;

/** Bytes of a row as a file has it; 0: no such format, or no such rows. */
export function fileBytes(format: u32, columns: u32): u64 {
  if (format > IQ4_XS) return 0;
  if (format < Q4_0) return <u64> columns << (format == F32 ? 2 : 1);
  const weights: u32 = format >= Q2_K ? 256 : 32; // of a block
  return columns % weights == 0 ? <u64> (columns / weights) * <u64> blockBytes(format) : 0;
}

/** Whether a part of this kind may hold rows of a format. */
export function holds(kind: i32, format: u32): bool {
  if (kind >= KIND_NIBBLES) return format >= Q4_0;
  return format < Q4_0 && (kind == KIND_F32 || kind == <i32> format); // F16 and BF16 have their kinds' numbers
}

function blockBytes(format: u32): usize {
  switch (format) {
    case Q4_0:
    case IQ4_NL:
      return 18;
    case Q4_1:
      return 20;
    case Q5_0:
      return 22;
    case Q5_1:
      return 24;
    case Q8_0:
      return 34;
    case Q2_K:
      return 84;
    case Q3_K:
      return 110;
    case Q4_K:
      return 144;
    case Q5_K:
      return 176;
    case Q6_K:
      return 210;
    default:
      return 136;
  }
}

// One unit of one row, between its block and where it goes.
const codes = memory.data(32); // u8 or i8 [32]
let scale0: f32 = 0; // of the first 16 weights, or of all
let scale1: f32 = 0;
let minimum0: f32 = 0;
let minimum1: f32 = 0;
let scaleBits: u32 = 0; // f16, where the form has such
let minimumBits: u32 = 0;

@inline
function half(at: usize): f32 {
  return widenHalf(load<u16>(at));
}

@inline
function setCode(k: u32, code: u32): void {
  store<u8>(codes + <usize> k, <u8> code);
}

/** The low or high nibbles of 16 bytes as 16 codes each: the old formats' order. */
function oldNibbles(at: usize): void {
  for (let k: u32 = 0; k < 16; k++) {
    const byte = <u32> load<u8>(at + <usize> k);
    setCode(k, byte & 15);
    setCode(k + 16, byte >> 4);
  }
}

/** One nibble of each of 32 bytes. */
function nibbles(at: usize, high: u32): void {
  for (let k: u32 = 0; k < 32; k++) setCode(k, (<u32> load<u8>(at + <usize> k) >> (high << 2)) & 15);
}

/** Adds bit k of a word to the k-th code, as 16. */
function fifthBits(bits: u32): void {
  for (let k: u32 = 0; k < 32; k++) setCode(k, <u32> load<u8>(codes + <usize> k) | ((bits >> k & 1) << 4));
}

function lessen(by: i32): void {
  for (let k: usize = 0; k < 32; k++) store<i8>(codes + k, <i8> (<i32> load<u8>(codes + k) - by));
}

/** Scale and minimum of a unit of Q4_K and Q5_K: 6 bits each, the first four whole, the others in parts. */
function sixBits(block: usize, unit: u32): void {
  const at = block + 4;
  const i = <usize> (unit & 3);
  let scale = <u32> load<u8>(at + i);
  let least = <u32> load<u8>(at + 4 + i);
  if (unit >= 4) {
    const low = <u32> load<u8>(at + 8 + i);
    scale = (low & 15) | (scale >> 6 << 4);
    least = (low >> 4) | (least >> 6 << 4);
  }
  scale0 = half(block) * <f32> (scale & 63);
  minimum0 = -half(block + 2) * <f32> (least & 63);
}

/** Reads a unit of a row: a block of 32 weights, or the `unit`-th of a block of 256. */
function readUnit(format: u32, block: usize, unit: u32): void {
  const quarter = unit & 3;
  const side = <usize> (unit >> 2);
  scaleBits = load<u16>(block);
  minimumBits = load<u16>(block, 2);
  scale0 = widenHalf(scaleBits);
  minimum0 = widenHalf(minimumBits);
  switch (format) {
    case Q4_0:
    case IQ4_NL:
      oldNibbles(block + 2);
      return;
    case Q4_1:
      oldNibbles(block + 4);
      return;
    case Q5_0:
      oldNibbles(block + 6);
      fifthBits(load<u32>(block + 2));
      lessen(16);
      return;
    case Q5_1:
      oldNibbles(block + 8);
      fifthBits(load<u32>(block + 4));
      return;
    case Q8_0:
      memory.copy(codes, block + 2, 32);
      return;
    case Q2_K: {
      const pair = block + <usize> (unit << 1);
      const d = half(block + 80);
      const least = -half(block + 82);
      scale0 = d * <f32> (load<u8>(pair) & 15);
      scale1 = d * <f32> (load<u8>(pair + 1) & 15);
      minimum0 = least * <f32> (load<u8>(pair) >> 4);
      minimum1 = least * <f32> (load<u8>(pair + 1) >> 4);
      for (let k: u32 = 0; k < 32; k++) {
        setCode(k, (<u32> load<u8>(block + 16 + (side << 5) + <usize> k) >> (quarter << 1)) & 3);
      }
      return;
    }
    case Q3_K: {
      const d = half(block + 108);
      scale0 = d * <f32> (scaleOfThree(block + 96, unit << 1) - 32);
      scale1 = d * <f32> (scaleOfThree(block + 96, (unit << 1) + 1) - 32);
      for (let k: u32 = 0; k < 32; k++) {
        const low = (<u32> load<u8>(block + 32 + (side << 5) + <usize> k) >> (quarter << 1)) & 3;
        setCode(k, low | ((<u32> load<u8>(block + <usize> k) >> unit & 1) << 2)); // the table takes 4 off
      }
      return;
    }
    case Q4_K:
      sixBits(block, unit);
      nibbles(block + 16 + (<usize> (unit >> 1) << 5), unit & 1);
      return;
    case Q5_K:
      sixBits(block, unit);
      nibbles(block + 48 + (<usize> (unit >> 1) << 5), unit & 1);
      for (let k: u32 = 0; k < 32; k++) {
        const bit = <u32> load<u8>(block + 16 + <usize> k) >> unit & 1;
        setCode(k, <u32> load<u8>(codes + <usize> k) | (bit << 4));
      }
      return;
    case Q6_K: {
      const d = half(block + 208);
      const pair = block + 192 + <usize> (unit << 1);
      scale0 = d * <f32> load<i8>(pair);
      scale1 = d * <f32> load<i8>(pair + 1);
      nibbles(block + (side << 6) + (<usize> (quarter & 1) << 5), quarter >> 1);
      for (let k: u32 = 0; k < 32; k++) {
        const high = <u32> load<u8>(block + 128 + (side << 5) + <usize> k) >> (quarter << 1) & 3;
        setCode(k, <u32> load<u8>(codes + <usize> k) | (high << 4));
      }
      lessen(32);
      return;
    }
    default: { // IQ4_XS
      const low = <u32> load<u8>(block + 4 + <usize> (unit >> 1)) >> ((unit & 1) << 2) & 15;
      const high = <u32> load<u16>(block, 2) >> (unit << 1) & 3;
      scale0 = half(block) * <f32> (<i32> (low | (high << 4)) - 32);
      oldNibbles(block + 8 + <usize> (unit << 4));
    }
  }
}

/** The `index`-th of the 16 scales of Q3_K: 4 low bits of each in 8 bytes, 2 high ones in 4 more. */
function scaleOfThree(at: usize, index: u32): i32 {
  const low = <u32> load<u8>(at + <usize> (index & 7)) >> (index >> 3 << 2) & 15;
  const high = <u32> load<u8>(at + 8 + <usize> (index & 3)) >> (index >> 2 << 1) & 3;
  return <i32> (low | (high << 4));
}

/** Writes the unit that was read to its row's place among four. */
function writeUnit(to: usize, lane: u32, kind: i32, form: u32): void {
  const step = scaleBytes(form);
  const own = to + <usize> lane * step;
  if (form & FORM_HALVES) {
    store<u16>(own, storedHalf(scaleBits));
    if (form & FORM_MINIMA) store<u16>(own + scalesBytes(form), storedHalf(minimumBits));
  } else {
    store<f32>(own, scale0);
    if (form & FORM_PAIRS) store<f32>(own + 16, scale1);
    if (form & FORM_MINIMA) {
      store<f32>(own + scalesBytes(form), minimum0);
      if (form & FORM_PAIRS) store<f32>(own + scalesBytes(form) + 16, minimum1);
    }
  }
  const at = to + codesAt(form) + <usize> (lane << 2);
  if (kind == KIND_NIBBLES) {
    for (let i: usize = 0; i < 4; i++) {
      store<u32>(at + (i << 4), load<u32>(codes + (i << 2)) | (load<u32>(codes + 16 + (i << 2)) << 4));
    }
  } else {
    for (let i: usize = 0; i < 8; i++) store<u32>(at + (i << 4), load<u32>(codes + (i << 2)));
  }
}

/** Whether all f16 so far could be raised. */
let fits = true;

/** An f16 as it is stored. */
@inline
function storedHalf(bits: u32): u16 {
  const high = raised(bits);
  if (high == ABOVE) fits = false;
  return <u16> high;
}

/**
 * Puts rows into their part.
 * @returns whether they fit: else the part must hold f32 where it has f16
 * @param from rows of `columns` in a format by its code, one behind the other
 * @param first row of the part
 */
export function repack(part: usize, format: u32, from: usize, columns: u32, first: u32, rows: u32): bool {
  fits = true;
  const kind = <i32> word(part, PART_KIND);
  const form = word(part, PART_FORM);
  const stored = word(part, PART_COLUMNS);
  const four = fourBytes(kind, form, stored);
  for (let row = first; row < first + rows; row++) {
    const lane = row & 3;
    let to = <usize> word(part, PART_AT) + <usize> (row >> 2) * four;
    if (kind < KIND_NIBBLES) {
      for (let k: u32 = 0; k < columns; k++) {
        const at = to + <usize> ((k << 2) + lane) * (kind == KIND_F32 ? 4 : 2);
        if (format == F32) {
          store<u32>(at, load<u32>(from));
          from += 4;
          continue;
        }
        const bits = <u32> load<u16>(from);
        from += 2;
        if (kind == KIND_F32) store<f32>(at, widenHalf(bits));
        else store<u16>(at, format == F16 ? storedHalf(bits) : <u16> bits);
      }
      continue;
    }
    const inBlock: u32 = format >= Q2_K ? 8 : 1; // units
    const units = columns / <u32> UNIT;
    for (let unit: u32 = 0; unit < units; unit++, to += unitBytes(kind, form)) {
      readUnit(format, from, unit % inBlock);
      writeUnit(to, lane, kind, form);
      if (unit % inBlock == inBlock - 1) from += blockBytes(format);
    }
  }
  return fits;
}
