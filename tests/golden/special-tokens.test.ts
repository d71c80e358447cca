// Special tokens as a folder's files name and describe them, against what transformers takes up (record/README.md).
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { openFolder } from "../../src/model/open.ts";
import { readTemplate } from "../../src/chat/template.ts";
import { readBytes, readJson, repoPath } from "../support/files.ts";
import { folder } from "../support/memory.ts";

interface Case {
  name: string;
  patch: Record<string, unknown>;
  files: Record<string, unknown>;
  added: { id: number; content: string; special: boolean }[];
  names: Record<string, string>;
  bos: number | null;
  eos: number | null;
  ids: number[][];
  whole: number[];
}

const { base, texts, cases } = await readJson<{ base: string; texts: string[]; cases: Case[] }>(
  repoPath("tests/golden/special-tokens.json"),
);
const json = await readJson(repoPath(base));
const beside = repoPath(base).replace(/[^/]+$/, "");
const [config, weights] = await Promise.all(
  ["config.json", "model.safetensors"].map((name) => readBytes(beside + name)),
);

const test = suite("golden: special tokens");

for (const { name, patch, files, added, names, bos, eos, ids, whole } of cases) {
  test(name, async () => {
    const described = Object.entries({ ...files, tokenizer: { ...json, ...patch } });
    const texted = described.map(([file, value]) => [`${file}.json`, JSON.stringify(value)]);
    const { tokenizer } = await openFolder(
      folder({ ...Object.fromEntries(texted), "config.json": config, "model.safetensors": weights }),
    );
    assert.equal(tokenizer.names, names);
    assert.equal([tokenizer.bosId, tokenizer.eosId], [bos, eos]);
    const special = tokenizer.specialTokens.map(({ id, text }) => ({ id, text })).sort((a, b) => a.id - b.id);
    assert.equal(special, added.filter((one) => one.special).map(({ id, content }) => ({ id, text: content })));
    texts.forEach((text, i) => assert.equal(tokenizer.encode(text), ids[i], text));

    // What a template puts behind a text is left out: the text is to be gone on with.
    const first = tokenizer.encode(texts[0], { bos: true });
    assert.equal(first, whole.slice(0, first.length));
    assert.ok(whole.slice(first.length).every((id) => added.some((one) => one.id === id)));

    const shown = Object.keys(names).map((name) => `{{ ${name} }}`).join("");
    const rendered = readTemplate(`${shown}{{ messages[0].content }}`, tokenizer)([{ role: "user", content: "!" }]);
    assert.is(rendered, `${Object.values(names).join("")}!`);
  });
}

test.run();
