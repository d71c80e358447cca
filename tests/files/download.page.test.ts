// Files brought into a cache: a folder in Deno, the origin's private file system in a page. The servers are real.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { cachedSource } from "../../src/files/cached.ts";
import { versionOf } from "../../src/files/cache/store.ts";
import { openModel } from "../../src/model/open.ts";
import { inBrowser, repoPath } from "../support/files.ts";
import { refused } from "../support/refused.ts";
import {
  type Behaviour,
  content,
  freshStore,
  reach,
  sameBytes,
  type Server,
  startWeights,
} from "../support/weights.ts";

const MB = 1 << 20;
const test = suite("download");
let server: Server;
let cache: Awaited<ReturnType<typeof freshStore>>;
test.before(async () => void (server = await startWeights()));
test.after(() => server.stop());
test.before.each(async () => void (cache = await freshStore()));
test.after.each(() => cache.remove());

const open = (access = reach(cache.store)) => cachedSource(new URL(server.url), server.url, access, cache.store);

async function check(file: Behaviour, name = "w.bin", access = reach(cache.store)) {
  const source = open(access);
  const all = content(file);
  assert.is(await source.size(name), all.length);
  sameBytes(await source.read(name, 0, all.length), all);
  sameBytes(await source.read(name, 99_990, 200_010), all.subarray(99_990, 200_010));
  sameBytes(await source.read(name, all.length - 5, all.length), all.subarray(-5));
  await refused(
    () => source.read(name, 0, all.length + 1),
    `Cannot load model: bytes read of ${name} must lie within its ${all.length}, got [0,${all.length + 1}]`,
  );
  return access;
}

test("brings a file once, tells how far it is, and asks next time whether it is still the newest", async () => {
  const file = { size: 3 * MB + 17, etag: '"one"' };
  await server.set("w.bin", file);
  const { progress, told } = await check(file);
  assert.equal(progress[0], ["w.bin", 0, file.size]);
  assert.equal(progress.at(-1), ["w.bin", file.size, file.size]);
  assert.ok(progress.length > 3 && progress.every(([, done], i) => i === 0 || done > progress[i - 1][1]));
  assert.equal(await server.seen(), ["GET w.bin bytes=0-0", "GET w.bin bytes=0-"]);
  const again = await check(file);
  assert.equal(again.progress, []);
  assert.equal(await server.seen(), ["GET w.bin bytes=0-0"]);
  assert.equal(told, []);
});

test("Last-Modified does where there is no ETag, and where that is weak", async () => {
  for (const etag of [undefined, 'W/"x"']) {
    const name = `modified-${etag ? "weak" : "none"}.bin`;
    const file = { size: MB, modified: "Wed, 21 Oct 2015 07:28:00 GMT", etag };
    await server.set(name, { ...file, breaks: [300_000] });
    await check(file, name);
    await check(file, name);
    const [, first, second, third, ...more] = await server.seen();
    assert.equal([first, third, ...more], [`GET ${name} bytes=0-`, `GET ${name} bytes=0-0`]);
    assert.match(second, /bytes=[1-9]\d+-$/);
  }
});

test("a broken connection goes on where it ended", async () => {
  const file = { size: 2 * MB, etag: '"a"', breaks: [700_000, 500_000, 0, 100] };
  await server.set("w.bin", file);
  // More tries than breaks: one may bring nothing where the machine is busy.
  const { patience } = reach(null).net;
  await check(file, "w.bin", reach(cache.store, { net: { patience: { ...patience, tries: 6 }, token: null } }));
  const seen = await server.seen();
  assert.is(seen[1], "GET w.bin bytes=0-");
  assert.is(seen.length, 6);
  const from = seen.slice(1).map((line) => Number(/bytes=(\d+)-/.exec(line)![1]));
  assert.ok(from.every((byte, i) => i === 0 || byte >= from[i - 1]) && from[1] > 0, from.join(" "));
});

test("what a run leaves half done the next one completes", async () => {
  const file = { size: 2 * MB, etag: '"a"' };
  await server.set("w.bin", { ...file, breaks: [900_000, 0, 0, 0] });
  await refused(
    () => open().size("w.bin"),
    /^Cannot load model: http:\S+\/w.bin must (arrive whole|be reachable), got .+$/,
  );
  assert.is(await cache.store.entry("x", "x").held(), null);
  await server.seen();
  await server.set("w.bin", file);
  const { progress } = await check(file);
  assert.ok(progress[0][1] > 0, "begins with what was there");
  const [, rest] = await server.seen();
  assert.is(rest, `GET w.bin bytes=${progress[0][1]}-`);
});

