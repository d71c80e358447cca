// Model folders in memory, for tests of what is in them.
import * as assert from "uvu/assert";
import type { Source } from "../../src/files/source.ts";

/** One tensor in a header. */
export type Entry = { dtype: unknown; shape: unknown; data_offsets: unknown };

/** The bytes of a safetensors file with this header (an object, or text as it stands) and as many zero bytes of data. */
export function file(header: unknown, data: number, length?: bigint): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + data);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.forEach((_, i) => i >= 8 + text.length && (bytes[i] = i - 8 - text.length));
  return bytes;
}

/** A folder in memory that counts the bytes read. */
export function folder(files: Record<string, Uint8Array<ArrayBuffer> | string>): Source & { taken: number } {
  const bytes = (name: string) => {
    const content = Object.hasOwn(files, name) ? files[name] : undefined;
    if (content === undefined) throw new Error(`Cannot load model: memory must have the file ${name}, got none`);
    return typeof content === "string" ? new TextEncoder().encode(content) : content;
  };
  return {
    name: "memory",
    taken: 0,
    // deno-lint-ignore require-await
    has: async (name) => Object.hasOwn(files, name),
    // deno-lint-ignore require-await
    size: async (name) => bytes(name).length,
    // deno-lint-ignore require-await
    text: async (name) => new TextDecoder().decode(bytes(name)),
    // deno-lint-ignore require-await
    async read(name, begin, end) {
      this.taken += end - begin;
      assert.ok(begin >= 0 && end <= bytes(name).length, "no read past the end");
      return bytes(name).slice(begin, end);
    },
  };
}

/** An entry for float32 data from byte `begin`. */
export const F32 = (begin: number, ...shape: number[]): Entry => {
  const bytes = 4 * shape.reduce((product, side) => product * side, 1);
  return { dtype: "F32", shape, data_offsets: [begin, begin + bytes] };
};
