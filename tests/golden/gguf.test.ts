// GGUF files: logits and greedy ids against those of their dequantised weights in float32 (record/README.md).
// The quick run takes one file of each small model (two on WebGPU), and one of those in many parts; every format is met in gguf-blocks.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type ChatMessage, readTemplate } from "../../src/chat/template.ts";
import { planTurn } from "../../src/chat/turn.ts";
import { evaluate } from "../../src/session/evaluate.ts";
import { load, type Model } from "../../src/load.ts";
import { chosen } from "../support/depth.ts";
import { engine, fewOnGpu, onEngine, whereAble } from "../support/engine.ts";
import { checkedCase, listGolden, modelFolder, readFloats, readJson } from "../support/files.ts";
import { relative } from "../support/relative.ts";
import { inside, onGpu } from "../support/inside.ts";

const TOLERANCE = 2e-3; // of the largest |logit|
const CLOSE = 0.01; // a gap between two logits under which float32 implementations may part ways

interface Case {
  text: string;
  ids: number[];
  greedy: number[];
  logits: { offset: number; shape: number[]; rows?: number[] }; // of all tokens, or of these positions in ids + greedy
  name?: string;
  messages?: ChatMessage[] | null;
  gaps?: number[]; // at each greedy step
  decoded?: string;
  nll?: number;
}

/** A case alone, or the cases of one model. */
type Golden =
  & { file: string | null; modelFile?: string; model: string; template?: string }
  & ({ cases: Case[] } | Case);

async function checkCase(model: Model, golden: Case, floats: Float32Array): Promise<string> {
  const { ids, greedy, gaps, logits: { offset, shape } } = golden;
  const { vocab, eosIds } = model.config;
  const rows = golden.logits.rows ?? ids.map((_, i) => i);
  const said = ids.concat(greedy).slice(0, Math.max(...rows) + 1);
  const theirs = floats.subarray(offset, offset + shape[0] * shape[1]);
  assert.equal(shape, [rows.length, vocab]);
  let most = 0;
  for (const stride of golden.logits.rows ? [16] : [1, 5, 16]) {
    const ours = await evaluate(inside(model), said, stride);
    const chosen = new Float32Array(rows.length * vocab);
    rows.forEach((row, i) => chosen.set(ours.logits.subarray(row * vocab, (row + 1) * vocab), i * vocab));
    most = Math.max(most, relative(chosen, theirs));
  }
  assert.ok(most <= TOLERANCE, `logits differ by ${most} of the largest`);

  // Only the answer to messages may end, and not at once; the recorded end is its last id then.
  const session = model.session({ policy: "full", kv: "f32" });
  const ends = golden.messages ? eosIds : [];
  const options = { maxNewTokens: greedy.length, stopAtEnd: false, banned: golden.messages ? [] : eosIds };
  for await (const _ of session.generate(ids, options));
  const written = session.report().ids;
  session.dispose();
  const near = gaps?.findIndex((gap) => gap < CLOSE) ?? -1;
  const compared = near < 0 ? greedy.length : near;
  assert.equal(written.slice(0, compared), greedy.slice(0, compared));
  if (golden.messages) assert.ok(ends.includes(greedy.at(-1)!) || compared === greedy.length);
  let more = "";
  if (golden.messages) {
    const dialect = { render: readTemplate(model.chatTemplate, model.tokenizer), tokenizer: model.tokenizer };
    const turn = planTurn(dialect, { messages: golden.messages }, { heard: null, pending: null, eosIds });
    assert.equal(turn.ids, ids);
    more = " messages as recorded";
  }
  if (golden.decoded !== undefined) assert.is(model.tokenizer.decode(greedy), golden.decoded);
  if (golden.nll !== undefined) {
    const { nll } = await perToken(model, ids);
    assert.ok(Math.abs(nll - golden.nll) <= TOLERANCE * golden.nll, `nll ${nll} instead of ${golden.nll}`);
    more += ` nll within ${(Math.abs(nll - golden.nll) / golden.nll).toExponential(1)}`;
  }
  return `logits ${most.toExponential(1)} greedy ${compared}${more}`;
}

/** Mean negative log-likelihood of the tokens after the first. */
async function perToken(model: Model, ids: number[]): Promise<{ nll: number }> {
  const { perplexity } = await model.perplexity(ids, { policy: "full", kv: "f32" });
  return { nll: Math.log(perplexity) };
}

const test = suite("golden gguf");
const files = (await listGolden("gguf")).filter(({ name }) => name !== "blocks");
/** A file's model, which its name begins with; none for SmolLM2's, which is left to the full run. */
const kindsOf = ({ name }: { name: string }) => name.startsWith("smollm2") ? [] : name.replace(/-[^-]+$/, "");
for (const { name, json, floats } of fewOnGpu(chosen(files, kindsOf), () => "any", 2)) {
  const run = await whereAble(test);
  run(name, async () => {
    const golden = await readJson<Golden>(json);
    const place = golden.file ? json.replace(/[^/]+$/, golden.file) : await modelFolder(golden.modelFile!);
    if (!place) return checkedCase(`gguf ${name}: model absent, and there is nothing to check without it`);
    const model = await load(place, await onEngine());
    try {
      if (golden.template !== undefined) assert.is(model.chatTemplate, golden.template);
      const recorded = await readFloats(floats);
      for (const one of "cases" in golden ? golden.cases : [golden]) {
        checkedCase(`gguf ${name} ${one.name ?? ""}: ${await checkCase(model, one, recorded)}`);
      }
    } finally {
      model.dispose();
    }
  });
}
const PARTED = [["fable-2m-Q4_1", 40_000], ["tiny-kquant-Q4_K_M", 20_000]] as const;
for (const [name, maxBinding] of engine() === "webgpu" ? chosen(PARTED, () => "any") : []) {
  const run = await whereAble(test);
  run(`${name}, its matrices in many parts`, async () => {
    const { json, floats } = (await listGolden("gguf")).find((one) => one.name === name)!;
    const golden = await readJson<Case & { file: string }>(json);
    const options = { ...await onEngine(), maxBinding };
    const model = await load(json.replace(/[^/]+$/, golden.file), options);
    try {
      assert.ok(onGpu(model).weights.embedding.parts.length > 3);
      const { logits } = await evaluate(inside(model), golden.ids, 4);
      const most = relative(logits, (await readFloats(floats)).subarray(0, logits.length));
      assert.ok(most <= TOLERANCE, `logits differ by ${most} of the largest`);
    } finally {
      model.dispose();
    }
  });
}
test.run();
