// What the lab's second build of the pass is made of comes out as it went in.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { patched, patchOf } from "../../build/patch.mjs";
import { readBytes, repoPath } from "../support/files.ts";
import { randomFrom } from "../support/trio.ts";
import { sameBytes } from "../support/weights.ts";

const test = suite("patches");

test("of bytes that are alike, of others, and of none", () => {
  const random = randomFrom(9);
  const some = (length: number, values: number) => Uint8Array.from({ length }, () => Math.floor(random() * values));
  for (let i = 0; i < 200; i++) {
    const others = some(Math.floor(random() * 300), 1 + i % 5);
    const [begin, end] = [random(), random()].map((share) => Math.floor(share * others.length)).sort((a, b) => a - b);
    const bytes = Uint8Array.of(...others.subarray(begin), ...some(i % 20, 256), ...others.subarray(0, end));
    for (const [from, to] of [[others, bytes], [bytes, others], [others, others], [others, new Uint8Array(0)]]) {
      const { steps, fresh } = patchOf(from, to);
      sameBytes(patched(from, steps, fresh), to);
    }
  }
});

test("of the two builds of the pass: a quarter is new at most", async () => {
  const [plain, relaxed] = await Promise.all(
    ["", ".relaxed"].map((build) => readBytes(repoPath(`build/out/forward${build}.wasm`))),
  );
  const { steps, fresh } = patchOf(plain, relaxed);
  sameBytes(patched(plain, steps, fresh), relaxed);
  assert.ok(fresh.length < relaxed.length / 4, `${fresh.length} of ${relaxed.length} bytes`);
});
test.run();
