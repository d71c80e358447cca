// Logits, hidden states and greedy ids against transformers' float32 eager attention (record/README.md).
// The quick run takes two models in a page, one of them on the GPU, drawn anew every day; in Deno all, on the GPU one of each architecture.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { evaluate } from "../../src/session/evaluate.ts";
import { load, type Model } from "../../src/load.ts";
import { chosen } from "../support/depth.ts";
import { engine, fewOnGpu, onEngine, whereAble } from "../support/engine.ts";
import { checkedCase, inBrowser, listGolden, modelFolder, readFloats, readJson } from "../support/files.ts";
import { relative } from "../support/relative.ts";
import { inside } from "../support/inside.ts";

const TOLERANCE = 1e-4; // of the largest value

interface Case {
  text: string;
  ids: number[];
  greedy: number[];
  logits: { offset: number; shape: number[] };
  hidden: { offset: number; shape: number[] };
  lastGap: number;
}

async function checkCase(model: Model, golden: Case, floats: Float32Array): Promise<string> {
  const [stages, tokens, hidden] = golden.hidden.shape;
  const slice = (offset: number, length: number) => floats.subarray(offset, offset + length);
  let logits = 0;
  let states = 0;
  for (const stride of [1, 5, 16]) {
    const ours = await evaluate(inside(model), golden.ids, stride);
    assert.is(ours.logits.length, golden.logits.shape[0] * golden.logits.shape[1]);
    assert.is(ours.hidden.length, stages * tokens * hidden);
    logits = Math.max(logits, relative(ours.logits, slice(golden.logits.offset, ours.logits.length)));
    for (let stage = 0; stage < stages; stage++) {
      const at = stage * tokens * hidden;
      const theirs = slice(golden.hidden.offset + at, tokens * hidden);
      states = Math.max(states, relative(ours.hidden.subarray(at, at + tokens * hidden), theirs));
    }
  }
  assert.ok(logits <= TOLERANCE, `logits differ by ${logits} of the largest`);
  assert.ok(states <= TOLERANCE, `hidden states differ by ${states} of the largest`);

  const session = model.session({ policy: "full", kv: "f32" });
  const options = { maxNewTokens: golden.greedy.length, banned: model.config.eosIds };
  for await (const _ of session.generate(golden.ids, options));
  const { ids } = session.report();
  session.dispose();
  const parted = golden.greedy.findIndex((id, i) => ids[i] !== id);
  const tie = parted === 0 && golden.lastGap < TOLERANCE;
  assert.ok(parted < 0 || tie, `greedy ids part at ${parted}: ${ids} instead of ${golden.greedy}`);
  return `logits ${logits.toExponential(1)} hidden ${states.toExponential(1)} greedy ${tie ? "tie" : ids.length}`;
}

const test = suite("golden hf");
const all = await listGolden("hf");
const small = all.filter(({ name }) => /^(fable|tiny)-/.test(name));
const architectures = new Map<string, string>();
for (const { name, json } of all) architectures.set(name, (await readJson<{ architecture: string[] }>(json)).architecture[0]);
const kindOf = ({ name }: { name: string }) => architectures.get(name)!;
for (const { name, json, floats } of inBrowser ? chosen(small, () => "any", engine() === "wasm" ? 2 : 1) : fewOnGpu(all, kindOf, 1)) {
  const run = await whereAble(test);
  run(name, async () => {
    const golden = await readJson<{ model: string; cases: Case[] }>(json);
    const folder = await modelFolder(golden.model);
    if (!folder) return checkedCase(`hf ${name}: model absent, and there is nothing to check without it`);
    const model = await load(folder, await onEngine());
    try {
      const recorded = await readFloats(floats);
      for (const [i, one] of golden.cases.entries()) {
        checkedCase(`hf ${name} ${i + 1}: ${await checkCase(model, one, recorded)}`);
      }
    } finally {
      model.dispose();
    }
  });
}
test.run();
