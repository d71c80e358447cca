// Folders with a tokenizer.model of SentencePiece and no tokenizer.json, against what transformers makes of them (record/README.md).
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { openFolder } from "../../src/model/open.ts";
import { readBytes, readJson, repoPath } from "../support/files.ts";
import { folder } from "../support/memory.ts";
import { refused } from "../support/refused.ts";

interface Case {
  name: string;
  model: string;
  family: string;
  files: Record<string, unknown>;
  added: { id: number; content: string; special: boolean }[];
  names: Record<string, string>;
  bos: number | null;
  eos: number | null;
  whole: number[];
  found: number[]; // for each text, which of the ids
  decoded: string;
}

const { texts, models, cases, ids } = await readJson<{
  texts: string[];
  models: Record<string, string>;
  cases: Case[];
  ids: number[][];
}>(repoPath("tests/golden/sentencepiece.json"));

const bytesOf = (base64: string) => Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));

/** A model folder of a family with these files in place of its tokenizer's. */
async function open(family: string, files: Record<string, Uint8Array<ArrayBuffer> | string>) {
  const beside = repoPath(`tests/golden/models/tiny-${family === "llama" ? "llama3" : family}`);
  const own = await Promise.all(
    ["config.json", "model.safetensors"].map(async (name) => [name, await readBytes(`${beside}/${name}`)] as const),
  );
  return await openFolder(folder({ ...Object.fromEntries(own), ...files }));
}

const test = suite("golden: SentencePiece");

for (const { name, model, family, files, added, names, bos, eos, whole, found, decoded } of cases) {
  test(name, async () => {
    const texted = Object.entries(files).map(([file, value]) => [`${file}.json`, JSON.stringify(value)]);
    const { tokenizer } = await open(family, { ...Object.fromEntries(texted), "tokenizer.model": bytesOf(models[model]) });
    assert.equal(tokenizer.names, names);
    assert.equal([tokenizer.bosId, tokenizer.eosId], [bos, eos]);
    const special = tokenizer.specialTokens.map(({ id, text }) => ({ id, text })).sort((a, b) => a.id - b.id);
    assert.equal(special, added.filter((one) => one.special).map(({ id, content }) => ({ id, text: content })));
    assert.equal(tokenizer.encode(texts[0], { bos: true }), whole);
    assert.is(tokenizer.decode(ids[found[0]]), decoded);
    texts.forEach((text, i) => assert.equal(tokenizer.encode(text), ids[found[i]], JSON.stringify(text)));
  });
}

test("a tokenizer.json beside it comes first", async () => {
  const json = await readBytes(repoPath("tests/golden/models/tiny-qwen2/tokenizer.json"));
  const { tokenizer } = await open("llama", { "tokenizer.json": json, "tokenizer.model": bytesOf(models.BPE) });
  assert.is(tokenizer.vocab, 512);
});

test("refusals", async () => {
  const no = (rule: string, bytes: number[] | Uint8Array<ArrayBuffer>) =>
    refused(() => open("llama", { "tokenizer.model": Uint8Array.from(bytes) }), `Cannot load model: ${rule}`);
  await no("tokenizer.model must be SentencePiece's, with pieces, got none", []);
  await no("tokenizer.model must be a message of Protocol Buffers, got one that ends early", [0x0a, 9, 1]);
  await no("tokenizer.model must be a message of Protocol Buffers, got a field of kind 7", [0x0f]);
  await no("tokenizer.model must be SentencePiece's, got 1: 5", [0x08, 5]);
  const piece = [0x0a, 3, 0x0a, 1, 0x61];
  await no("tokenizer.model must have every piece once, got 2 pieces", [...piece, ...piece]);
  await no("tokenizer.model must be a BPE or Unigram model, got 3", [...piece, 0x12, 2, 0x18, 3]);
  const tiktoken = new TextEncoder().encode("IQ== 0\nIg== 1\n");
  await no("tokenizer.model must be SentencePiece's, with pieces, got none", tiktoken);
});

test.run();
