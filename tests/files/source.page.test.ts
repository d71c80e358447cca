import { suite } from "uvu";
import * as assert from "uvu/assert";
import { openSource } from "../../src/files/open-source.ts";
import { inBrowser, modelFolder, readBytes } from "../support/files.ts";
import { refused } from "../support/refused.ts";

const sources = suite("source: the shipped model");

sources("files of a folder, whole and in part", async () => {
  const path = (await modelFolder("fable-2m"))!;
  for (const where of [path, `${path}/`]) {
    const source = openSource(where);
    const bytes = await readBytes(`${path}/model.safetensors`);
    assert.is(await source.size("model.safetensors"), bytes.length);
    assert.equal(await source.read("model.safetensors", 5000, 5100), bytes.slice(5000, 5100));
    assert.equal(await source.read("model.safetensors", bytes.length - 3, bytes.length), bytes.slice(-3));
    assert.is((await source.read("model.safetensors", 7, 7)).length, 0);
    assert.is(JSON.parse(await source.text("config.json")).model_type, "llama");
    assert.equal([await source.has("config.json"), await source.has("none.json")], [true, false]);
  }
});

sources("a file's name stays inside the folder", async () => {
  const source = openSource((await modelFolder("fable-2m"))!);
  const names = ["../config.json", "/etc/passwd", "a/../../b", "", ".", "a//b", "a/", "config.json?x", "config.json#x"];
  for (const name of [...names, "%2e%2e/config.json", "C:\\x", "a\0b", "http://127.0.0.1/config.json"]) {
    const sentence = `Cannot load model: a file's name must stay inside the model's folder, got ${
      JSON.stringify(name)
    }`;
    for (const use of ["text", "size", "has"] as const) await refused(() => source[use](name), sentence);
    await refused(() => source.read(name, 0, 1), sentence);
  }
});

sources("ranges stay inside the file", async () => {
  const source = openSource((await modelFolder("fable-2m"))!);
  const size = await source.size("config.json");
  for (const [begin, end] of [[0, size + 1], [-1, 2], [3, 2], [0.5, 2]]) {
    await refused(
      () => source.read("config.json", begin, end),
      `Cannot load model: bytes read of config.json must lie within its ${size}, got ${JSON.stringify([begin, end])}`,
    );
  }
});

sources(
  "no place at all",
  () => refused(() => openSource(" "), 'Cannot load model: the model must be a folder or a URL, got " "'),
);

if (inBrowser) {
  sources("a page takes paths relative to itself", async () => {
    const path = new URL((await modelFolder("fable-2m"))!);
    assert.ok(await openSource(path.pathname).has("config.json"));
    assert.ok(await openSource(path).has("config.json"));
    assert.not(await openSource("no/such/folder").has("config.json"));
    await refused(
      () => openSource("file:///models/x"),
      'Cannot load model: a page reads models over http or https, got "file:///models/x"',
    );
  });
}

sources.run();
