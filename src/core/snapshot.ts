// A snapshot's bytes, little-endian:
//
//   0   "KVCS"
//   4   u32    version of this form
//   8   u32[4] layers, KV heads, slots per lane, rows of window
//   24  u32    spans of positions that are to be pinned when they are claimed
//   28  u32    bytes of books
//   32         the books, as they lie in the core's memory (docs/core-abi.md)
//       u32[2] each span: from, to
//       u32    CRC-32 of everything before
//
// What is checked here is that these are the bytes that were written, for this shape; the Wasm checks the books.
import { refuse, words } from "../errors.ts";

const MAGIC = 0x5343564b; // "KVCS"
const VERSION = 1;
const HEADER = 32; // bytes

/** Positions [from, to) to pin when they are claimed. */
export interface Pin {
  from: number;
  to: number;
}

/** Those that are not all claimed once `seen` positions are. */
export const pinsAfter = (pins: readonly Pin[], seen: number): Pin[] => pins.filter(({ to }) => to > seen);

/** Layers, KV heads, slots per lane and rows of window. */
export type SnapshotShape = readonly [layers: number, kvHeads: number, capacity: number, window: number];

export function writeSnapshot(shape: SnapshotShape, books: Uint8Array, pins: readonly Pin[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER + books.length + 8 * pins.length + 4);
  const view = new DataView(bytes.buffer);
  [MAGIC, VERSION, ...shape, pins.length, books.length].forEach((word, i) => view.setUint32(4 * i, word, true));
  bytes.set(books, HEADER);
  const spans = HEADER + books.length;
  pins.forEach(({ from, to }, i) => {
    view.setUint32(spans + 8 * i, from, true);
    view.setUint32(spans + 8 * i + 4, to, true);
  });
  const end = bytes.length - 4;
  view.setUint32(end, crc32(bytes.subarray(0, end)), true);
  return bytes;
}

/**
 * The books in a snapshot, `size` bytes, as a view of it, and the spans to pin.
 * @throws TypeError if it is not bytes, RangeError if it is not a whole, undamaged snapshot of this shape and version
 */
export function readSnapshot(
  bytes: Uint8Array,
  shape: SnapshotShape,
  size: number,
): { books: Uint8Array; pins: Pin[] } {
  if (!(bytes instanceof Uint8Array)) {
    refuse("restore", "a snapshot must be a Uint8Array", words(String(bytes)), { kind: "type" });
  }
  if (bytes.length < HEADER + 4) {
    bad(`a snapshot must have a head of ${HEADER} bytes and more`, `${bytes.length} bytes`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const word = (at: number) => view.getUint32(at, true);
  if (word(0) !== MAGIC) bad("a snapshot must begin with KVCS", hex(word(0)));
  if (word(4) !== VERSION) bad(`the snapshot must be of version ${VERSION}`, word(4));
  const its = [8, 12, 16, 20].map(word);
  if (its.some((n, i) => n !== shape[i])) bad(`the snapshot must be of ${told(shape)}`, told(its));
  const spans = word(24);
  const length = HEADER + size + 8 * spans + 4;
  if (word(28) !== size || bytes.length !== length) {
    bad(`the snapshot must be ${length} bytes long`, bytes.length);
  }
  const sum = crc32(bytes.subarray(0, length - 4));
  if (word(length - 4) !== sum) {
    bad("the bytes must be those that were written", `a checksum of ${hex(sum)}, not ${hex(word(length - 4))}`);
  }
  const pins = Array.from({ length: spans }, (_, i): Pin => {
    const at = HEADER + size + 8 * i;
    return { from: word(at), to: word(at + 4) };
  });
  return { books: bytes.subarray(HEADER, HEADER + size), pins };
}

function bad(rule: string, got: string | number): never {
  refuse("restore", rule, words(got), { code: "bad-file" });
}

function told([layers, kvHeads, capacity, window]: readonly number[]): string {
  return `${layers} × ${kvHeads} × ${capacity} slots with a window of ${window} rows`;
}

function hex(word: number): string {
  return word.toString(16).padStart(8, "0");
}

const TABLE = /* @__PURE__ */ Int32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? (byte >>> 1) ^ 0xedb88320 : byte >>> 1;
  return byte;
});

/** The CRC-32 of zip and PNG. */
export function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (let i = 0; i < bytes.length; i++) crc = TABLE[(crc ^ bytes[i]) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** @param sound whether the core found its books to agree with each other @throws RangeError where they, or pins, do not */
export function checkRestored(sound: boolean, pins: readonly Pin[], seen: number): void {
  const bad = sound ? pins.find(({ from, to }) => to < from || to <= seen || to >= 2 ** 31) : undefined;
  if (sound && !bad) return;
  const got = bad ? `tokens ${bad.from} to ${bad.to} yet to be pinned` : "some that contradict themselves";
  refuse("restore", "the books must be those of a core", words(got), { code: "bad-file" });
}
