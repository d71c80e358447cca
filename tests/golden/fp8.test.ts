// Weights of 8 and 64 bits: the bytes of every tensor against torch's (record/fp8.py), whole and in slices of any length. What models of
// these compute is recorded as of all others (hf.page.test.ts); quantised on request they are what plain weights of their values are.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { crc32 } from "../../src/core/snapshot.ts";
import { WEIGHT_TYPES } from "../../src/engine/quantise.ts";
import type { Tensor } from "../../src/engine/tensor.ts";
import { load } from "../../src/load.ts";
import { openModel } from "../../src/model/open.ts";
import { evaluate } from "../../src/session/evaluate.ts";
import { checkedCase, readJson, repoPath } from "../support/files.ts";
import { inside } from "../support/inside.ts";
import { file } from "../support/memory.ts";
import { type Bytes, json, modelFiles } from "../support/model-files.ts";

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

/** A safetensors file of what tensors are read as. */
async function plainFile(tensors: ReadonlyMap<string, Tensor>): Promise<Bytes> {
  let end = 0;
  const entries = [...tensors].map(([name, { dtype, shape, bytes }]) =>
    [name, { dtype, shape, data_offsets: [end, end += bytes] }] as const
  );
  const whole = file(Object.fromEntries(entries), end);
  for (const [i, [, { data_offsets }]] of entries.entries()) {
    whole.set(await [...tensors.values()][i].read(), whole.length - end + data_offsets[0]);
  }
  return whole;
}

for (const weights of WEIGHT_TYPES) {
  test(`quantised on request as plain weights are: ${weights}`, async () => {
    const place = "tests/golden/models/tiny-fp8-blocks";
    const plain = await plainFile((await openModel(repoPath(place))).tensors);
    const changes = { "model.safetensors": () => plain, "config.json": json((config) => delete config.quantization_config) };
    const logits: Float32Array[] = [];
    for (const where of [repoPath(place), await modelFiles(place, changes)]) {
      const model = await load(where, { device: "wasm", weights });
      logits.push((await evaluate(inside(model), [1, 5, 9, 77, 300])).logits);
      model.dispose();
    }
    assert.equal(logits[0], logits[1]);
  });
}
test.run();
