// Ways to damage a model's files: their bytes, and the values that their headers hold.
import * as assert from "uvu/assert";
import process from "node:process";
import { KvcapError } from "../../src/errors.ts";
import { ARRAY, BOOL, F32, STRING, type Typed, U32, U64 } from "./gguf.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Draws an integer from 0 to below a number. */
export type Roll = (below: number) => number;

/** Pseudo-random integers (mulberry32). */
export function dice(seed: number): Roll {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor(((t ^ (t >>> 14)) >>> 0) / 2 ** 32 * below);
  };
}

const pick = <T>(list: readonly T[], roll: Roll): T => list[roll(list.length)];

const EXTREMES = [0n, 1n, 3n, 127n, 255n, 65535n, 1n << 22n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 40n]
  .concat([2n ** 53n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 32n, 2n ** 64n - 1n]);

/** A copy of `bytes` with a few faults, most of them among the first `header` bytes. */
export function damaged(bytes: Bytes, header: number, roll: Roll): Bytes {
  let out = bytes.slice();
  for (let faults = 1 + roll(3); faults > 0; faults--) {
    const at = roll(roll(20) === 0 ? out.length : Math.min(header, out.length));
    const view = new DataView(out.buffer);
    const span = 1 + roll(16);
    switch (roll(9)) {
      case 0: // a bit
        out[at] ^= 1 << roll(8);
        break;
      case 1: // a byte
        out[at] = roll(256);
        break;
      case 2: // a number of 4 or 8 bytes
      case 3:
        if (at + 8 <= out.length) view.setBigUint64(at, pick(EXTREMES, roll), true);
        break;
      case 4:
        if (at + 4 <= out.length) view.setUint32(at, Number(pick(EXTREMES, roll) & 0xffffffffn), true);
        break;
      case 5: // the end missing
        out = out.slice(0, at);
        break;
      case 6: // something cut out
        out = joined(out.subarray(0, at), out.subarray(at + span));
        break;
      case 7: // something twice
        out = joined(out.subarray(0, at + span), out.subarray(at));
        break;
      case 8: // something from elsewhere
        out.set(out.subarray(at, at + span), roll(Math.max(1, Math.min(header, out.length) - span)));
        break;
    }
    if (out.length === 0) break;
  }
  return out;
}

function joined(a: Uint8Array, b: Uint8Array): Bytes {
  const out = new Uint8Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}

const NUMBERS = [0, 1, -1, 2, 0.5, 1.5, 3, 7, 64, 1e-300, 1e-9, 1e9, 2 ** 31, 2 ** 53, 1e308, Infinity, -Infinity, NaN];
const WORDS = [
  "",
  " ",
  "x",
  "é",
  "▁",
  "__proto__",
  "constructor",
  "<s>",
  "<0x0A>",
  "\u0000",
  "a".repeat(600),
  "yarn",
  "float16",
];
const OTHERS = [null, true, false, [], {}, [[]], [1, 2], [128, 0], ["a", "a"], { type: "yarn" }, { a: { b: 1 } }];

/** A copy of a JSON value with a few changes: what is left out, of another type, too large, or from elsewhere in it. */
export function changedJson<T>(value: T, roll: Roll): T {
  const root = { value: structuredClone(value) as unknown };
  for (let changes = 1 + roll(3); changes > 0; changes--) {
    const places: [Record<string, unknown>, string][] = [];
    const walk = (holder: unknown, depth: number) => {
      if (typeof holder !== "object" || holder === null || depth > 6) return;
      for (const key of Object.keys(holder).slice(0, 100)) {
        const at = holder as Record<string, unknown>;
        if (at !== root) places.push([at, key]);
        walk(at[key], depth + 1);
      }
    };
    walk(root, 0);
    if (places.length === 0) break;
    const [holder, key] = pick(places, roll);
    const [from, other] = pick(places, roll);
    switch (roll(6)) {
      case 0:
        if (Array.isArray(holder)) holder.splice(Number(key), 1);
        else delete holder[key];
        break;
      case 1:
        holder[key] = structuredClone(pick(OTHERS, roll));
        break;
      case 2:
        holder[key] = pick(WORDS, roll);
        break;
      case 3:
        holder[key] = structuredClone(from[other]);
        break;
      case 4:
        if (typeof holder[key] === "number") holder[key] = holder[key] * pick(NUMBERS, roll);
        break;
      default:
        holder[key] = pick(NUMBERS, roll);
    }
  }
  return root.value as T;
}

