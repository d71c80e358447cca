// What `kvcap eval` says of the full cache's perplexity against transformers' logits.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { checkPlan } from "../../src/eval/plan.ts";
import { runUnit } from "../../src/eval/run.ts";
import { unitsOf } from "../../src/eval/units.ts";
import { load } from "../../src/load.ts";
import { checkedCase, listGolden, modelFolder, readBytes, readFloats, readJson } from "../support/files.ts";

const TOLERANCE = 1e-4; // of the perplexity

interface Case {
  text: string;
  ids: number[];
  logits: { offset: number; shape: number[] };
}

/** exp of the mean of -ln p of every id after the first, from logits, in f64. */
function perplexityOf({ ids, logits: { offset, shape: [, vocab] } }: Case, floats: Float32Array): number {
  let sum = 0;
  for (let t = 1; t < ids.length; t++) {
    const row = floats.subarray(offset + (t - 1) * vocab, offset + t * vocab);
    const most = row.reduce((a, b) => Math.max(a, b));
    sum += Math.log(row.reduce((all, logit) => all + Math.exp(logit - most), 0)) + most - row[ids[t]];
  }
  return Math.exp(sum / (ids.length - 1));
}

/** A folder's files, whose texts begin with the model's bos token, as what is recorded does, where tokenizer.json says nothing of it. */
async function withBos(folder: string): Promise<File[]> {
  const names = Array.from(Deno.readDirSync(folder)).filter(({ isFile }) => isFile).map(({ name }) => name);
  const { bos_token: id } = await readJson(`${folder}/tokenizer_config.json`);
  return await Promise.all(names.map(async (name) => {
    if (name !== "tokenizer.json") return new File([await readBytes(`${folder}/${name}`)], name);
    const json = await readJson(`${folder}/${name}`);
    json.post_processor ??= {
      type: "TemplateProcessing",
      single: [{ SpecialToken: { id } }, { Sequence: { id: "A" } }],
    };
    return new File([JSON.stringify(json)], name);
  }));
}

const test = suite("golden eval");
for (const { name, json, floats } of await listGolden("hf")) {
  test(name, async () => {
    const golden = await readJson<{ model: string; cases: Case[] }>(json);
    const folder = await modelFolder(golden.model);
    if (!folder) return checkedCase(`eval ${name}: model absent, and there is nothing to check without it`);
    const model = await load(await withBos(folder), { device: "wasm", precision: "exact" });
    try {
      for (const one of golden.cases) {
        // The whole text, behind what the model begins with, is one document.
        const length = model.tokenizer.encode(one.text).length;
        assert.equal(model.tokenizer.encode(one.text, { bos: true }), one.ids);
        const [unit] = unitsOf(checkPlan({ tasks: ["perplexity"], policies: ["full"], session: { kv: "f32" } }), one.text);
        const { metrics } = await runUnit({ ...unit, settings: { documents: 1, length } }, {
          ...{ model, text: one.text, policy: "full" },
          once: (_, make) => make(),
        });
        const wanted = perplexityOf(one, await readFloats(floats));
        const off = Math.abs(metrics.perplexity / wanted - 1);
        assert.ok(off <= TOLERANCE, `${metrics.perplexity}, recorded ${wanted}`);
        checkedCase(`eval ${name}: perplexity ${wanted.toFixed(3)} to ${off.toExponential(1)}`);
      }
    } finally {
      model.dispose();
    }
  });
}
test.run();
