// Headers of files that say something else, under checksums that hold: every field, every kind of value.
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
