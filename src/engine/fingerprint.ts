/** Telling models apart that have the same shape: a fine-tune's cache means nothing to its base model. */
import { crc32 } from "../core/snapshot.ts";
import { type ModelConfig, shapeOf } from "./config.ts";
import type { WeightType } from "./quantise.ts";
import { targetFor } from "./stored.ts";
import type { Tensor } from "./tensor.ts";

/** The sum of a tensor's bytes, however they are cut: every 32-bit word that changes alone changes it. */
class Sum {
  bytes = 0;
  #hash = 0x811c9dc5;
  #rest = new Uint8Array(4); // what does not fill a word yet

  add(bytes: Uint8Array): void {
    let at = 0;
    for (let filled = this.bytes % 4; filled > 0 && filled < 4 && at < bytes.length; filled++) {
      this.#rest[filled] = bytes[at++];
      if (filled === 3) this.#mix(new Uint32Array(this.#rest.buffer));
    }
    const whole = at + 4 * Math.floor((bytes.length - at) / 4);
    const begin = bytes.byteOffset + at;
    if (begin % 4 === 0) this.#mix(new Uint32Array(bytes.buffer, begin, (whole - at) / 4));
    else this.#mix(new Uint32Array(bytes.slice(at, whole).buffer));
    this.bytes += bytes.length;
    this.#rest.set(bytes.subarray(Math.max(at, whole)));
  }

  #mix(words: Uint32Array): void {
    let hash = this.#hash;
    for (let i = 0; i < words.length; i++) {
      hash = Math.imul(hash ^ words[i], 0x85ebca6b); // one to one in either
      hash = hash << 13 | hash >>> 19; // else two signs would undo each other
    }
    this.#hash = hash;
  }

  get value(): number {
    const tail = this.#rest.subarray(0, this.bytes % 4);
    return (this.#hash ^ crc32(tail)) >>> 0;
  }
}

/** Hears what an engine reads of a model's weights. */
export class Fingerprint {
  /** The tensors to be read, each from its beginning on, piece behind piece. */
  readonly tensors: Map<string, Tensor>;
  readonly #sums = new Map<string, Sum>();
  readonly #type: WeightType | null;

  /** @param type what plain matrices are quantised to */
  constructor(tensors: ReadonlyMap<string, Tensor>, type: WeightType | null) {
    this.#type = type;
    this.tensors = new Map([...tensors].map(([name, tensor]) => [name, this.#heard(name, tensor)]));
  }

  #heard(name: string, tensor: Tensor): Tensor {
    const read = async (from = 0, to = tensor.bytes) => {
      const bytes = await tensor.read(from, to);
      if (from === 0) this.#sums.set(name, new Sum()); // or once more, for another engine, or in another way
      const sum = this.#sums.get(name)!;
      if (sum.bytes === from) sum.add(bytes);
      return bytes;
    };
    return { ...tensor, read };
  }

  /** 32 bits of the model's shape and of every bit of every tensor that was read: the same for all engines. */
  of(config: ModelConfig): number {
    const sums = [...this.#sums].sort(([a], [b]) => a < b ? -1 : 1).map(([name, { bytes, value }]) => {
      const tensor = this.tensors.get(name)!;
      return `${name} ${tensor.dtype} ${targetFor(tensor, name, this.#type)} ${tensor.shape} ${bytes} ${value}`;
    });
    return crc32(new TextEncoder().encode([shapeOf(config), ...sums].join("\n")));
  }
}
