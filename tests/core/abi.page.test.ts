// The Wasm module as any host sees it: numbers in, error codes out, a memory that never grows.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  BAD_BOOKS,
  BAD_COUNT,
  BAD_ROW,
  BAD_RULE,
  BAD_SCORE,
  BAD_SHAPE,
  BAD_SLOT,
  LANES_DIFFER,
  NO_ROOM,
  NO_WINDOW,
  NOT_OBSERVED,
  NOT_READY,
  SCORE_EMA,
  SCORE_FADING,
  SCORE_GIVEN,
  SMALL_MEMORY,
  TOO_FEW,
  WRONG_QUERIES,
} from "../../assembly/abi.ts";
import { readBytes, repoPath } from "../support/files.ts";

interface Abi {
  [name: string]: (...numbers: number[]) => number;
}

const shape = [1, 2, 5] as const;

for (const build of ["core", "core.scalar", "core.debug"]) {
  const module = await WebAssembly.compile(await readBytes(repoPath(`build/out/${build}.wasm`)));
  const start = (pages: number) => {
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    // The debug build imports abort as well.
    const env = { memory, abort: () => assert.unreachable("abort") };
    const wasm = new WebAssembly.Instance(module, { env }).exports as unknown as Abi;
    return { memory, wasm };
  };

  const test = suite(`ABI of ${build}.wasm`);

  test("takes only a memory, and every export is a function of numbers", () => {
    const imports = WebAssembly.Module.imports(module).filter(({ name }) => name !== "abort");
    assert.equal(imports.map(({ module, name, kind }) => `${module}.${name}: ${kind}`), ["env.memory: memory"]);
    if (build !== "core.debug") assert.is(WebAssembly.Module.imports(module).length, 1);
    for (const { kind, name } of WebAssembly.Module.exports(module)) {
      assert.ok(kind === "function" || name === "memory", `${name}: ${kind}`);
    }
  });

  test("says what it needs before it is made, and refuses less", () => {
    const { wasm } = start(1);
    assert.ok(wasm.bytes(...shape) > 0);
    assert.is(wasm.bytes(32, 8, 2048) % 16, 0);
    const shapes = [[0, 1, 1], [1, 0, 1], [1, 1, 0], [-1, 1, 1], [65536, 1, 1], [1, 65536, 1], [1000, 1000, 1000]];
    for (const bad of [...shapes, [1, 1, 2 ** 31 - 1], [1, 1, 1, -1], [1, 1, 1, 65536]]) {
      assert.is(wasm.bytes(...bad), 0, `${bad}`);
      assert.is(wasm.init(...bad), BAD_SHAPE, `${bad}`);
    }
    assert.is(wasm.init(32, 8, 2048), SMALL_MEMORY);
    assert.is(wasm.address(1), 0);
    const calls: [string, ...number[]][] = [
      ["rule", 0, 0, 0, 0, 0, 0, 0, 0, 0],
      ["reset"],
      ["claim", 1, 1],
      ["observe", 1],
      ["advance", 1],
      ["choose", 1],
      ["evict", 1],
      ["chooseScored", 1],
      ["evictScored", 1],
      ["step", 1, 1],
      ["free", 1],
      ["pin", 0, 0],
      ["listLive"],
      ["showScores"],
      ["restore"],
      ["copyPlane"],
      ["addPlane"],
    ];
    for (const [name, ...numbers] of calls) assert.is(wasm[name](...numbers), NOT_READY, name);
    const free = ["bytes", "init", "address", "evictable", "settle"]; // need no init
    const exports = WebAssembly.Module.exports(module).filter(({ kind }) => kind === "function");
    assert.equal(exports.map(({ name }) => name).sort(), [...free, ...calls.map(([name]) => name)].sort());
    assert.is(wasm.evictable(), 0);
  });

  test("settles where a host wants it, and touches nothing below", () => {
    const { memory, wasm } = start(4);
    const usual = wasm.bytes(...shape) - (wasm.init(...shape), wasm.address(0)); // bytes of the arena
    assert.is(wasm.settle(-16), BAD_SHAPE);
    assert.is(wasm.settle(131080), BAD_SHAPE);
    assert.is(wasm.address(0) < 65536, true);
    const all = new Uint8Array(memory.buffer).fill(0xa5);
    assert.is(wasm.settle(131072), 0);
    assert.is(wasm.bytes(...shape), 131072 + usual);
    assert.is(wasm.init(...shape), 0);
    assert.is(wasm.address(0), 131072);
    for (const n of [1, 3]) {
      assert.is(wasm.claim(n, 1), 0);
      new Float32Array(memory.buffer, wasm.address(1), 3 * 10).fill(0.5);
      assert.is(wasm.step(n, 1), 0);
    }
    assert.ok(all.every((byte, at) => byte === 0xa5 || at >= 131072 && at < 131072 + usual));
    assert.is(wasm.settle(0), 0);
    assert.is(wasm.init(...shape), 0);
    assert.ok(wasm.address(0) < 65536);
    const { wasm: small } = start(2);
    assert.is(small.settle(131056), 0);
    assert.is(small.init(...shape), SMALL_MEMORY);
  });

  test("lays every region out on 16 bytes, in order, within what it asked for", () => {
    for (const sizes of [shape, [2, 3, 7, 5], [3, 1, 64, 1]] as const) {
      const { wasm } = start(4);
      assert.is(wasm.init(...sizes), 0);
      const slots = sizes[0] * sizes[1] * sizes[2];
      const words = 4 * slots;
      const window = sizes[3] ?? 0;
      const scratch = 6 * (Math.ceil(sizes[2] / 4) * 16 + 1024) + 16 * Math.ceil(sizes[0] * sizes[1] / 4);
      // In the order they lie in, which is not that of their numbers: the books come first.
      const regions: [number, number][] = [
        [0, 112],
        ...[2, 3, 4, 5, 6, 7].map((region): [number, number] => [region, words]),
        [8, 2 * words],
        [9, words],
        [14, window * words],
        [15, window ? words : 0],
        [1, 3 * words],
        ...[10, 11, 12, 13].map((region): [number, number] => [region, words]),
        [16, scratch],
      ];
      assert.is(new Set(regions.map(([region]) => region)).size, 17);
      regions.forEach(([region, size], i) => {
        const next = i < 16 ? wasm.address(regions[i + 1][0]) : wasm.bytes(...sizes);
        assert.is(wasm.address(region) % 16, 0);
        assert.ok(wasm.address(region) + size <= next && next < wasm.address(region) + size + 16, `region ${region}`);
      });
      assert.is(wasm.address(17), 0);
      assert.is(wasm.address(-1), 0);
    }
  });

  test("answers wrong calls with a code and leaves every byte of the books as it was", () => {
    const { memory, wasm } = start(1);
    assert.is(wasm.init(...shape), 0);
    assert.is(wasm.rule(1, 0, 1, 1, 0, 0), 0);
    assert.is(wasm.claim(4, 1), 0);
    const rows = new Float32Array(memory.buffer, wasm.address(1), 30).fill(0.25);
    const victims = new Uint32Array(memory.buffer, wasm.address(11), 10);
    // The books are everything before the input rows, outputs and scratch.
    const books = () => Array.from(new Uint8Array(memory.buffer, wasm.address(0), wasm.address(1) - wasm.address(0)));
    const refuse = (code: number, name: string, ...numbers: number[]) => {
      const before = books();
      assert.is(wasm[name](...numbers), code, `${name}(${numbers})`);
      assert.equal(books(), before, `${name}(${numbers}) changed the books`);
    };
    refuse(NOT_OBSERVED, "evict", 1);
    refuse(NOT_OBSERVED, "choose", 1);
    refuse(NOT_OBSERVED, "free", 1);
    refuse(NOT_OBSERVED, "chooseScored", 1);
    refuse(NOT_OBSERVED, "evictScored", 1);
    refuse(WRONG_QUERIES, "observe", 3);
    refuse(WRONG_QUERIES, "advance", 5);
    rows[29] = NaN; // a free slot's: ignored
    rows[28] = NaN; // the last live slot's last p
    refuse(BAD_ROW, "observe", 4);
    rows[28] = 0.25;
    assert.is(wasm.observe(4), 0);
    for (const name of ["claim", "observe", "advance", "choose", "evict", "free"]) {
      refuse(BAD_COUNT, name, 0, 1);
      refuse(BAD_COUNT, name, -1, 1);
    }
    refuse(NO_ROOM, "claim", 2, 1);
    refuse(NO_ROOM, "claim", 2 ** 31 - 1, 1);
    refuse(TOO_FEW, "evict", 3);
    refuse(TOO_FEW, "choose", 3);
    refuse(TOO_FEW, "evict", 2 ** 31 - 1);
    for (const [a, b] of [[0, 4], [4, 0], [0, 5], [0, 2 ** 32 - 1], [2 ** 31, 0]]) {
      victims.set([a, b]);
      refuse(BAD_SLOT, "free", 1);
    }
    victims.set([1, 2, 3, 3]);
    refuse(BAD_SLOT, "free", 2);
    refuse(BAD_SLOT, "free", 5);
    refuse(BAD_SLOT, "free", 2 ** 31 - 1);
    refuse(BAD_COUNT, "pin", -1, 2);
    refuse(BAD_COUNT, "pin", 2, 1);
    refuse(BAD_COUNT, "pin", 0, 5);
    const good = [0, 1, 0, 0, 0, 0, 1, 3, 0];
    const wrong = [[-1, SCORE_GIVEN], [-1, 3], [-1], [-1], [-1], [], [-1, 3], [-1, 0, 2, 257], [-1, 2]];
    wrong.forEach((values, at) => values.forEach((value) => refuse(BAD_RULE, "rule", ...good.with(at, value))));
    for (const score of [SCORE_EMA, SCORE_FADING]) {
      for (const halfLife of [0, -1]) refuse(BAD_RULE, "rule", ...good.with(0, score).with(5, halfLife));
    }
    for (const score of [5, 6, SCORE_FADING]) refuse(NO_WINDOW, "rule", ...good.with(0, score).with(5, 1));
    for (const name of ["chooseScored", "evictScored"]) {
      refuse(BAD_COUNT, name, 0);
      refuse(TOO_FEW, name, 3);
    }
    const scores = new Float32Array(memory.buffer, wasm.address(13), 10);
    for (const bad of [NaN, Infinity, -Infinity]) {
      scores[8] = bad;
      refuse(BAD_SCORE, "evictScored", 1);
      refuse(BAD_SCORE, "chooseScored", 1);
    }
    scores[8] = 0;
    scores[9] = NaN; // a free slot's: ignored
    assert.is(wasm.chooseScored(1), 0);
    assert.is(wasm.claim(1, 1), 0);
    rows[0] = -1;
    refuse(BAD_ROW, "step", 1, 1);
    rows[0] = 1;
    refuse(WRONG_QUERIES, "step", 2, 1);
    refuse(TOO_FEW, "step", 1, 4);
    refuse(BAD_COUNT, "step", 1, 0);
    refuse(BAD_COUNT, "step", 0, 1);
    assert.is(wasm.step(1, 1), 0);
    assert.is(wasm.pin(1, 2), 0);
    victims.set([1, 2]);
    refuse(BAD_SLOT, "free", 1);
    assert.is(wasm.evict(1), 0);
    assert.equal(Array.from(victims.subarray(0, 2)), [2, 2]);
    assert.is(wasm.rule(3, 0, 0, 0, 0, 0, 0, 0, 1), 0);
    victims.set([3, 4]);
    assert.is(wasm.free(1), 0);
    for (const name of ["choose", "evict", "chooseScored", "evictScored"]) refuse(LANES_DIFFER, name, 1);
    assert.is(wasm.claim(1, 1), 0);
    refuse(LANES_DIFFER, "step", 1, 1);
    assert.is(wasm.observe(1), 0);
    for (const name of ["showScores", "listLive", "copyPlane"]) assert.is(wasm[name](), 0, name);
    assert.is(memory.buffer.byteLength, 65536);
  });

  test("restore goes on with books from another instance, and begins anew with bad ones", () => {
    const [one, other] = [start(1), start(2)];
    const booksOf = ({ memory, wasm }: typeof one) =>
      new Uint8Array(memory.buffer, wasm.address(0), wasm.address(1) - wasm.address(0));
    for (const { wasm } of [one, other]) assert.is(wasm.init(...shape), 0);
    const empty = Array.from(booksOf(one));
    assert.is(one.wasm.restore(), 0); // its own
    assert.is(one.wasm.rule(1, 0, 1, 1, 0, 0, 0, 1, 0), 0);
    assert.is(one.wasm.claim(5, 1), 0);
    assert.is(one.wasm.advance(5), 0);
    assert.is(one.wasm.evict(2), 0);
    booksOf(other).set(booksOf(one));
    assert.is(other.wasm.restore(), 0);
    assert.equal(booksOf(other), booksOf(one));
    assert.is(other.wasm.evictable(), 1);
    assert.is(other.wasm.evict(1), 0);
    assert.is(one.wasm.evict(1), 0);
    const victims = [one, other].map(({ memory, wasm }) => new Uint32Array(memory.buffer, wasm.address(11), 2));
    assert.equal(victims[1], victims[0]);
    const held = booksOf(one).slice();
    for (const word of [0, 4, 7, 17, 26]) { // layers, seen, live, score, version
      new Int32Array(one.memory.buffer, one.wasm.address(0))[word] += 9;
      assert.is(one.wasm.restore(), BAD_BOOKS, `word ${word}`);
      assert.is(one.wasm.listLive(), 0);
      assert.is(one.wasm.evictable(), 0);
      assert.equal(Array.from(booksOf(one)).slice(0, 112), empty.slice(0, 112), "as after init");
      booksOf(one).set(held); // a host that kept a copy
      assert.is(one.wasm.restore(), 0);
    }
  });

  test("a second init begins anew", () => {
    const { memory, wasm } = start(1);
    assert.is(wasm.init(...shape), 0);
    assert.is(wasm.claim(5, 1), 0);
    assert.is(wasm.init(1, 1, 9), 0);
    assert.is(wasm.claim(9, 1), 0);
    const claimed = new Uint32Array(memory.buffer, wasm.address(10), 9);
    assert.equal(Array.from(claimed), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    assert.is(wasm.init(0, 1, 9), BAD_SHAPE);
    assert.is(wasm.claim(1, 1), NO_ROOM);
  });

  test.run();
}
