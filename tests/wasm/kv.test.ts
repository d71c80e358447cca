// K and V as the pass stores and reads them, against the naive twin: every kind, widths that fill no unit, numbers that are none.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { OK } from "../../assembly/forward/abi.ts";
import { KV_TYPES, kvRowBytes } from "../../src/engine/kv.ts";
import { Heap } from "../../src/wasm/heap.ts";
import { moduleFor } from "../../src/wasm/compiled.ts";
import { instantiate } from "../../src/wasm/module.ts";
import { stored } from "../reference/kv.ts";
import { randomFrom } from "../support/trio.ts";

const heap = new Heap(Infinity, false);
const wasm = await instantiate(await moduleFor(false), heap.memory);
const [from, to, read] = [heap.take("row", 1024), heap.take("stored", 1056), heap.take("read", 1024)];

/** A row after it was stored and read. */
function roundTrip(row: readonly number[], kind: number): Float32Array {
  heap.bytesOf.fill(0xff, to, to + 1056);
  heap.floats.set(row, from / 4);
  assert.is(wasm.storeRow(kind, from, to, row.length), OK);
  const end = to + kvRowBytes(row.length, KV_TYPES[kind]);
  assert.ok(heap.bytesOf.subarray(end, to + 1056).every((byte) => byte === 0xff), "nothing is written behind the row");
  const at = wasm.rowOf(kind, to, read, row.length);
  return heap.floats.slice(at / 4, at / 4 + row.length);
}

const test = suite("K and V in Wasm");
for (const [kind, name] of KV_TYPES.entries()) {
  test(name, () => {
    const random = randomFrom(3);
    const sizes = [1, 1e-3, 1e-7, 1e-39, 1e5, 7e4];
    for (const dim of [4, 12, 64, 100, 256]) {
      for (const size of sizes) {
        const row = Array.from(Float32Array.from({ length: dim }, () => (random() - 0.5) * size));
        row[dim - 1] = 0;
        const [found, expected] = [roundTrip(row, kind), stored(row, name)];
        for (let i = 0; i < dim; i++) {
          const bound = name === "q8" ? 2 ** -22 * Math.max(...row.map(Math.abs)) : 0;
          assert.ok(Math.abs(found[i] - expected[i]) <= bound, `${dim}, ${size}: ${found[i]}, not ${expected[i]}`);
        }
      }
      for (const bad of [NaN, Infinity, -Infinity]) {
        const row = Array.from({ length: dim }, () => 0.5);
        row[1] = bad;
        const found = roundTrip(row, kind);
        assert.equal(Array.from(found, Number.isNaN), stored(row, name).map(Number.isNaN));
      }
    }
  });
}
test.run();
