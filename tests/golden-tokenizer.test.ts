// Recorded references of text to ids and back: every case of every model whose tokenizer is a folder.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createTokenizer } from "../src/tokenizer.ts";
import { checkedCase, listGolden, modelFolder, readJson } from "./files.ts";

interface Case {
  text: string;
  ids: number[];
  plain: number[];
  decoded: string;
}

const golden = suite("golden: tokenizer");

for (const { name, json } of await listGolden("tokenizer")) {
  golden(name, async () => {
    const { modelFile, cases } = await readJson<{ modelFile: string; cases: Case[] }>(json);
    if (modelFile.endsWith(".gguf")) return console.log(`    ${name}: not run, its tokenizer is in a GGUF file`);
    const folder = await modelFolder(modelFile);
    if (folder === null) return console.log(`    ${name}: not run, the model ${modelFile} is absent`);
    const tokenizer = createTokenizer(
      await readJson(`${folder}/tokenizer.json`),
      await readJson(`${folder}/tokenizer_config.json`),
    );
    assert.ok(cases.length > 0);
    for (const { text, ids, plain, decoded } of cases) {
      const what = JSON.stringify(text);
      assert.equal(tokenizer.encode(text), ids, what);
      assert.equal(tokenizer.encode(text, { special: false }), plain, `${what} as plain text`);
      assert.is(tokenizer.decode(plain), decoded, what);
    }
    checkedCase(`${name}: ${cases.length} texts, ids, plain ids and decoded text agree`);
  });
}

golden.run();