test("a signal ends a download, whose rest the next one brings; and the wait between two tries", async () => {
  const file = { size: 2 * MB, etag: '"a"' };
  await server.set("w.bin", { ...file, slow: 20 });
  const stopper = new AbortController();
  const { patience } = reach(null).net;
  const net = { patience: { ...patience, pause: 60_000, signal: stopper.signal }, token: null };
  const onDownload = (_: string, done: number) => done > 300_000 && stopper.abort(new Error("no more"));
  await refused(() => open(reach(cache.store, { net, onDownload })).size("w.bin"), "no more");
  await server.seen();
  await server.set("w.bin", file);
  const { progress } = await check(file);
  assert.ok(progress[0][1] > 300_000 && progress[0][1] < file.size, `${progress[0]}`);
  assert.is((await server.seen())[1], `GET w.bin bytes=${progress[0][1]}-`);
  await server.set("v.bin", { ...file, breaks: [0, 0, 0] });
  const waiting = new AbortController();
  setTimeout(() => waiting.abort(new Error("not so long")), 100);
  const long = { patience: { ...net.patience, signal: waiting.signal }, token: null };
  await refused(() => open(reach(cache.store, { net: long })).size("v.bin"), "not so long");
});

test("a file that changes in the middle is brought anew", async () => {
  const file = { size: 2 * MB, seed: 7, etag: '"b"' };
  await server.set("w.bin", { ...file, etags: ['"a"', '"a"', '"b"'], breaks: [500_000] });
  await check(file);
  await server.set("w.bin", { ...file, etags: Array.from({ length: 20 }, (_, i) => `"${i}"`) });
  await refused(
    () => open().size("w.bin"),
    `Cannot load model: ${server.url}/w.bin must stay the same while it is read, got 3 versions`,
  );
  await server.seen();
});

test("a new version takes the old one's place", async () => {
  const old = { size: MB, etag: '"1"' }, young = { size: MB, seed: 3, etag: '"2"' };
  await server.set("w.bin", old);
  await check(old);
  await server.set("w.bin", young);
  await check(young);
  const { progress } = await check(young);
  assert.equal(progress, []);
  await server.seen();
});

test("a server without ranges sends a file once, and a broken one from the beginning", async () => {
  const file: Behaviour = { size: 2 * MB, etag: '"a"', ranges: false };
  await server.set("w.bin", file);
  await check(file);
  assert.is((await server.seen()).length, 1);
  assert.equal((await check(file)).progress, []);
  await server.set("w2.bin", { ...file, breaks: [500_000, 100] });
  await check(file, "w2.bin");
  assert.is((await server.seen()).filter((line) => line.includes("w2")).length, 3);
});

test("a server that says nothing of versions is read where it is, by range", async () => {
  const file = { size: 3 * MB };
  await server.set("w.bin", file);
  const { progress } = await check(file);
  assert.equal(progress, []);
  await server.set("w.bin", { ...file, ranges: false }); // nor serves ranges: by way of the cache, every time
  assert.is((await check(file)).progress.at(-1)![1], file.size);
  assert.is((await check(file)).progress.at(-1)![1], file.size);
  await server.seen();
});

test("what is not there, pages in a file's place, and servers in trouble", async () => {
  const source = open();
  assert.is(await source.has("none.json"), false);
  await refused(
    () => source.text("none.json"),
    `Cannot load model: ${server.url}/none.json must be a file of the model, got status 404`,
  );
  await server.set("page.bin", { size: 0, text: "<!doctype html><p>", headers: { "content-type": "text/html" } });
  await refused(
    () => source.size("page.bin"),
    `Cannot load model: ${server.url}/page.bin must be a file of the model, got an HTML page`,
  );
  const etag = '"x"';
  await server.set("m.gguf", { size: 0, text: "<!DOCTYPE html><p>", etag });
  await refused(
    () => source.size("m.gguf"),
    `Cannot load model: ${server.url}/m.gguf must be a file of weights, got an HTML page`,
  );
  await server.set("n.gguf", { size: 0, text: "version https://git-lfs.github.com/spec/v1\n", etag });
  await refused(
    () => source.size("n.gguf"),
    `Cannot load model: ${server.url}/n.gguf must be the file itself, got a Git LFS pointer to it`,
  );
  await server.set("o.gguf", { size: 0, text: "GGML....", etag });
  await refused(
    () => source.size("o.gguf"),
    `Cannot load model: ${server.url}/o.gguf must begin with GGUF, got "GGML"`,
  );
  await server.set("w.bin", { size: 10, etag, statuses: [503, 500, 429, 502] });
  await refused(
    () => source.size("w.bin"),
    `Cannot load model: ${server.url}/w.bin must answer with a file, got status 502`,
  );
  assert.is(await source.size("w.bin"), 10);
  await server.set("bad.bin", { size: 10, etag, statuses: [400] });
  await refused(
    () => source.size("bad.bin"),
    `Cannot load model: ${server.url}/bad.bin must answer with a file, got status 400`,
  );
  await server.set("empty.bin", { size: 0, etag });
  assert.is(await source.size("empty.bin"), 0);
  await server.set("t.json", { size: 0, text: '{"é": 1}', etag });
  assert.is(await source.text("t.json"), '{"é": 1}');
  await server.seen();
});

