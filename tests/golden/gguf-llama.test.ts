// GGUF files that llama.cpp's converter wrote, of families whose sizes and scales it says in its own way: what is written
// behind a prompt, and how likely it was held, as llama.cpp has it (record/README.md). The quick run takes two on WebGPU.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { evaluate } from "../../src/session/evaluate.ts";
import { load, type Model } from "../../src/load.ts";
import { fewOnGpu, onEngine, whereAble } from "../support/engine.ts";
import { checkedCase, listGolden, readJson } from "../support/files.ts";
import { inside } from "../support/inside.ts";

/**
 * How far the logarithms of chances may be apart, and gaps between two under which either may be the larger. llama.cpp takes
 * Gemma's GELU from a table of f16, which changes the same logarithms by up to 2.7e-3 in transformers.
 */
const toleranceOf = (name: string) => name.includes("gemma") ? 5e-3 : 1e-4;

interface Case {
  ids: number[];
  greedy: number[];
  chances: number[];
  gaps: number[];
}

async function checkCase(model: Model, tolerance: number, { ids, greedy, chances, gaps }: Case): Promise<string> {
  const { vocab } = model.config;
  const { logits } = await evaluate(inside(model), ids.concat(greedy.slice(0, -1)), 16);
  let same = 0, most = 0;
  for (const [i, id] of greedy.entries()) {
    const at = (ids.length - 1 + i) * vocab;
    const row = Array.from(logits.subarray(at, at + vocab));
    const top = Math.max(...row);
    const chance = row[id] - top - Math.log(row.reduce((sum, logit) => sum + Math.exp(logit - top), 0));
    most = Math.max(most, Math.abs(chance - chances[i]));
    if (row.indexOf(top) === id) same++;
    else assert.ok(gaps[i] < tolerance, `the id at ${i}: ${row.indexOf(top)} instead of ${id}, of a gap of ${gaps[i]}`);
  }
  assert.ok(most <= tolerance, `chances differ by ${most}`);
  return `${same} of ${greedy.length} greedy, chances within ${most.toExponential(1)}`;
}

const golden = suite("golden gguf of llama.cpp");
for (const { name, json } of fewOnGpu(await listGolden("gguf-llama"), () => "any", 2)) {
  const run = await whereAble(golden);
  run(name, async () => {
    const { file, cases } = await readJson<{ file: string; cases: Case[] }>(json);
    const model = await load(json.replace(/[^/]+$/, file), await onEngine());
    try {
      for (const [i, one] of cases.entries()) {
        checkedCase(`llama.cpp ${name} ${i + 1}: ${await checkCase(model, toleranceOf(name), one)}`);
      }
    } finally {
      model.dispose();
    }
  });
}
golden.run();
