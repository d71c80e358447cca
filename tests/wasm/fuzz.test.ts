// The exports of the pass under calls of every kind: right ones, arguments of any size, words damaged, some of them sealed anew as
// a host that is wrong would, numbers that are none. No call traps; one that is refused touches nothing; one that is not writes
// where it was told to and nowhere else: all of the memory is compared after every call.
// The quick run makes 100 000 calls of the million.
import { Buffer } from "node:buffer";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as abi from "../../assembly/forward/abi.ts";
import { formats } from "../../src/engine/dtypes.ts";
import { KV_TYPES, kvRowBytes } from "../../src/engine/kv.ts";
import { type Build, buildHere } from "../../src/wasm/module.ts";
import { Arena, LANES, OWN, type PlacedContext, type Span, type Structure } from "../support/arena.ts";
import { depth, seed } from "../support/depth.ts";
import { randomFrom } from "../support/trio.ts";

const CALLS = depth(100_000, 1_000_000);

/** A call: what it is made with, what that names, and where it may write when it is not refused. */
interface Call {
  readonly name: keyof Arena["wasm"];
  args: number[];
  /** Structures that it names, whose words may be damaged, and other words that it reads. */
  readonly structures: readonly Structure[];
  readonly contents: readonly Span[];
  writes(args: number[]): Span[];
}

type Below = (n: number) => number;

class Fuzz {
  readonly #arena: Arena;
  readonly #below: Below;
  readonly #all: Structure[];
  readonly #pristine: Uint8Array;
  readonly #expected: Uint8Array<ArrayBuffer>; // what the memory must be where a call may not write
  readonly #buffers: [Buffer, Buffer]; // the same as the memory, and as what is expected
  #changed: Span[] = [];
  readonly #damaged = new Set<Structure>();
  #asItWas = true; // what the call names

  constructor(arena: Arena, below: Below) {
    this.#arena = arena;
    this.#below = below;
    this.#all = arena.structures();
    this.#pristine = arena.heap.bytesOf.slice();
    this.#expected = arena.heap.bytesOf.slice();
    this.#buffers = [Buffer.from(arena.heap.memory.buffer), Buffer.from(this.#expected.buffer)];
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#below(list.length)];
  }

