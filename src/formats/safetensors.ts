// The safetensors format: 8 bytes of header length, a JSON header, the tensors' bytes.
// https://huggingface.co/docs/safetensors/index. The header is somebody else's word and is checked whole before use.
import type { StoredTensor } from "./converted.ts";
import { words } from "../errors.ts";
import { checkPointer, decodeText, isRecord, parseJson, refuseFile } from "../files/checks.ts";
import type { Source } from "../files/source.ts";
import { parsed, readJson } from "../files/whole.ts";

// Bits of one element, for every dtype of the format.
const BITS = new Map(Object.entries({
  ...{ BOOL: 8, U8: 8, I8: 8, F8_E5M2: 8, F8_E4M3: 8, F8_E8M0: 8, F8_E4M3FNUZ: 8, F8_E5M2FNUZ: 8 },
  ...{ F4: 4, F6_E2M3: 6, F6_E3M2: 6, I16: 16, U16: 16, F16: 16, BF16: 16 },
  ...{ I32: 32, U32: 32, F32: 32, I64: 64, U64: 64, F64: 64, C64: 64 },
}));

const MAX_HEADER_BYTES = 100_000_000; // the format's own limit
const MAX_DIMENSIONS = 8;

/**
 * Lists the tensors of a model folder: `model.safetensors`, or the shards that `model.safetensors.index.json` names.
 * Only headers are read; tensors are read when asked.
 *
 * @throws Error or RangeError, one sentence, if a file is missing, truncated, or its header lies.
 */
export async function openWeights(source: Source): Promise<Map<string, StoredTensor>> {
  const single = "model.safetensors", index = "model.safetensors.index.json";
  if (await source.has(single)) return openFile(source, single);
  if (await source.has(index)) return openShards(source, await readJson(source, index));
  refuseFile(`${source.name} must have ${single} or ${index}`, words("neither"));
}

async function openShards(source: Source, index: unknown): Promise<Map<string, StoredTensor>> {
  const map = isRecord(index) ? index.weight_map : undefined;
  if (!isRecord(map)) refuseFile("the weight_map of model.safetensors.index.json must be an object", map);
  const shards = new Map<string, Map<string, StoredTensor>>();
  const tensors = new Map<string, StoredTensor>();
  for (const [name, file] of Object.entries(map)) {
    if (typeof file !== "string") refuseFile(`weight_map must name the file of ${name}`, file);
    let shard = shards.get(file);
    if (!shard) shards.set(file, shard = await openFile(source, file));
    const tensor = shard.get(name);
    if (!tensor) refuseFile(`${file} must hold ${name}, as weight_map says`, words("a file without it"));
    tensors.set(name, tensor);
  }
  for (const [file, shard] of shards) {
    for (const name of shard.keys()) {
      // A tensor in two shards has two values, and nothing says which was meant.
      if (tensors.has(name) && tensors.get(name) !== shard.get(name)) {
        refuseFile(`tensor ${name} must be in one shard`, words(`${file} and ${String(map[name])}`));
      }
    }
  }
  return tensors;
}

function openFile(source: Source, file: string): Promise<Map<string, StoredTensor>> {
  return parsed(source, file, () => readFile(source, file));
}

async function readFile(source: Source, file: string): Promise<Map<string, StoredTensor>> {
  const size = await source.size(file);
  if (size < 8) refuseFile(`${file} must begin with 8 bytes of header length`, words(`a file of ${size} bytes`));
  const start = await source.read(file, 0, Math.min(size, 32));
  checkPointer(start, file);
  const length = new DataView(start.buffer).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) {
    refuseFile(`the header of ${file} must have at most ${MAX_HEADER_BYTES} bytes`, length);
  }
  const data = 8 + Number(length); // where the tensors begin, bytes
  if (data > size) {
    refuseFile(`the header of ${file} must end within the file's ${size} bytes`, words(`an end at ${data}`));
  }
  const text = decodeHeader(await source.read(file, 8, data), file);
  const header = parseJson(text, `the header of ${file}`);
  if (!isRecord(header)) refuseFile(`the header of ${file} must be an object`, header);
  const twice = repeatedKey(text);
  if (twice !== null) refuseFile(`the header of ${file} must name everything once`, twice);

  const tensors = new Map<string, StoredTensor>();
  const places: [begin: number, end: number, name: string][] = [];
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const { dtype, shape, begin, end } = checkEntry(name, entry);
    places.push([begin, end, name]);
    tensors.set(name, {
      name,
      dtype,
      shape,
      bytes: end - begin,
      read: (from = 0, to = end - begin) => {
        if (!(from >= 0 && from <= to && to <= end - begin)) {
          refuseFile(`bytes read of ${name} must lie within its ${end - begin}`, [from, to]);
        }
        return source.read(file, data + begin + from, data + begin + to);
      },
    });
  }
  checkPlaces(places, size - data, file);
  return tensors;
}

