// The GGUF format, versions 2 and 3: metadata, a list of tensors, their bytes. The parser is ours, not @huggingface/gguf's:
// that one fetches by itself, where we read folders and URLs through a Source, and it believes every length and count,
// where a header of a few bytes may ask for gigabytes. Here everything is bounded and checked before it is used.
import { formats, isDtype } from "../../engine/dtypes.ts";
import { words } from "../../errors.ts";
import { refuseFile } from "../../files/checks.ts";
import type { Tensor } from "../../engine/tensor.ts";
import type { Source } from "../../files/source.ts";
import { parsed } from "../../files/whole.ts";
import { converted } from "../converted.ts";
import { CONVERSIONS } from "./conversions.ts";
import { type Reader, readHeader, type Value } from "./reader.ts";

/** What a GGUF file says of its model. */
export type Metadata = Map<string, Value>;

/** A file's metadata, and its tensors by the names they have there. Shapes are [rows, columns], as in safetensors. */
export interface Gguf {
  readonly metadata: Metadata;
  readonly tensors: Map<string, Tensor>;
}

/** A tensor as the header lists it. */
interface Entry {
  name: string;
  dtype: string; // one of `formats`, or of those that are turned into one
  shape: number[]; // outermost first
  offset: number; // bytes from the beginning of the data
}

const MOST_KEYS = 1 << 16, MOST_TENSORS = 1 << 16;
const MOST_KEY_BYTES = 65535, MOST_NAME_BYTES = 64; // the format's own limits
const MOST_DIMENSIONS = 4;
/** The arrays that are read; of others it is only known that they are there. */
const ARRAYS = new Set(["tokens", "token_type", "scores", "merges"].map((name) => `tokenizer.ggml.${name}`));
const MOST = Number.MAX_SAFE_INTEGER;

