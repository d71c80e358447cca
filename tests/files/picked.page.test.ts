// load(files): a model from files that a person picked or dropped.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { load } from "../../src/load.ts";
import { openModel } from "../../src/model/open.ts";
import { pickedSource } from "../../src/files/picked.ts";
import { gpuSuite, testDevice } from "../support/device.ts";
import { repoPath } from "../support/files.ts";
import { modelFiles } from "../support/model-files.ts";
import { rejection } from "../support/spies.ts";

const picked = suite("picked files");

picked("are read whole and in part, by their path without the picked folder's name", async () => {
  const file = new File(["abcdef"], "b.txt");
  Object.defineProperty(file, "webkitRelativePath", { value: "folder/a/b.txt" });
  const { source, ggufs } = pickedSource([file]);
  assert.equal(ggufs, []);
  assert.is(await source.text("a/b.txt"), "abcdef");
  assert.equal([...await source.read("a/b.txt", 1, 3)], [98, 99]);
  assert.equal([await source.has("a/b.txt"), await source.has("b.txt")], [true, false]);
});

picked("refuse in one sentence what is no model", async () => {
  assert.is(await rejection(openModel([])), "Cannot load model: the model must be at least one file, got nothing");
  assert.match(await rejection(openModel([7] as unknown as File[])), "the model must be at least one file, got 7");
  assert.match(await rejection(openModel([new File([], "x.txt")])), "among the files must be config.json, got x.txt");
  const ggufs = ["a.gguf", "b.GGUF"].map((name) => new File(["GGUF"], name));
  assert.match(
    await rejection(openModel(ggufs)),
    'of GGUF files there must be one, or all parts of one, got ["a.gguf","b.GGUF"]',
  );
  assert.match(await rejection(openModel([ggufs[0]])), /^Cannot load model: .*a\.gguf/);
});
picked.run();

const run = await gpuSuite("picked files on the GPU");
run("answer as the folder does", async () => {
  const device = (await testDevice())!;
  const texts: string[] = [];
  for (const where of [repoPath("models/fable-2m"), await modelFiles("models/fable-2m")]) {
    const model = await load(where, { device });
    const session = model.session();
    let text = "";
    for await (const piece of session.generate("Once upon a time", { maxNewTokens: 12 })) text += piece;
    texts.push(text);
    model.dispose();
  }
  assert.is(texts[0], texts[1]);
  assert.ok(texts[0].length > 20);
});
run.run();
