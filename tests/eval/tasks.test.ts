// Tasks: documents follow from the seed and hold what is asked for, where it is said to be.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { acceptedPerCheck } from "../../src/eval/tasks/agreement.ts";
import { TASK_NAMES, type TaskName, taskOf } from "../../src/eval/tasks/index.ts";
import type { Settings } from "../../src/eval/tasks/settings.ts";
import ferry from "../../src/eval/texts/ferry.txt" with { type: "text" };
import { load } from "../../src/load.ts";
import { repoPath } from "../support/files.ts";
import { refused } from "../support/refused.ts";

const model = await load(repoPath("models/fable-2m"), { device: "wasm" });
const { tokenizer } = model;

const documentsOf = (name: TaskName, seed = 0, settings: Settings = {}, text = ferry) =>
  taskOf(name).documents({
    ...{ seed, text, settings: { ...taskOf(name).settings, ...settings } },
    tokens: (text) => tokenizer.encode(text),
    prompt: (text) => tokenizer.encode(text, { bos: true }),
    decode: (ids) => tokenizer.decode(ids),
  });

const test = suite("eval: tasks");

for (const name of TASK_NAMES) {
  test(`${name}: a seed gives its documents, another one others`, () => {
    const documents = documentsOf(name);
    assert.equal(documentsOf(name), documents);
    const others = documentsOf(name, 1);
    assert.is(others.length, documents.length);
    assert.not.equal(others, documents);
    for (const { ids } of documents) assert.is(ids[0], tokenizer.bosId);
  });
}

for (const name of ["passkey", "multikey", "keyvalue", "variables"] as const) {
  test(`${name}: documents have the length asked for, and the answers in them`, () => {
    for (const length of [200, 700]) {
      const documents = documentsOf(name, 3, { length });
      const mean = documents.reduce((sum, { ids }) => sum + ids.length, 0) / documents.length;
      assert.ok(Math.abs(mean - length) < 30, `${mean} tokens`); // a line of each is up to 30
      for (const { ids, answers } of documents) {
        const text = tokenizer.decode(ids);
        for (const answer of answers) assert.match(text, answer);
      }
    }
  });
}

test("passkey: the key is told at its depth, and nothing else is a number", () => {
  for (const { text = "", answers: [key], told: { depth } } of documentsOf("passkey")) {
    const lines = text.split("\n");
    const at = lines.findIndex((line) => line.includes(key));
    assert.is((at - 1) / (lines.length - 3), depth);
    assert.equal(text.match(/\d+/g), [key, key]);
    assert.ok(text.endsWith("The pass key is "));
  }
});

test("passkey: at 480 tokens it is the document of the recorded ones", async () => {
  const { docs } = JSON.parse(await Deno.readTextFile(repoPath("tests/golden/passkey/fable-2m.json")));
  const shape = (text: string) => text.replace(/\d+/g, "N").split("\n").sort().join("\n");
  const [{ text = "" }] = documentsOf("passkey", 0, { length: 488 });
  assert.is(shape(text), shape(docs[0].text));
});

test("needle: every length and depth, no document longer than its length, the needle where it is said to be", () => {
  const settings = { documents: 2, lengths: [200, 400], depths: [0, 0.5, 1] };
  const documents = documentsOf("needle", 0, settings);
  assert.is(documents.length, 12);
  for (const { ids, text = "", answers: [key], told: { length, depth } } of documents) {
    assert.ok(ids.length <= length && ids.length > length - 8, `${ids.length} of ${length}`);
    const told = text.indexOf("The number of the old house is");
    const body = text.lastIndexOf("\n\nWhat is") - 67; // less the needle itself
    assert.ok(Math.abs(told / body - depth) < 0.1, `told at ${told / body}, asked for ${depth}`);
    assert.match(text.slice(told), `The number of the old house is ${key}.`);
  }
});

test("variables: each is given the value by the one before", () => {
  for (const { text = "", answers } of documentsOf("variables")) {
    answers.forEach((name, i) => {
      assert.match(text, i === 0 ? new RegExp(`VAR ${name} = \\d+\\.`) : `VAR ${name} = VAR ${answers[i - 1]}.`);
    });
    const places = answers.map((name) => text.indexOf(`VAR ${name} =`));
    assert.equal(places, [...places].sort((a, b) => a - b), "the chain can be followed as it is read");
  }
});

test("perplexity: pieces of the text, none twice", () => {
  const all = tokenizer.encode(ferry);
  const begins = documentsOf("perplexity", 5, { documents: 6, length: 300 }).map(({ ids }) => {
    const piece = ids.slice(1);
    assert.is(piece.length, 300);
    const at = all.findIndex((_, i) => i % 300 === 0 && piece.every((id, j) => id === all[i + j]));
    assert.ok(at >= 0);
    return at;
  });
  assert.is(new Set(begins).size, 6);
});

test("a text too short for its documents is refused", async () => {
  const short = "Too short.";
  const rule = "the text must have at least 1200 tokens for 4 documents of 300";
  await refused(() => documentsOf("perplexity", 0, { length: 300 }, short), new RegExp(rule), ["bad-option"], "text");
  await refused(
    () => documentsOf("needle", 0, { lengths: [300] }, short),
    /more than 300 tokens/,
    ["bad-option"],
    "text",
  );
});

test("accepted tokens of a check, counted by hand", () => {
  const same = (text: string) => [...text].map((letter) => letter === "y");
  assert.is(acceptedPerCheck(same("yyny"), 8), 1.5); // 2, and 1 of the rest
  assert.is(acceptedPerCheck(same("nnnn"), 8), 0);
  assert.is(acceptedPerCheck(same("yyyyyy"), 2), 2); // 2 and the full cache's own token, twice
  assert.is(acceptedPerCheck([], 2), 0);
});

test.after(() => model.dispose());
test.run();