function decodeHeader(bytes: Uint8Array, file: string): string {
  // Other JSON values, and a byte-order mark that a decoder would drop, are no header.
  if (bytes[0] !== 0x7b) {
    refuseFile(`the header of ${file} must begin with {`, words(bytes.length ? `byte ${bytes[0]}` : "nothing"));
  }
  return decodeText(bytes, `the header of ${file}`);
}

function checkEntry(name: string, entry: unknown): { dtype: string; shape: number[]; begin: number; end: number } {
  const whole = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
  if (!isRecord(entry)) refuseFile(`the entry of tensor ${name} must be an object`, entry);
  const { dtype, shape, data_offsets: offsets } = entry;
  const bits = typeof dtype === "string" ? BITS.get(dtype) : undefined;
  if (bits === undefined) refuseFile(`the dtype of tensor ${name} must be one of safetensors`, dtype);
  if (!Array.isArray(shape) || shape.length > MAX_DIMENSIONS || !shape.every(whole)) {
    refuseFile(`the shape of tensor ${name} must be at most ${MAX_DIMENSIONS} non-negative integers`, shape);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(whole) || offsets[0] > offsets[1]) {
    refuseFile(`the data_offsets of tensor ${name} must be two ascending non-negative integers`, offsets);
  }
  const [begin, end] = offsets as [number, number];
  // A product beyond 2^53 is inexact, but then far from any file's length too.
  const bytes = (shape as number[]).reduce((product, side) => product * side, 1) * bits / 8;
  if (end - begin !== bytes) {
    refuseFile(`tensor ${name} must have the ${bytes} bytes of ${dtype} [${shape.join(", ")}]`, end - begin);
  }
  return { dtype: dtype as string, shape, begin, end };
}

/** Tensors must tile the file's data without overlap, hole or remainder, as the format demands; their order is free. */
function checkPlaces(places: [begin: number, end: number, name: string][], bytes: number, file: string): void {
  let last = 0, before = "the header";
  for (const [begin, end, name] of places.sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
    if (end > bytes) refuseFile(`tensor ${name} must end within the ${bytes} bytes of data of ${file}`, end);
    if (begin !== last) {
      const fault = begin < last ? "an overlap" : "a hole";
      refuseFile(`tensor ${name} must begin at ${last} in ${file}, after ${before}`, words(`${begin}, ${fault}`));
    }
    [last, before] = [end, name];
  }
  if (last !== bytes) {
    refuseFile(`the tensors of ${file} must fill its ${bytes} bytes of data`, words(`${last} filled`));
  }
}

/** The first key that one object of a valid JSON text has twice; JSON.parse would keep the last value and say nothing. */
function repeatedKey(json: string): string | null {
  const open: (Set<string> | null)[] = []; // one set of keys for each object around the place, null for a list
  for (const [token, key] of json.matchAll(/("[^"\\]*(?:\\.[^"\\]*)*")\s*:|"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]]/g)) {
    if (key !== undefined) {
      const name = JSON.parse(key) as string, keys = open.at(-1);
      if (keys?.has(name)) return name;
      keys?.add(name);
    } else if (token === "{" || token === "[") open.push(token === "{" ? new Set() : null);
    else if (token === "}" || token === "]") open.pop();
  }
  return null;
}
