// Rounded activations against those in f32, along recorded answers: the same id at every step where the choice is clear.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { load } from "../../src/load.ts";
import { evaluate } from "../../src/session/evaluate.ts";
import { chosen } from "../support/depth.ts";
import { listGolden, modelFolder, readJson } from "../support/files.ts";
import { inside } from "../support/inside.ts";

const CLEAR = 0.05; // between the two likeliest logits

interface Case {
  readonly ids: number[];
  readonly greedy: number[];
}

/** The likeliest id of a row of logits, and how far the next one is. */
function topOf(row: Float32Array): { id: number; gap: number } {
  const id = row.reduce((best, logit, i) => logit > row[best] ? i : best, 0);
  const next = row.reduce((most, logit, i) => i === id ? most : Math.max(most, logit), -Infinity);
  return { id, gap: row[id] - next };
}

const test = suite("fast, along recorded answers");
const names = (await listGolden("gguf")).filter(({ name }) => name !== "blocks" && !/-F(16|32)$/.test(name));
for (const { name, json } of chosen(names, ({ name }) => name.split("-").at(-1)!)) {
  test(name, async () => {
    const golden = await readJson<{ file: string | null; modelFile?: string } & ({ cases: Case[] } | Case)>(json);
    const place = golden.file ? json.replace(/[^/]+$/, golden.file) : await modelFolder(golden.modelFile!);
    if (!place) return; // SmolLM2 is not everywhere
    const models = [
      await load(place, { device: "wasm", precision: "exact" }),
      await load(place, { device: "wasm", precision: "fast" }),
    ];
    const { vocab } = models[0].config;
    let clear = 0;
    for (const { ids, greedy } of "cases" in golden ? golden.cases : [golden]) {
      const said = ids.concat(greedy);
      const [exact, fast] = [
        (await evaluate(inside(models[0]), said)).logits,
        (await evaluate(inside(models[1]), said)).logits,
      ];
      for (let at = (ids.length - 1) * vocab; at < (said.length - 1) * vocab; at += vocab) {
        const { id, gap } = topOf(exact.subarray(at, at + vocab));
        if (gap <= CLEAR) continue;
        clear++;
        assert.is(topOf(fast.subarray(at, at + vocab)).id, id, `the next was ${gap} behind`);
      }
    }
    for (const model of models) model.dispose();
    assert.ok(clear >= 12, `${clear} clear steps`);
    console.log(`    ${name}: the same id at ${clear} clear steps`);
  });
}
test.run();
