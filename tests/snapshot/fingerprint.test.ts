// Whose snapshots a model takes: those of one with the same weights, to the last bit of the last tensor, wherever it was loaded.
import * as assert from "uvu/assert";
import { load, type Model } from "../../src/load.ts";
import type { LoadOptions } from "../../src/options/index.ts";
import { chosen } from "../support/depth.ts";
import { engineSuite, onEngine } from "../support/engine.ts";
import { type Bytes, type Changes, json, modelFiles } from "../support/model-files.ts";
import { say } from "../support/say.ts";

const test = await engineSuite("fingerprint");
const MODEL = "tests/golden/models/tiny-qwen2"; // with biases

const open = async (changes: Changes = {}, options: LoadOptions = {}) =>
  await load(await modelFiles(MODEL, changes), { ...await onEngine(), onWarning: () => {}, ...options });

const PROMPT = [1, 5, 9, 14, 3, 3];
async function snapshotOf(model: Model) {
  const session = model.session({ budget: 16, stride: 4 });
  await say(session, { maxNewTokens: 3, stopAtEnd: false }, PROMPT);
  return await session.snapshot();
}

/** What a model says to a snapshot. */
async function answerTo(model: Model, bytes: Uint8Array): Promise<string> {
  try {
    (await model.restore(bytes)).dispose();
    return "taken";
  } catch (error) {
    return (error as Error).message;
  } finally {
    model.dispose();
  }
}

const REFUSED = "Cannot restore session: the snapshot must be of a model with these weights, got one of others";

interface Entry {
  readonly name: string;
  readonly at: number; // where its bytes begin in the file
  readonly length: number;
}

function entriesOf(bytes: Bytes): Entry[] {
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  delete header.__metadata__;
  return Object.entries(header as Record<string, { data_offsets: number[] }>).map(([name, { data_offsets }]) => ({
    ...{ name, at: 8 + length + data_offsets[0], length: data_offsets[1] - data_offsets[0] },
  }));
}

test("one bit anywhere makes another model: of any tensor, its beginning, middle and end", async () => {
  const own = await open();
  const bytes = await snapshotOf(own);
  assert.is(await answerTo(own, bytes), "taken");
  const [file] = (await modelFiles(MODEL)).filter(({ name }) => name === "model.safetensors");
  const entries = entriesOf(new Uint8Array(await file.arrayBuffer()));
  assert.ok(
    entries.some(({ name }) => name.endsWith("bias")) && entries.some(({ name }) => name.endsWith("norm.weight")),
  );
  const kindOf = ({ name }: Entry) => name.replace(/\d+/, "N");
  for (const { name, at, length } of chosen(entries, kindOf)) {
    if (/^lm_head/.test(name)) continue;
    for (const place of new Set([0, length / 2, length - 4].map((byte) => at + 4 * Math.floor(byte / 4)))) {
      const changed = await open({
        "model.safetensors": (file) => {
          const out = file.slice();
          out[place] ^= 1; // the least bit of a number
          return out;
        },
      });
      assert.is(await answerTo(changed, bytes), REFUSED, `${name} at ${place - at} of ${length}`);
    }
  }
});

test("signs that are turned in pairs, and rows that change places, make another", async () => {
  const own = await open();
  const bytes = await snapshotOf(own);
  own.dispose();
  const change = (edit: (words: Uint32Array, at: number, words4: number) => void) => ({
    "model.safetensors": (file: Bytes) => {
      const { at, length } = entriesOf(file).find(({ name }) => name.includes("down_proj"))!;
      const part = new Uint32Array(file.slice(at, at + length).buffer);
      edit(part, 0, part.length);
      const out = file.slice();
      out.set(new Uint8Array(part.buffer), at);
      return out;
    },
  });
  const turned = change((words) => [100, 207].forEach((i) => words[i] ^= 0x80000000));
  const swapped = change((words) => [words[300], words[301]] = [words[301], words[300]]);
  for (const changes of [turned, swapped]) assert.is(await answerTo(await open(changes), bytes), REFUSED);
});

test("what norms add, and how weights are quantised, are part of it; a tokenizer is not", async () => {
  const own = await open();
  const bytes = await snapshotOf(own);
  own.dispose();
  const eps = await open({ "config.json": json((config) => config.rms_norm_eps = 1.5e-6) });
  assert.is(await answerTo(eps, bytes), REFUSED);
  assert.is(await answerTo(await open({}, { weights: "q8" }), bytes), REFUSED);
  const named = await open({ "tokenizer_config.json": json((config) => config.model_max_length = 7) });
  assert.is(await answerTo(named, bytes), "taken");
});

test.run();
