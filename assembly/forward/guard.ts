// The exports: they look at what they are given first, answer a code where it is refused, and touch nothing then.

import {
  BAD_CONTEXT,
  BAD_MATRIX,
  BAD_MODEL,
  BAD_PASS,
  BAD_PLACE,
  BAD_SIZE,
  CONTEXT_HEADER,
  CONTEXT_LENGTH,
  CONTEXT_OBSERVED,
  CONTEXT_OPEN,
  CONTEXT_SLOTS,
  CONTEXT_TOKENS,
  KIND_BYTES,
  MATRIX_PARTS,
  MODEL_HEADER,
  MODEL_THREADS,
  OK,
  PART_AT,
  PART_COLUMNS,
  PART_KIND,
  PART_ROWS,
  PROLOGUE,
  SEAL,
  UNIT,
  WIDE_HALVES,
} from "./abi";
import {
  apart,
  inArena,
  isMatrix,
  isSealed,
  isThere,
  modelIsSound,
  MOST_COLUMNS,
  MOST_ROWS,
  partBytes,
  rowBytes,
  rowsOf,
  sealOf,
  structureBytes,
  willWrite,
  within,
} from "./check";
import { bytesElsewhere, contextIsSound, goneIsSound, inputIsSound, MOST_STRIDE, passIsSound } from "./check-context";
import { gatheringIsSound, memberIsSound } from "./check-gathering";
import * as kv from "./kv";
import { run as runPass } from "./pass";
import * as products from "./product";
import * as remainder from "./remainder";
import { fileBytes, holds, repack as repackRows } from "./repack";
import * as rows from "./rows";
import { word } from "./rows";
import * as team from "./team";
import * as together from "./together";

const MOST_SHARES: u32 = 1 << 10; // of a product

/** Seals a structure whose words are filled in; again after any change. @param open words behind the first two that change freely */
export function seal(at: usize, open: u32): i32 {
  if (open > <u32> CONTEXT_OPEN || !isThere(at, PROLOGUE + open)) return BAD_PLACE;
  store<u32>(at + (SEAL << 2), sealOf(at, open));
  return OK;
}

/** As pass.ts has it. @returns the id, or a code below zero */
export function run(model: usize, context: usize): i32 {
  if (!isSealed(context, CONTEXT_HEADER, CONTEXT_OPEN)) return -BAD_CONTEXT;
  if (!isThere(model, MODEL_HEADER)) return -BAD_MODEL;
  willWrite(context, word(context, CONTEXT_LENGTH), word(context, CONTEXT_OBSERVED), bytesElsewhere(model, context));
  if (!modelIsSound(model)) return -BAD_MODEL;
  if (!contextIsSound(model, context)) return -BAD_CONTEXT;
  if (!passIsSound(model, context)) return -BAD_PASS;
  return runPass(model, context);
}

/** As together.ts has it, of contexts that take in one token each and keep no hidden states. */
export function runTogether(model: usize, gathering: usize): i32 {
  if (!isSealed(gathering, CONTEXT_HEADER, CONTEXT_OPEN)) return BAD_CONTEXT;
  if (!isThere(model, MODEL_HEADER)) return BAD_MODEL;
  willWrite(gathering, word(gathering, CONTEXT_LENGTH), 0, 0);
  if (!modelIsSound(model)) return BAD_MODEL;
  if (!contextIsSound(model, gathering)) return BAD_CONTEXT;
  if (!gatheringIsSound(gathering)) return BAD_PASS;
  const members: usize = word(gathering, CONTEXT_SLOTS);
  for (let i: u32 = 0; i < word(gathering, CONTEXT_TOKENS); i++) {
    const member: usize = word(members, i);
    if (!isSealed(member, CONTEXT_HEADER, CONTEXT_OPEN)) return BAD_CONTEXT;
    willWrite(member, word(member, CONTEXT_LENGTH), word(member, CONTEXT_OBSERVED), bytesElsewhere(model, member));
    if (!modelIsSound(model)) return BAD_MODEL;
    if (!contextIsSound(model, member)) return BAD_CONTEXT;
    if (!passIsSound(model, member) || !memberIsSound(model, gathering, i)) return BAD_PASS;
  }
  together.runTogether(model, gathering);
  return OK;
}

/** As remainder.ts has it, of a context that has remainders. */
export function fold(model: usize, context: usize): i32 {
  if (!isSealed(context, CONTEXT_HEADER, CONTEXT_OPEN)) return BAD_CONTEXT;
  if (!isThere(model, MODEL_HEADER)) return BAD_MODEL;
  willWrite(context, word(context, CONTEXT_LENGTH), 0, 0);
  if (!modelIsSound(model)) return BAD_MODEL;
  if (!contextIsSound(model, context)) return BAD_CONTEXT;
  if (!goneIsSound(model, context)) return BAD_PASS;
  remainder.fold(model, context);
  return OK;
}

/** As team.ts has it: comes back when the team ends. */
export function serve(model: usize, thread: u32): i32 {
  willWrite(0, 0, 0, 0);
  if (!modelIsSound(model)) return BAD_MODEL;
  if (!within(thread, word(model, MODEL_THREADS) - 1)) return BAD_SIZE;
  team.serve(model, thread);
  return OK;
}