  /** A call that is right. */
  call(): Call {
    const { models, contexts } = this.#arena;
    const model = this.#pick(models);
    const team = { structures: [model], contents: [] };
    switch (this.#below(14)) {
      case 0:
        return { name: "serve", args: [model.at, 1 + this.#below(2)], ...team, writes: () => [] };
      case 1:
        return { name: "endTeam", args: [model.at], ...team, writes: ([at]) => this.#team(at) };
      case 2:
        return this.#repack();
      case 3:
        return this.#readRow();
      case 4:
      case 5:
        return this.#product();
      case 6:
      case 7:
        return this.#row();
      case 8: {
        const { at, open } = this.#pick(this.#all);
        return { name: "seal", args: [at, open], structures: [], contents: [], writes: ([at]) => [[at + 4, at + 8]] };
      }
      case 9:
      case 10:
        return this.#fold(this.#pick(contexts.filter(({ shape }) => shape.remainders > 0)));
      default:
        return this.#run(this.#pick(contexts));
    }
  }

  /** Numbers of a row as a matrix stores it. */
  #columns(matrix: number): number {
    return this.#arena.heap.words[matrix / 4 + abi.MATRIX_HEADER + abi.PART_COLUMNS];
  }

  #repack(): Call {
    const { matrices, staging: [staging] } = this.#arena;
    const matrix = this.#pick(matrices);
    const first = this.#below(6);
    const format = formats[matrix.dtype].code;
    const args = [matrix.at, 0, format, staging, this.#columns(matrix.at), first, this.#below(7 - first)];
    const writes = ([matrix, index]: number[]): Span[] => [this.#rows(matrix, index)];
    return { name: "repack", args, structures: [matrix], contents: [[staging, staging + 2048]], writes };
  }

  #readRow(): Call {
    const { matrices, staging: [staging] } = this.#arena;
    const matrix = this.#pick(matrices);
    const writes = ([matrix, , to]: number[]): Span[] => [[to, to + 4 * this.#columns(matrix)]];
    const args = [matrix.at, this.#below(6), staging];
    return { name: "readRow", args, structures: [matrix], contents: [], writes };
  }

  /** Of rows of 32 numbers. */
  #product(): Call {
    const { matrices, input, staging: [staging], heap: { words } } = this.#arena;
    const below = this.#below;
    const matrix = this.#pick(matrices.filter(({ dtype }) => dtype !== "Q6_K"));
    const structures = [input, matrix];
    const args = [input.at, matrix.at, staging, 32];
    if (below(2)) {
      args.push(below(3), 2);
      const writes = ([context, , , columns, , end]: number[]): Span[] => {
        const part = (word: number) => words[context / 4 + word];
        return [[part(abi.CONTEXT_BYTES), part(abi.CONTEXT_MARKS) + columns * end]];
      };
      return { name: "prepare", args, structures, contents: [[staging, staging + 256]], writes };
    }
    args.push(staging + 1024, 6 + below(3), 1 + below(4), below(2), 0, 1 + below(3));
    const writes = ([, , , , y, pitch, tokens]: number[]): Span[] => [[y, y + 4 * pitch * tokens]];
    return { name: "multiply", args, structures, contents: [[input.at + 192, input.block[1]]], writes };
  }

  /** Of K or V. */
  #row(): Call {
    const [staging] = this.#arena.staging;
    const args = [this.#below(3), staging, staging + 1024, 4 * (1 + this.#below(16))];
    const told = { args, structures: [], contents: [[staging, staging + 256]] } as const;
    if (this.#below(2)) return { name: "rowOf", ...told, writes: ([, , to, dim]) => [[to, to + 4 * dim]] };
    const writes = ([kind, , to, dim]: number[]): Span[] => [[to, to + kvRowBytes(dim, KV_TYPES[kind])]];
    return { name: "storeRow", ...told, writes };
  }

  /** A part's rows. */
  #rows(matrix: number, index: number): Span {
    const { heap: { words }, wasm } = this.#arena;
    const part = matrix / 4 + abi.MATRIX_HEADER + index * abi.PART_WORDS;
    const [kind, at, rows, columns, , form] = words.subarray(part, part + abi.PART_WORDS);
    return [at, at + Math.ceil(rows / 4) * wasm.fourBytes(kind, form, columns)];
  }

  #team(model: number): Span[] {
    const at = this.#arena.heap.words[model / 4 + abi.MODEL_TEAM];
    return [[at, at + 4 * abi.TEAM_WORDS]];
  }

  #run(context: PlacedContext): Call {
    const { words } = this.#arena.heap;
    const { model, shape } = context;
    const span = (word: number, count: number) => this.#arena.span(context, word, count);
    const pass: Span = [context.at + 4 * abi.CONTEXT_TOKENS, context.at + 4 * (abi.CONTEXT_ASKED + 1)];
    const contents = [pass, pass, span(abi.CONTEXT_IDS, 3), span(abi.CONTEXT_SLOTS, 2 * LANES)];
    contents.push(span(abi.CONTEXT_POSITIONS, LANES * shape.capacity));
    if (shape.ranked) contents.push(span(abi.CONTEXT_RANKS, LANES * shape.capacity));
    if (shape.pooled) {
      contents.push(span(abi.CONTEXT_ROWS, LANES * shape.capacity), span(abi.CONTEXT_NEW_ROWS, 2 * LANES));
    }
    const own = this.#all.filter(({ at }) => at > model.at && at < context.at && !this.#isContext(at)); // its matrices
    for (const { at } of own) { // weights that are none, too
      const rows = words[at / 4 + abi.MATRIX_HEADER + abi.PART_AT];
      contents.push([rows, rows + 512]);
    }
    const writes = ([model, context]: number[]): Span[] => {
      const { at, words, block } = this.#arena.contexts.find(({ at }) => at === context)!;
      const told = this.#arena.heap.words.subarray(at / 4); // where its books lie is the host's word, too
      const observed = told[abi.CONTEXT_OBSERVED];
      const books: Span = [observed, observed + 12 * LANES * told[abi.CONTEXT_CAPACITY]];
      return [
        [at + 4 * words, block[1]],
        [at + 4 * abi.CONTEXT_ASKED, at + 4 * abi.CONTEXT_ASKED + 4],
        ...this.#team(model),
        ...told[abi.CONTEXT_FLAGS] & abi.FLAG_OBSERVED ? [books] : [],
      ];
    };
    return {
      name: "run",
      args: [model.at, context.at],
      structures: [model, context, context, ...own],
      contents,
      writes,
    };
  }

  #fold(context: PlacedContext): Call {
    const { model, shape } = context;
    const span = (word: number, count: number) => this.#arena.span(context, word, count);
    const gone = span(abi.CONTEXT_GONE, 3 * LANES + 1);
    const contents = [gone, gone, ...shape.pooled ? [span(abi.CONTEXT_ROWS, LANES * shape.capacity)] : []];
    const writes = ([, context]: number[]): Span[] => {
      const { at, words, block } = this.#arena.contexts.find(({ at }) => at === context)!;
      return [[at + 4 * words, block[1]]];
    };
    return { name: "fold", args: [model.at, context.at], structures: [model, context, context], contents, writes };
  }

  #isContext(at: number): boolean {
    return this.#arena.contexts.some((one) => one.at === at);
  }

