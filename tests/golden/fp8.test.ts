// Weights of 8 and 64 bits: the bytes of every tensor against torch's (record/fp8.py), whole and in slices of any length. What models of
// these compute is recorded as of all others (hf.page.test.ts).
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { crc32 } from "../../src/core/snapshot.ts";
import { openModel } from "../../src/model/open.ts";
import { checkedCase, readJson, repoPath } from "../support/files.ts";

const test = suite("golden: weights of 8 and 64 bits");

type Recorded = Record<string, Record<string, [dtype: string, crc: number]>>;
for (const [name, recorded] of Object.entries(await readJson<Recorded>(repoPath("tests/golden/fp8.json")))) {
  test(name, async () => {
    const { tensors } = await openModel(repoPath(`tests/golden/models/${name}`));
    assert.equal([...tensors.keys()].sort(), Object.keys(recorded).sort());
    for (const [path, [dtype, crc]] of Object.entries(recorded)) {
      const tensor = tensors.get(path)!;
      const whole = await tensor.read();
      assert.equal([tensor.dtype, whole.length, crc32(whole)], [dtype, tensor.bytes, crc], path);
      const slices = new Uint8Array(whole.length);
      for (let from = 0, step = 1; from < whole.length; from += step, step = 1 + step * 5 % 4099) {
        slices.set(await tensor.read(from, Math.min(from + step, whole.length)), from);
      }
      assert.equal(slices, whole, path);
    }
    checkedCase(`${name}: ${tensors.size} tensors, to the bit`);
  });
}
test.run();