test("wrong lengths", async () => {
  const etag = '"x"', size = MB;
  await server.set("w.bin", { size, etag, headers: { "content-range": `bytes 0-0/${size + 5}` } });
  await refused(
    () => open().size("w.bin"),
    `Cannot load model: ${server.url}/w.bin must give bytes 0-${size + 4} of ${size + 5}, got bytes 0-0/${size + 5}`,
  );
  await server.set("w.bin", { size, etag });
  await check({ size });
  await server.seen();
});

test("two at once: one brings the file, the other waits and uses it", async () => {
  const file = { size: 2 * MB, etag: '"a"', slow: 20 };
  await server.set("w.bin", file);
  const [one, two] = await Promise.all([check(file), check(file)]);
  const seen = await server.seen();
  assert.is(seen.filter((line) => line === "GET w.bin bytes=0-").length, 1, seen.join("\n"));
  assert.is(seen.length, 3);
  const waiting = one.progress.length < two.progress.length ? one : two;
  assert.ok(waiting.progress.every(([, , total]) => total === null));
});

test("rubbish in the cache is never taken for a file", async () => {
  const file = { size: 400_000, etag: '"a"' };
  await server.set("w.bin", file);
  const version = versionOf(file.etag, file.size);
  for (
    const note of [
      "",
      "{",
      "[]",
      "null",
      '{"version":"../../x"}',
      JSON.stringify({ url: "", version, size: file.size, missing: null }),
    ]
  ) {
    await plant(note);
    await check(file);
  }
  await server.seen();

  /** Writes a note, or what is none, to every entry there is; and cuts what lies beside it. */
  async function plant(text: string) {
    if (!inBrowser) {
      for await (const { name } of Deno.readDir(cache.folder)) {
        const entry = `${cache.folder}/${name}`;
        await Deno.writeTextFile(`${entry}/note.json`, text);
        for await (const { name } of Deno.readDir(entry)) {
          if (name.includes("-")) await Deno.truncate(`${entry}/${name}`, 100);
        }
      }
      return;
    }
    const top = await (await navigator.storage.getDirectory()).getDirectoryHandle(cache.folder, { create: true });
    // deno-lint-ignore no-explicit-any
    for await (const entry of (top as any).values()) {
      const out = await (await entry.getFileHandle("note.json", { create: true })).createWritable();
      await out.write(text);
      await out.close();
      const file = await entry.getFileHandle(version);
      const half = await (await file.getFile()).slice(0, 1000).arrayBuffer();
      const cut = await file.createWritable();
      await cut.write(half);
      await cut.close();
    }
  }
});

if (inBrowser) {
  test("a model comes into the page's own storage, and from there the next time", async () => {
    const progress: string[] = [];
    const onDownload = (file: string, done: number, total: number | null) => progress.push(`${file} ${done} ${total}`);
    const where = repoPath("models/fable-2m").replace("/repo/", "/versioned/repo/");
    assert.is((await openModel(where, { onDownload })).config.layers, 5);
    assert.ok(progress.includes("model.safetensors 4727816 4727816"), progress.at(-1));
    progress.length = 0;
    assert.is((await openModel(where, { onDownload })).config.layers, 5);
    assert.equal(progress, []);
    assert.is((await openModel(where, { onDownload, cache: false })).config.layers, 5);
    assert.equal(progress, []);
    await (await navigator.storage.getDirectory()).removeEntry("kvcap", { recursive: true });
  });

  test("where the page has no storage, or it is full, models are read where they are", async () => {
    const file = { size: 300_000, etag: '"q"' };
    await server.set("w.bin", file);
    // A worker that does not start, as where a policy allows none, and one whose disk is full.
    const { Worker } = globalThis;
    const full = "{ name: 'QuotaExceededError', said: 'no room' }";
    const faults: [string, string[]][] = [
      ["throw new Error('no')", []], // the browser's own writer takes it
      [
        `postMessage("ready"); onmessage = ({ data }) => postMessage({ id: data.id, failure: ${full} })`,
        ["w.bin is read without the cache: the browser's storage must take it, got no room"],
      ],
    ];
    for (const [code, lines] of faults) {
      globalThis.Worker = class extends Worker {
        constructor() {
          super(URL.createObjectURL(new Blob([code])));
        }
      };
      await cache.remove();
      cache = await freshStore();
      const { told } = await check(file).finally(() => globalThis.Worker = Worker);
      assert.equal(told, lines);
    }
    await cache.remove();
    cache = await freshStore();
    await check(file);
    await server.seen();
  });
}

test.run();
