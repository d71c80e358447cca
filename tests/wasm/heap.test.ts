// The memory of the pass: a block lies in the first place that holds it, whatever was taken and given back before.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ARENA } from "../../assembly/forward/abi.ts";
import { Heap, padded } from "../../src/wasm/heap.ts";
import { seed } from "../support/depth.ts";
import { randomFrom } from "../support/trio.ts";

const test = suite("memory of the pass");

test("blocks lie in the first place that holds them, zeroed", () => {
  const random = randomFrom(seed);
  const heap = new Heap(Infinity, false);
  const blocks: [at: number, bytes: number][] = [];
  for (let i = 0; i < 2000; i++) {
    if (blocks.length > 0 && random() < 0.45) {
      const [[at, bytes]] = blocks.splice(Math.floor(random() * blocks.length), 1);
      heap.bytesOf.fill(1, at, at + bytes);
      heap.give(at);
      continue;
    }
    const bytes = padded(1 + Math.floor(random() ** 3 * 3000));
    const ends = [ARENA, ...blocks.map(([at, bytes]) => at + bytes)].sort((a, b) => a - b);
    const isFree = (from: number) => blocks.every(([at, length]) => from + bytes <= at || at + length <= from);
    const at = heap.take("a block", bytes);
    assert.is(at, ends.find(isFree), `block ${i}`);
    assert.ok(heap.bytesOf.subarray(at, at + bytes).every((byte) => byte === 0));
    blocks.push([at, bytes]);
    assert.is(heap.bytes, blocks.reduce((sum, [, bytes]) => sum + bytes, 0));
  }
  heap.close();
  assert.is(heap.bytes, 0);
});

test("what is reserved is there without growing, and is not counted", () => {
  const heap = new Heap(1e6, false);
  heap.reserve(500_000);
  const { bytesOf } = heap;
  assert.is(heap.bytes, 0);
  heap.take("most of it", 499_000);
  assert.is(heap.bytesOf, bytesOf);
  heap.reserve(2 ** 40);
  assert.equal([heap.refusal, heap.bytesOf], [null, bytesOf]);
});

test.run();
