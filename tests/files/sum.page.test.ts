// The cache's own sums: of what comes, of what was there before, and what becomes of files that are not what they were.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { cachedSource } from "../../src/files/cached.ts";
import { digest, hex } from "../../src/engine/sha256.ts";
import type { Note } from "../../src/files/cache/store.ts";
import { summed } from "../../src/files/cache/sum.ts";
import type { Source } from "../../src/files/source.ts";
import { parsed, readJson } from "../../src/files/whole.ts";
import { openGguf } from "../../src/formats/gguf/file.ts";
import { openWeights } from "../../src/formats/safetensors.ts";
import { folderTemplates } from "../../src/model/templates.ts";
import { inBrowser } from "../support/files.ts";
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
const test = suite("sums of the cache");
let server: Server;
let cache: Awaited<ReturnType<typeof freshStore>>;
test.before(async () => void (server = await startWeights()));
test.after(() => server.stop());
test.before.each(async () => void (cache = await freshStore()));
test.after.each(() => cache.remove());

const access = (more = {}) => reach(cache.store, { hub: server.url, ...more });
const open = (path = "", reached = access()) =>
  cachedSource(new URL(`${server.url}${path}`), server.url, reached, cache.store);
const entryOf = (path: string) => cache.store.entry(digest(`${server.url}/${path}`), path.split("/").at(-1)!);
const noteOf = async (path: string) => (await entryOf(path).held())?.note;
const sumOf = async (file: Behaviour) => hex(new Uint8Array(await crypto.subtle.digest("SHA-256", content(file))));

/** Puts other bytes in a kept file's place. @param note what is to stand beside it, besides what does */
async function damage(path: string, bytes: Uint8Array<ArrayBuffer>, note: Partial<Note> = {}) {
  const before = (await noteOf(path))!;
  const part = await entryOf(path).part(before.version);
  await part.write(bytes);
  await part.finish({ ...before, ...note });
}

async function whole(name: string, file: Behaviour, source = open()) {
  sameBytes(await source.read(name, 0, await source.size(name)), content(file));
}

test("stand beside every file, however it came", async () => {
  const file: Behaviour = { size: 2 * MB + 3, etag: '"a"' };
  const ways: Record<string, Partial<Behaviour>> = {
    "at-once": {},
    "in-pieces": { breaks: [700_000, 500_000] },
    "from-the-beginning-again": { breaks: [700_000], ranges: false },
    "over-two-runs": { breaks: [900_000, 0, 0, 0] },
  };
  for (const [name, way] of Object.entries(ways)) {
    await server.set(name, { ...file, ...way });
    if (name === "over-two-runs") await open().size(name).catch(() => {});
    await whole(name, file);
    assert.is((await noteOf(name))?.sha256, await sumOf(file), name);
  }
  assert.is(await open().has("none"), false);
  assert.is((await noteOf("none"))?.sha256, null);
  await server.seen();
});

test("are of all bytes, where a part ends in a block or at its end", async () => {
  const release = (await cache.store.entry("k", "w").tryLock())!;
  for (const size of [1, 55, 56, 63, 64, 65, 119, 4 * MB, 4 * MB + 1]) {
    const part = await summed(await cache.store.entry("k", "w").part("0".repeat(16)));
    const bytes = content({ size, seed: 5 });
    for (let at = 0; at < size; at += 100_000) await part.write(bytes.slice(at, at + 100_000));
    assert.is(part.sum(), await sumOf({ size, seed: 5 }), `${size}`);
    await part.close();
    const again = await summed(await cache.store.entry("k", "w").part("0".repeat(16)));
    assert.is(again.size, size);
    assert.is(again.sum(), await sumOf({ size, seed: 5 }), `${size}, from what is there`);
    await again.discard();
  }
  release();
});

test("are what the hub says, or the file is refused", async () => {
  const file: Behaviour = { size: MB, etag: '"a"' };
  const linked = { "x-linked-etag": `"${await sumOf(file)}"` };
  const ways = [{ ...file, headers: linked }];
  if (!inBrowser) { // a page is not shown what stands in a redirect
    await server.set("store", file);
    ways.push({ ...file, headers: linked, redirect: `${server.url}/store` } as typeof ways[0]);
  }
  for (const way of ways) {
    await server.set("o/n/resolve/main/w.bin", way);
    await whole("w.bin", file, open("/o/n/resolve/main"));
    await entryOf("o/n/resolve/main/w.bin").drop();
    const wrong = "5".repeat(64);
    await server.set("o/n/resolve/main/w.bin", { ...way, headers: { "x-linked-etag": wrong } });
    await refused(
      () => open("/o/n/resolve/main").size("w.bin"),
      `Cannot load model: the SHA-256 of w.bin must be ${wrong}, got ${await sumOf(file)}`,
    );
    assert.not(await noteOf("o/n/resolve/main/w.bin"));
    assert.is(await entryOf("o/n/resolve/main/w.bin").partial(), 0);
  }
  await server.seen();
});