/** ggml's types by number. Those that are no Dtype, and cannot be turned into one, are refused by name. */
export const TYPES: readonly string[] = [
  ...["F32", "F16", "Q4_0", "Q4_1", "Q4_2", "Q4_3", "Q5_0", "Q5_1", "Q8_0", "Q8_1"],
  ...["Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "Q8_K", "IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S", "IQ4_NL", "IQ3_S"],
  ...["IQ2_S", "IQ4_XS", "I8", "I16", "I32", "I64", "F64", "IQ1_M", "BF16", "Q4_0_4_4", "Q4_0_4_8", "Q4_0_8_8"],
  ...["TQ1_0", "TQ2_0", "IQ4_NL_4_4", "IQ4_NL_4_8", "IQ4_NL_8_8", "MXFP4", "NVFP4"],
];

/** How those that can be read are stored: blocks of so many elements and bytes. */
const KNOWN: Readonly<Record<string, { readonly elements: number; readonly bytes: number }>> = {
  ...formats,
  ...CONVERSIONS,
};

/**
 * Reads the header of a GGUF file. Tensors are read when asked, by range, so that a file may be larger than memory.
 * @throws Error or RangeError, one sentence, if the file is truncated, of another format, or its header lies.
 */
export async function openGguf(source: Source, file: string): Promise<Gguf> {
  const read = () => readHeader(source, file, (reader) => readAll(reader, file));
  const { metadata, entries, data } = await parsed(source, file, read);
  const size = await source.size(file);
  const tensors = new Map<string, Tensor>();
  const places: [begin: number, end: number, name: string][] = [];
  for (const { name, dtype, shape, offset } of entries) {
    const { elements, bytes: blockBytes } = KNOWN[dtype];
    const bytes = shape.reduce((product, side) => product * side, 1) / elements * blockBytes;
    const begin = data + offset;
    if (!(begin + bytes <= size)) {
      refuseFile(`tensor ${name} must end within the ${size} bytes of ${file}`, begin + bytes);
    }
    places.push([begin, begin + bytes, name]);
    const read = (from = 0, to = bytes) => {
      if (!(from >= 0 && from <= to && to <= bytes)) {
        refuseFile(`bytes read of ${name} must lie within its ${bytes}`, [from, to]);
      }
      return source.read(file, begin + from, begin + to);
    };
    const stored = { name, shape, bytes, read };
    tensors.set(name, isDtype(dtype) ? { ...stored, dtype } : converted({ ...stored, dtype }, CONVERSIONS[dtype]));
  }
  checkPlaces(places, file);
  return { metadata, tensors };
}

function readAll(reader: Reader, file: string): { metadata: Metadata; entries: Entry[]; data: number } {
  const magic = reader.u32(`the first word of ${file}`);
  if (magic !== 0x46554747) refuseFile(`${file} must begin with GGUF`, words(`0x${magic.toString(16)}`));
  const version = reader.u32(`the version of ${file}`);
  if (version !== 2 && version !== 3) {
    refuseFile(`the version of ${file} must be 2 or 3, little-endian`, version, { code: "unsupported" });
  }
  const tensors = reader.count(`the number of tensors of ${file}`, MOST_TENSORS);
  const keys = reader.count(`the number of metadata keys of ${file}`, MOST_KEYS);
  const metadata: Metadata = new Map();
  for (let i = 0; i < keys; i++) {
    const key = reader.string(`metadata key ${i}`, MOST_KEY_BYTES);
    if (metadata.has(key)) refuseFile(`the metadata of ${file} must name everything once`, key);
    metadata.set(key, reader.value(reader.u32(`the type of ${shown(key)}`), shown(key), ARRAYS.has(key)));
  }
  const alignment = metadata.get("general.alignment") ?? 32; // bytes
  if (typeof alignment !== "number" || ![...Array(17).keys()].some((power) => alignment === 2 ** power)) {
    refuseFile("general.alignment must be a power of two up to 65536", alignment);
  }
  const entries: Entry[] = [];
  const names = new Set<string>();
  for (let i = 0; i < tensors; i++) {
    const entry = readEntry(reader, i, alignment);
    if (names.has(entry.name)) refuseFile(`the tensors of ${file} must have different names`, entry.name);
    names.add(entry.name);
    entries.push(entry);
  }
  return { metadata, entries, data: Math.ceil(reader.at / alignment) * alignment };
}

function readEntry(reader: Reader, index: number, alignment: number): Entry {
  const name = reader.string(`the name of tensor ${index}`, MOST_NAME_BYTES);
  const what = `tensor ${shown(name)}`;
  const dimensions = reader.u32(`the number of dimensions of ${what}`);
  if (dimensions < 1 || dimensions > MOST_DIMENSIONS) {
    refuseFile(`${what} must have 1 to ${MOST_DIMENSIONS} dimensions`, dimensions);
  }
  const shape: number[] = []; // innermost first in the file
  for (let i = 0; i < dimensions; i++) shape.unshift(reader.count(`dimension ${i} of ${what}`, MOST));
  const type = reader.u32(`the type of ${what}`);
  const dtype = TYPES[type] ?? `type ${type}`;
  if (!Object.hasOwn(KNOWN, dtype)) {
    const rule = `the type of ${what} must be one of ${Object.keys(KNOWN).join(", ")}`;
    refuseFile(rule, words(dtype), { code: "unsupported" });
  }
  const { elements } = KNOWN[dtype];
  if (shape[shape.length - 1] % elements !== 0) {
    refuseFile(`the rows of ${what} must be whole blocks of ${elements} elements of ${dtype}`, shape.at(-1));
  }
  const offset = reader.count(`the offset of ${what}`, MOST);
  if (offset % alignment !== 0) refuseFile(`the offset of ${what} must be a multiple of ${alignment}`, offset);
  return { name, dtype, shape, offset };
}

/** No two tensors may share a byte. What lies between them is padding. */
function checkPlaces(places: [begin: number, end: number, name: string][], file: string): void {
  let last = 0, before = "";
  for (const [begin, end, name] of places.sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
    if (begin < last) {
      refuseFile(
        `tensor ${name} must begin at ${last} in ${file} or later, after ${before}`,
        words(`${begin}, an overlap`),
      );
    }
    [last, before] = [end, name];
  }
}

/** A name from outside as a part of a sentence. */
function shown(name: string): string {
  // deno-lint-ignore no-control-regex
  return /^[^\u0000-\u0020\u007f]{1,64}$/.test(name) ? name : JSON.stringify(name.slice(0, 64));
}
