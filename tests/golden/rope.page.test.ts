// Every kind of rope: frequencies, and logits of a model that turns by them, against transformers (record/rope.py).
import * as assert from "uvu/assert";
import { load } from "../../src/load.ts";
import type { LoadOptions } from "../../src/options/load.ts";
import { evaluate } from "../../src/session/evaluate.ts";
import { chosen } from "../support/depth.ts";
import { engineSuite, onEngine } from "../support/engine.ts";
import { readFloats, readJson, repoPath } from "../support/files.ts";
import { json, modelFiles } from "../support/model-files.ts";
import { inside } from "../support/inside.ts";
import { relative } from "../support/relative.ts";

const TOLERANCE = 1e-5; // of the largest |logit|; frequencies: of each

interface Part {
  offset: number;
  shape: number[];
}
interface Case {
  rope: Record<string, unknown>;
  max: number;
  length: number | null;
  frequencies: Part;
  scale: number;
  logits: Part;
}

const { model: name, ids, cases } = await readJson<{ model: string; ids: number[]; cases: Case[] }>(
  repoPath("tests/golden/rope.json"),
);
const floats = await readFloats(repoPath("tests/golden/rope.f32"));
const recorded = ({ offset, shape }: Part) => floats.subarray(offset, offset + shape[0]);

const test = await engineSuite("golden: rope");

async function agrees(change: Record<string, unknown>, options: LoadOptions, { frequencies, scale, logits }: Case) {
  const model = await load(await modelFiles(`tests/golden/models/${name}`, { "config.json": json((config) => Object.assign(config, change)) }), { ...await onEngine(), ...options });
  try {
    const { vocab, ropes: [{ frequencies: rope, scale: ropeScale }] } = inside(model).config;
    const theirs = recorded(frequencies);
    rope.forEach((one, i) => assert.ok(Math.abs(one / theirs[i] - 1) < TOLERANCE, `frequency ${i}: ${one}, ${theirs[i]}`));
    assert.ok(Math.abs(ropeScale / scale - 1) < 1e-12, `${ropeScale}`);
    const ours = await evaluate(inside(model), ids);
    const off = relative(ours.logits.subarray((ids.length - 1) * vocab), recorded(logits));
    assert.ok(off < TOLERANCE, `logits differ by ${off} of the largest`);
  } finally {
    model.dispose();
  }
}

for (const one of chosen(cases, ({ rope }) => String(rope.rope_type))) {
  const { rope, max, length } = one;
  const { rope_type, factor = "" } = rope;
  test(`${rope_type} ${factor} of ${max}${length ? `, for ${length} tokens` : ""}`, async () => {
    const change = { rope_parameters: rope, max_position_embeddings: max };
    await agrees(change, length ? { ropeLength: length } : {}, one);
  });
}

test("asked for in place of what the file says", async () => {
  const file = { rope_parameters: { rope_theta: 5000, rope_type: "linear", factor: 3 } };
  for (const one of cases) {
    const { rope: { rope_type: ropeScaling, factor: ropeFactor, ...more }, max, length } = one;
    const simple = Object.keys(more).every((key) => ["rope_theta", "original_max_position_embeddings"].includes(key));
    if (!simple || ropeScaling === "longrope") continue;
    const original = more.original_max_position_embeddings ?? max; // of yarn: what the model was made for, where nobody asks
    await agrees({ ...file, max_position_embeddings: original }, {
      ...ropeScaling === "default" ? { ropeScaling: "none" } : { ropeScaling, ropeFactor } as LoadOptions,
      ...length ? { ropeLength: length } : {},
    }, one);
  }
});
test.run();