test("a partial file that goes on to another sum begins anew", async () => {
  const file: Behaviour = { size: 2 * MB, etag: '"a"' };
  const path = "o/n/resolve/main/w.bin";
  await server.set(path, { ...file, headers: { "x-linked-etag": `"${await sumOf(file)}"` } });
  await whole("w.bin", file, open("/o/n/resolve/main"));
  const { version } = (await noteOf(path))!;
  await entryOf(path).drop();
  const part = await entryOf(path).part(version);
  await part.write(content({ size: MB, seed: 9 }));
  await part.close();
  await server.seen();
  await whole("w.bin", file, open("/o/n/resolve/main"));
  const asked = (await server.seen()).filter((line) => line.startsWith("GET"));
  assert.equal(asked, ["0-0", `${MB}-`, "0-"].map((range) => `GET ${path} bytes=${range}`));
  assert.is((await noteOf(path))?.sha256, await sumOf(file));
});

/** Files that have a form, and who reads them. */
const FORMS: [name: string, text: string, read: (source: Source) => Promise<unknown>][] = [
  ["config.json", '{"a": 1}', (source) => readJson(source, "config.json")],
  ["model.safetensors", "\x02\0\0\0\0\0\0\0{}", openWeights],
  ["m.gguf", `GGUF\x03\0\0\0${"\0".repeat(16)}`, (source) => openGguf(source, "m.gguf")],
  ["chat_template.jinja", "é".repeat(5), (source) => folderTemplates(source, {}, [])],
];

test("a file that has lost its form is brought once more", async () => {
  for (const [name, text, read] of FORMS) {
    const file: Behaviour = { size: 0, text, etag: '"a"' };
    await server.set(name, file);
    await read(open());
    const { length } = content(file);
    await damage(name, new Uint8Array(length).fill(0xff));
    await server.seen();
    await read(open());
    assert.equal((await server.seen()).filter((line) => line.endsWith("bytes=0-")), [`GET ${name} bytes=0-`]);
    await read(open());
    assert.equal((await server.seen()).filter((line) => line.endsWith("bytes=0-")), [], "it is right from now on");
    await entryOf(name).drop();
  }
});

test("once, not for ever; and it stays where nobody answers", async () => {
  const sentence = /^Cannot load model: config.json must be JSON, got .+$/;
  await server.set("config.json", { size: 0, text: "{bad", etag: '"a"' });
  const source = open();
  await refused(() => readJson(source, "config.json"), sentence);
  assert.is((await server.seen()).filter((line) => line.endsWith("bytes=0-")).length, 1, "it has just come");
  const next = open();
  await refused(() => readJson(next, "config.json"), sentence);
  await refused(() => readJson(next, "config.json"), sentence);
  assert.is((await server.seen()).filter((line) => line.endsWith("bytes=0-")).length, 1);
  await server.set("config.json", { size: 0, text: "{bad", etag: '"a"', statuses: Array(9).fill(503) });
  await refused(() => readJson(open(), "config.json"), sentence);
  assert.ok((await entryOf("config.json").held())?.file);
  await server.seen();
});

test("what a listener throws comes through", async () => {
  await server.set("config.json", { size: 0, text: "{bad", etag: '"a"' });
  await open().text("config.json");
  const fault = new Error("enough");
  const onDownload = () => {
    throw fault;
  };
  assert.is(await readJson(open("", access({ onDownload })), "config.json").catch((error) => error), fault);
  await server.seen();
});

test("where files are to be checked, a damaged one is said and mended, a commit's too", async () => {
  const file: Behaviour = { size: MB, etag: '"a"' };
  const commit = "c".repeat(40);
  for (const folder of ["", `o/n/resolve/${commit}/`]) {
    const path = `${folder}w.bin`;
    await server.set(path, file);
    const check = async () => {
      const damaged: string[] = [];
      const onDamage = (name: string) => damaged.push(name);
      await whole("w.bin", file, open(`/${folder}`, access({ onDamage })));
      return damaged;
    };
    assert.equal(await check(), []);
    await damage(path, content({ ...file, seed: 1 }));
    assert.equal(await check(), ["w.bin"]);
    assert.equal(await check(), []);
    await damage(path, content(file), { sha256: null });
    await server.seen();
    assert.equal(await check(), [], "one of an earlier version is used");
    assert.is((await noteOf(path))?.sha256, await sumOf(file), "and has a sum from now on");
    assert.not.ok((await server.seen()).some((line) => line.endsWith("bytes=0-")));
  }
});

test("a file of an earlier version is checked by what the hub says", async () => {
  const file: Behaviour = { size: MB, etag: '"a"' };
  const path = "o/n/resolve/main/w.bin";
  await server.set(path, { ...file, headers: { "x-linked-etag": `"${await sumOf(file)}"` } });
  await whole("w.bin", file, open("/o/n/resolve/main"));
  await damage(path, content({ ...file, seed: 1 }), { sha256: null });
  const damaged: string[] = [];
  const onDamage = (name: string) => damaged.push(name);
  await whole("w.bin", file, open("/o/n/resolve/main", access({ onDamage })));
  assert.equal(damaged, ["w.bin"]);
  await server.seen();
});

test("where all must be kept, what cannot be is refused", async () => {
  await server.set("w.bin", { size: MB });
  await refused(
    () => open("", access({ onDamage: () => {} })).size("w.bin"),
    `Cannot load model: ${server.url}/w.bin must have an ETag or Last-Modified to be kept, got neither`,
  );
  await server.seen();
});

test("no other failure asks for a file again", async () => {
  await server.set("config.json", { size: 0, text: "{}", etag: '"a"' });
  await open().text("config.json");
  await server.seen();
  const fault = new Error("mine");
  assert.is(
    await parsed(open(), "config.json", () => Promise.reject(fault)).catch((error) => error),
    fault,
  );
  assert.equal(await server.seen(), []);
});
test.run();