const KINDS = [U32, U64, F32, BOOL, STRING, ARRAY];

/** A value of the metadata of a GGUF file, of any type. */
function anything(roll: Roll): Typed {
  const type = pick(KINDS, roll);
  return type === ARRAY ? list(roll) : [type, like(type, roll)];
}

/** An array of up to three elements of one type. */
function list(roll: Roll): Typed {
  const type = pick(KINDS, roll);
  return [ARRAY, Array.from({ length: roll(4) }, () => like(type, roll)), type];
}

/** What a value of a type is. */
function like(type: number, roll: Roll): unknown {
  if (type === ARRAY) return list(roll);
  if (type === STRING) return pick(WORDS, roll);
  if (type === F32) return pick(NUMBERS, roll);
  if (type === BOOL) return roll(5) === 0 ? 7 : roll(2);
  const extreme = pick(EXTREMES, roll);
  return type === U64 ? extreme : Number(extreme & 0xffffffffn);
}

/** A copy of the metadata of a GGUF file with a few changes. @param keys that it may have besides */
export function changedMetadata(
  metadata: Record<string, Typed | undefined>,
  keys: readonly string[],
  roll: Roll,
): Record<string, Typed | undefined> {
  const out = { ...metadata };
  for (let changes = 1 + roll(3); changes > 0; changes--) {
    const key = pick(Object.keys(out), roll);
    const old = out[key];
    if (roll(4) === 0) out[pick(keys, roll)] = anything(roll);
    else if (roll(5) === 0) out[key] = undefined;
    else if (old?.[0] === ARRAY && roll(5) > 0) {
      const list = [...old[1] as unknown[]], at = roll(list.length + 1), type = old[2]!;
      const [from, count] = [roll(list.length + 1), roll(3)];
      list.splice(at, roll(3), ...roll(2) === 0 ? [like(type, roll)] : list.slice(from, from + count));
      out[key] = [ARRAY, list, type];
    } else out[key] = old && roll(2) === 0 && old[0] !== ARRAY ? [old[0], like(old[0], roll)] : anything(roll);
  }
  return out;
}

/** How many damaged files were opened, and how that ended. */
export interface Battered {
  readonly loaded: number;
  readonly refused: number;
  readonly slowest: number; // ms of processor time
}

/** Milliseconds of processor time that one file may take. */
const MOST_MS = 5000;

/**
 * Opens files that are damaged by numbers from `seed` on, `count` of them: each loads, or is refused with one sentence, in time.
 * @param open damages, opens and uses one
 */
export async function batter(open: (roll: Roll) => Promise<void>, count: number, seed: number): Promise<Battered> {
  let [loaded, refused, slowest] = [0, 0, 0];
  for (let copy = seed; copy < seed + count; copy++) {
    const begun = process.cpuUsage();
    try {
      await open(dice(copy));
      loaded++;
    } catch (error) {
      const { message } = error as Error;
      const sentence = /^Cannot load model: [^\n]+, got [^\n]+$/.test(message) && message.length < 1000;
      const ours = error instanceof KvcapError || /: memory must have the file /.test(message); // tests/support/memory.ts
      assert.ok(sentence && ours, `copy ${copy}: ${(error as Error).stack}`);
      refused++;
    }
    const ms = process.cpuUsage(begun).user / 1000;
    slowest = Math.max(slowest, ms);
    assert.ok(ms < MOST_MS, `copy ${copy} took ${ms} ms`);
  }
  return { loaded, refused, slowest };
}

/** The same in words. */
export const outcome = ({ loaded, refused, slowest }: Battered): string =>
  `${loaded + refused} copies: ${loaded} loaded, ${refused} refused, the slowest in ${slowest.toFixed(0)} ms`;
