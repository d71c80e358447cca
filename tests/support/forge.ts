// Headers of files that say something else, under checksums that hold: every field, every kind of value.
import { crc32 } from "../../src/core/snapshot.ts";
import { checksum } from "../../src/recording/format.ts";
import { chosen } from "./depth.ts";

type Path = readonly (string | number)[];

const nested = (levels: number): unknown => JSON.parse("[".repeat(levels) + "]".repeat(levels));

/** What a field may say in place of what it should; undefined: it lacks. */
const VALUES: readonly unknown[] = [
  ...[
    undefined,
    null,
    true,
    -1,
    0,
    0.5,
    3,
    1e308,
    2 ** 31,
    2 ** 53,
    "",
    "x",
    "roco",
    "full",
    "own",
    "keydiff",
    "\x1b[2J",
  ],
  ...[[], {}, [[]], [0], [[0, 1]], [[0, 1e9]], { share: 0.5 }, { share: "x" }, { bytes: 1 }, { generated: 4 }, {
    name: "a",
  }],
  ...[{ toString: 1 }, { length: -1 }, nested(500), Array(10).fill(1e9)],
];

/** The header of a file, and the file with another. */
export interface Format {
  read(bytes: Uint8Array<ArrayBuffer>): Record<string, unknown>;
  write(bytes: Uint8Array<ArrayBuffer>, header: unknown): Uint8Array<ArrayBuffer>;
}

/** Bytes of a snapshot before its header. */
const HEAD = 24;

/** Where a snapshot's header ends. */
export const endOfHeader = (bytes: Uint8Array<ArrayBuffer>): number =>
  HEAD + new DataView(bytes.buffer).getUint32(12, true);

/** Makes a snapshot's length and checksum right. */
export function sealed(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const view = new DataView(bytes.buffer);
  view.setUint32(16, bytes.length, true);
  view.setUint32(bytes.length - 4, crc32(bytes.subarray(0, -4)), true);
  return bytes;
}

const encoded = (header: unknown) => new TextEncoder().encode(JSON.stringify(header));
const decoded = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes));

export const SNAPSHOT: Format = {
  read: (bytes) => decoded(bytes.subarray(HEAD, endOfHeader(bytes))),
  write(bytes, header) {
    const body = bytes.subarray(endOfHeader(bytes)), json = encoded(header);
    const out = new Uint8Array(HEAD + json.length + body.length);
    out.set(bytes.subarray(0, HEAD));
    out.set(json, HEAD);
    out.set(body, HEAD + json.length);
    new DataView(out.buffer).setUint32(12, json.length, true);
    return sealed(out);
  },
};

const lengthOf = (bytes: Uint8Array<ArrayBuffer>) => new DataView(bytes.buffer).getUint32(12, true);

/** A recording's header has a checksum of its own, as has every frame behind it. */
export const RECORDING: Format = {
  read: (bytes) => decoded(bytes.subarray(16, 16 + lengthOf(bytes))),
  write(bytes, header) {
    const json = encoded(header), length = Math.ceil(json.length / 4) * 4;
    const frames = bytes.subarray(20 + lengthOf(bytes));
    const out = new Uint8Array(20 + length + frames.length);
    out.set(bytes.subarray(0, 16));
    out.fill(0x20, 16, 16 + length).set(json, 16);
    out.set(frames, 20 + length);
    const words = new Uint32Array(out.buffer);
    words[3] = length;
    words[4 + length / 4] = checksum(words, 0, 4 + length / 4);
    return out;
  },
};

function pathsOf(value: unknown, at: Path = []): Path[] {
  if (typeof value !== "object" || value === null) return [at];
  const entries = Array.isArray(value) ? [...value.entries()].slice(0, 2) : Object.entries(value);
  return [at, ...entries.flatMap(([name, one]) => pathsOf(one, [...at, name]))];
}

function changed(header: unknown, [name, ...rest]: Path, value: unknown): unknown {
  if (name === undefined) return value;
  const copy = Array.isArray(header) ? [...header] : { ...header as object };
  const fields = copy as Record<string | number, unknown>;
  fields[name] = changed(fields[name], rest, value);
  return copy;
}

/**
 * Files with one field of the header changed.
 * @param more fields that are not there, and might be
 */
export function* forgeries(bytes: Uint8Array<ArrayBuffer>, { read, write }: Format, more: readonly Path[]) {
  const header = read(bytes);
  const paths = [...pathsOf(header), ...more, ["other"]].filter((path) => path.length > 0);
  const all = paths.flatMap((path) => VALUES.map((value) => ({ path, value })));
  for (const { path, value } of chosen(all, ({ path }) => path.join("."))) {
    const what = `${path.join(".")} = ${JSON.stringify(value)?.slice(0, 40)}`;
    yield { what, bytes: write(bytes, changed(header, path, value)) };
  }
}
