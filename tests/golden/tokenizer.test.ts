// Recorded references of text to ids and back: every case of every tokenizer, out of a folder or a GGUF file's metadata.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { openGguf } from "../../src/formats/gguf/file.ts";
import { openSource } from "../../src/files/open-source.ts";
import { ggufTokenizer } from "../../src/tokenizer/gguf.ts";
import { createTokenizer, type Tokenizer } from "../../src/tokenizer/tokenizer.ts";
import { checkedCase, listGolden, modelFolder, readJson } from "../support/files.ts";

interface Case {
  text: string;
  ids: number[];
  plain: number[];
  decoded: string;
}

async function fromFolder(folder: string): Promise<Tokenizer> {
  return createTokenizer(
    await readJson(`${folder}/tokenizer.json`),
    await readJson(`${folder}/tokenizer_config.json`),
  );
}

async function fromGguf(path: string): Promise<Tokenizer> {
  const [, folder, name] = /^(.*\/)([^/]+)$/.exec(path)!;
  const { tokenizer, settings } = ggufTokenizer((await openGguf(openSource(folder), name)).metadata);
  return createTokenizer(tokenizer, settings);
}

function check(tokenizer: Tokenizer, cases: Case[]) {
  assert.ok(cases.length > 0);
  for (const { text, ids, plain, decoded } of cases) {
    const what = JSON.stringify(text);
    assert.equal(tokenizer.encode(text), ids, what);
    assert.equal(tokenizer.encode(text, { special: false }), plain, `${what} as plain text`);
    assert.is(tokenizer.decode(plain), decoded, what);
  }
}

const golden = suite("golden: tokenizer");

for (const { name, json } of await listGolden("tokenizer")) {
  golden(name, async () => {
    const { modelFile, cases } = await readJson<{ modelFile: string; cases: Case[] }>(json);
    const place = await modelFolder(modelFile);
    if (place === null) return console.log(`    ${name}: not run, the model ${modelFile} is absent`);
    check(await (modelFile.endsWith(".gguf") ? fromGguf : fromFolder)(place), cases);
    checkedCase(`${name}: ${cases.length} texts, ids, plain ids and decoded text agree`);

    // The same model's GGUF files, where there are some, hold the same tokenizer.
    const file = (await listGolden("gguf")).find((one) => one.name.startsWith(`${name}-`));
    const twin = file && (await readJson<{ file: string | null }>(file.json)).file;
    if (!twin) return;
    check(await fromGguf(file.json.replace(/[^/]+$/, twin)), cases);
    checkedCase(`${name}: ${cases.length} texts, the same out of ${twin}`);
  });
}

golden.run();
