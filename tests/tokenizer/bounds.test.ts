// Tokenizers that ask for more than any has: one sentence of kvcap's, soon, and none of an engine's.
import process from "node:process";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseJson } from "../../src/files/checks.ts";
import { openModel } from "../../src/model/open.ts";
import { createTokenizer } from "../../src/tokenizer/tokenizer.ts";
import { readJson, repoPath } from "../support/files.ts";
import { modelFiles } from "../support/model-files.ts";
import { refused } from "../support/refused.ts";

const base = await readJson<Record<string, unknown>>(`${repoPath("models/fable-2m")}/tokenizer.json`);
const bounds = suite("tokenizer: bounds");

const nested = (levels: number, begin: string, end: string, inside = "null") =>
  JSON.parse(begin.repeat(levels) + inside + end.repeat(levels));
const token = (i: number, content = `<|${i}|>`) => ({ id: 3000 + i, content, special: true });
const MOST_SECONDS = 2; // of the processor

async function soon<T>(run: () => T): Promise<T> {
  const begun = process.cpuUsage();
  const found = await run();
  const seconds = process.cpuUsage(begun).user / 1e6;
  assert.ok(seconds < MOST_SECONDS, `${seconds} s`);
  return found;
}

bounds("steps that are made of steps, as deep as JSON goes", async () => {
  const cases: [part: string, begin: string, end: string][] = [
    ["normalizer", '{"type":"Sequence","normalizers":[', "]}"],
    ["pre_tokenizer", '{"type":"Sequence","pretokenizers":[', "]}"],
    ["decoder", '{"type":"Sequence","decoders":[', "]}"],
    ["post_processor", '{"type":"Sequence","processors":[', "]}"],
  ];
  for (const [part, begin, end] of cases) {
    for (const levels of [40, 5000, 100_000]) {
      const tokenizer = { ...base, [part]: nested(levels, begin, end) };
      const rule = `Cannot load model: ${part} of tokenizer.json must be nested at most 32 deep, got more`;
      await soon(() => refused(() => createTokenizer(tokenizer), rule));
    }
    if (part !== "decoder") createTokenizer({ ...base, [part]: nested(8, begin, end, "") });
  }
});

bounds("values nested as deep as JSON goes, anywhere, are shown or named", async () => {
  const deep = nested(100_000, "[", "]", "");
  for (
    const [file, field] of [["config.json", "hidden_size"], ["config.json", "rope_parameters"], [
      "config.json",
      "architectures",
    ]]
  ) {
    const changed = await modelFiles("tests/golden/models/tiny-llama3", {
      [file]: (bytes) => {
        const json = JSON.parse(new TextDecoder().decode(bytes));
        return JSON.stringify({ ...json, [field]: 1234567 }).replace(
          "1234567",
          "[".repeat(100_000) + "]".repeat(100_000),
        );
      },
    });
    await soon(() => refused(() => openModel(changed), /^Cannot load model: [^\n]{1,400}, got [^\n]{1,100}$/));
  }
  const fields = ["model", "added_tokens", "normalizer", "pre_tokenizer", "decoder", "post_processor"];
  for (const field of fields) {
    await refused(() => createTokenizer({ ...base, [field]: deep }), /^Cannot load model: [^\n]+$/);
  }
  for (const field of ["added_tokens_decoder", "extra_special_tokens", "bos_token"]) {
    try {
      createTokenizer(base, { [field]: deep });
    } catch (error) {
      assert.match((error as Error).message, /^Cannot load model: [^\n]+$/);
    }
  }
  assert.throws(
    () => parseJson("[".repeat(1_000_000), "x.json"),
    /^Cannot load model: x.json must be JSON, got [^\n]+$/,
  );
});

bounds("added tokens", async () => {
  const many = Array.from({ length: 1 << 16 }, (_, i) => token(i));
  const rule = "Cannot load model: added tokens must be at most 65536, got ";
  await soon(() =>
    refused(() => createTokenizer({ ...base, added_tokens: [...many, token(many.length)] }), `${rule}65537`)
  );
  const decoder = Object.fromEntries(many.map((one, i) => [i, { ...one, content: `${one.content}x` }]));
  const others = { added_tokens_decoder: decoder };
  await soon(() => refused(() => createTokenizer({ ...base, added_tokens: many }, others), `${rule}131072`));
  await soon(() =>
    refused(
      () => createTokenizer(base, { extra_special_tokens: [...Array(70_000).keys()].map(String) }),
      new RegExp(rule),
    )
  );
  const long = [token(0, "x".repeat(1 << 20)), token(1)];
  await soon(() =>
    refused(
      () => createTokenizer({ ...base, added_tokens: long }),
      "Cannot load model: added tokens must have at most 1048576 characters in all, got 1048581",
    )
  );
  const tokenizer = await soon(() => createTokenizer({ ...base, added_tokens: many }));
  assert.equal(tokenizer.encode(`${many[7].content}${many[65535].content}`), [3007, 68535]);
});

bounds.run();