  /** A number that breaks things. */
  #number(before: number): number {
    const below = this.#below;
    const end = this.#pristine.length;
    const { at, words } = this.#pick(this.#all);
    switch (below(10)) {
      case 0:
        return this.#pick([0, 1, 2, 3, 4, 7, 8, 31, 32, 64, 255, 256, 65535, 65536, 1 << 18, 1 << 24]);
      case 1:
        return this.#pick([2 ** 30, 2 ** 31 - 1, 2 ** 31, 0x7fc00000, 0xff800000, 2 ** 32 - 64, 2 ** 32 - 1]);
      case 2:
        return end - this.#pick([0, 1, 4, 16, 63, 64, 256]);
      case 3:
        return at + this.#pick([0, 0, 4, 64, -64, -4, 4 * words]);
      case 4:
        return before ^ (1 << below(32));
      case 5:
        return below(end);
      case 6:
        return below(2 ** 32);
      case 7:
        return this.#pick([2 * before, before >>> 1, -before, before + 64, before - 64]);
      default:
        return before + this.#pick([-4, -1, 1, 4]);
    }
  }

  /** Changes a word, of which the comparison knows. */
  #damage(at: number): void {
    const { heap } = this.#arena;
    const aligned = at & ~3;
    heap.words[aligned / 4] = this.#number(heap.words[aligned / 4]);
    this.#expect(aligned, aligned + 4);
  }

  #expect(from: number, to: number): void {
    this.#expected.set(this.#arena.heap.bytesOf.subarray(from, to), from);
    this.#changed.push([from, to]);
  }

  /** Makes a call worse than it is: its arguments, words of its structures, or what it reads. */
  #spoil(call: Call): void {
    const below = this.#below;
    for (let faults = 1 + below(3); faults > 0; faults--) {
      const kind = below(call.structures.length > 0 ? 4 : 2);
      if (kind === 0) {
        const i = below(call.args.length);
        call.args[i] = this.#number(call.args[i]) >>> 0;
        this.#asItWas = false;
      } else if (kind === 1) {
        if (call.contents.length === 0) continue;
        const [from, to] = this.#pick(call.contents);
        this.#damage(from + below(to - from));
      } else {
        const structure = this.#pick(call.structures);
        const again = kind === 3; // sealed anew: what it says of its own length is then the host's word
        const word = below(structure.words);
        if (again && (word === abi.COUNT || word === abi.CONTEXT_LENGTH && structure.open > 0)) continue;
        this.#damaged.add(structure);
        this.#damage(structure.at + 4 * word);
        if (!again) continue;
        this.#arena.seal(structure);
        this.#asItWas = false; // it may name others now
        this.#expect(structure.at + 4, structure.at + 8);
      }
    }
  }

  /** Whether a structure that the call names is not as it was sealed: then it must be refused. */
  #isBroken(): boolean {
    const [found, before] = [this.#arena.heap.words, new Uint32Array(this.#pristine.buffer)];
    return this.#asItWas && [...this.#damaged].some(({ at, words, open }) => {
      const isSealed = (i: number) => i < abi.PROLOGUE || i >= abi.PROLOGUE + open;
      return found.subarray(at / 4, at / 4 + words).some((word, i) => isSealed(i) && word !== before[at / 4 + i]);
    });
  }

  /** Where the memory is not as it is expected, some spans aside; −1: nowhere. */
  #difference(but: readonly Span[]): number {
    const [found, expected] = this.#buffers;
    let from = 0;
    for (const [begin, end] of [...but, [found.length, 0]].sort(([a], [b]) => a - b)) {
      const differ = begin > from && found.compare(expected, from, begin, from, begin) !== 0; // fast
      if (differ) return from + found.subarray(from, begin).findIndex((byte, i) => byte !== expected[from + i]);
      from = Math.max(from, end);
    }
    return -1;
  }

  /** One call. @returns whether it was taken */
  one(): [name: string, taken: boolean] {
    const { heap, wasm } = this.#arena;
    const call = this.call();
    if (this.#below(8) > 0) this.#spoil(call);
    const told = () => `${call.name}(${call.args})`;
    let answer: number;
    try {
      answer = (wasm[call.name] as (...args: number[]) => number)(...call.args);
    } catch (error) {
      throw new Error(`${told()} trapped: ${(error as Error).message}`);
    }
    const taken = call.name === "run" ? answer >= 0 : call.name === "rowOf" ? answer > 0 : answer === abi.OK;
    const done = taken || call.name === "repack" && answer === abi.WIDE_HALVES;
    assert.not(done && this.#isBroken(), `${told()} was taken though its structures were changed`);
    const spans = done ? [...call.writes(call.args), OWN] : [OWN];
    const at = this.#difference(spans);
    assert.is(at, -1, `${told()} answered ${answer} and wrote to ${at}`);
    for (const [from, to] of [...this.#changed, ...spans]) {
      const end = Math.min(to, this.#pristine.length);
      heap.bytesOf.set(this.#pristine.subarray(from, end), from);
      this.#expected.set(this.#pristine.subarray(from, end), from);
    }
    this.#changed = [];
    this.#damaged.clear();
    this.#asItWas = true;
    return [call.name, done];
  }
}

const BUILDS: Build[] = buildHere() === "SIMD" ? ["SIMD"] : ["SIMD", "relaxed SIMD"];
const test = suite("calls of the pass");
for (const build of BUILDS) {
  test(`${CALLS / BUILDS.length} calls trap nowhere and write nowhere they were not told to, ${build}`, async () => {
    const random = randomFrom(seed + BUILDS.indexOf(build));
    const arena = await Arena.make(build, random);
    const fuzz = new Fuzz(arena, (n) => Math.floor(random() * n));
    const counts: Record<string, [taken: number, refused: number]> = {};
    for (let i = 0; i < CALLS / BUILDS.length; i++) {
      const [name, taken] = fuzz.one();
      (counts[name] ??= [0, 0])[taken ? 0 : 1]++;
    }
    const told = Object.entries(counts).map(([name, [taken, refused]]) => `${name} ${taken} of ${taken + refused}`);
    console.log(`    taken: ${told.join(", ")}`);
    for (const [name, [taken, refused]] of Object.entries(counts)) {
      assert.ok(taken > 50 && refused > 50, `${name}: ${taken} taken, ${refused} refused`);
    }
  });
}
test.run();