/** As team.ts has it. */
export function endTeam(model: usize): i32 {
  willWrite(0, 0, 0, 0);
  if (!modelIsSound(model)) return BAD_MODEL;
  team.endTeam(model);
  return OK;
}

/** As repack.ts has it, into part `index` of a matrix, whose other parts need not be there yet. */
export function repack(matrix: usize, index: u32, format: u32, from: usize, columns: u32, first: u32, count: u32): i32 {
  if (!isMatrix(matrix) || index >= word(matrix, MATRIX_PARTS)) return BAD_MATRIX;
  const part = products.partOf(matrix, index);
  const stored = partBytes(part);
  if (stored == 0 || !apart(word(part, PART_AT), stored, matrix, structureBytes(matrix))) return BAD_MATRIX;
  const kind = <i32> word(part, PART_KIND);
  const own = word(part, PART_COLUMNS);
  if (!holds(kind, format) || !within(columns, own) || own - columns >= 4) return BAD_SIZE;
  const bytes = fileBytes(format, columns);
  if (bytes == 0 || first > word(part, PART_ROWS) || count > word(part, PART_ROWS) - first) return BAD_SIZE;
  if (!inArena(from, bytes * count)) return BAD_PLACE;
  return repackRows(part, format, from, columns, first, count) ? OK : WIDE_HALVES;
}

/** Bytes of four rows of a part; 0: no such part may be. */
export function fourBytes(kind: u32, form: u32, columns: u32): u32 {
  if (kind > <u32> KIND_BYTES || form > 7 || columns > MOST_COLUMNS) return 0;
  return <u32> rows.fourBytes(kind, form, columns);
}

/** Writes one row of a matrix as f32: as many as the columns that its part stores. */
export function readRow(matrix: usize, row: u32, to: usize): i32 {
  const all = rowsOf(matrix, MOST_COLUMNS);
  if (all == 0) return BAD_MATRIX;
  if (row >= all) return BAD_SIZE;
  for (let i: u32 = 0; i < word(matrix, MATRIX_PARTS); i++) {
    const part = products.partOf(matrix, i);
    const bytes = <u64> word(part, PART_COLUMNS) << 2;
    if (!inArena(to, bytes) || !apart(to, bytes, matrix, structureBytes(matrix))) return BAD_PLACE;
    if (rows.readRow(part, row, to)) break;
  }
  return OK;
}

/** As product.ts has it. */
export function prepare(context: usize, matrix: usize, from: usize, columns: u32, begin: u32, end: u32): i32 {
  if (rowsOf(matrix, columns) == 0) return BAD_MATRIX;
  if (!within(columns, MOST_COLUMNS) || columns & (UNIT - 1) || end > MOST_STRIDE || begin > end) return BAD_SIZE;
  const numbers = <u64> columns * <u64> end;
  if (!inputIsSound(context, numbers)) return BAD_CONTEXT;
  const block: u64 = word(context, CONTEXT_LENGTH);
  if (!inArena(from, numbers << 2) || !apart(context, block, matrix, structureBytes(matrix))) return BAD_PLACE;
  products.prepare(context, matrix, from, columns, begin, end);
  return OK;
}

/** As product.ts has it. */
export function multiply(
  context: usize,
  matrix: usize,
  from: usize,
  columns: u32,
  y: usize,
  pitch: u32,
  tokens: u32,
  more: bool,
  index: u32,
  count: u32,
): i32 {
  const all = rowsOf(matrix, columns);
  if (all == 0) return BAD_MATRIX;
  if (!within(columns, MOST_COLUMNS) || columns & (UNIT - 1) || !within(tokens, MOST_STRIDE)) return BAD_SIZE;
  if (pitch < all || pitch > MOST_ROWS || !within(count, MOST_SHARES) || index >= count) return BAD_SIZE;
  const numbers = <u64> columns * <u64> tokens;
  if (!inputIsSound(context, numbers)) return BAD_CONTEXT;
  const bytes = <u64> pitch * <u64> tokens << 2;
  if (!inArena(from, numbers << 2) || !inArena(y, bytes)) return BAD_PLACE;
  if (!apart(y, bytes, matrix, structureBytes(matrix)) || !apart(y, bytes, context, structureBytes(context))) return BAD_PLACE;
  products.multiply(context, matrix, from, columns, y, pitch, tokens, more, index, count);
  return OK;
}

/** As kv.ts has it. */
export function storeRow(kind: u32, row: usize, to: usize, dim: u32): i32 {
  const bytes = rowBytes(kind, dim);
  if (bytes == 0) return BAD_SIZE;
  if (!inArena(row, <u64> dim << 2) || !inArena(to, bytes)) return BAD_PLACE;
  kv.storeRow(kind, row, to, dim);
  return OK;
}

/** As kv.ts has it. @returns where the numbers lie; 0: refused */
export function rowOf(kind: u32, from: usize, to: usize, dim: u32): usize {
  const bytes = rowBytes(kind, dim);
  if (bytes == 0 || !inArena(from, bytes) || !inArena(to, <u64> dim << 2)) return 0;
  return kv.rowOf(kind, from, to, dim);
}
