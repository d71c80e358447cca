// The cache folder: where it is, a disk that is full, folders that are not to be written to, two processes at once.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { cachedSource } from "../../src/files/cached.ts";
import { openAccess } from "../../src/files/access.ts";
import { cacheFolder, folderStore } from "../../src/files/cache/folder.ts";
import { locked } from "../../src/files/cache/lock.ts";
import { type Store, Unstorable } from "../../src/files/cache/store.ts";
import { host } from "../../src/host/here.ts";
import type { Host } from "../../src/host/host.ts";
import { repoPath } from "../support/files.ts";
import { refused } from "../support/refused.ts";
import { content, freshStore, reach, sameBytes, type Server, smallDisk, startWeights } from "../support/weights.ts";

const test = suite("cache folder");
let server: Server;
let cache: Awaited<ReturnType<typeof freshStore>>;
test.before(async () => void (server = await startWeights()));
test.after(() => server.stop());
test.before.each(async () => void (cache = await freshStore()));
test.after.each(() => cache.remove());

const file = { size: 500_000, etag: '"a"' };

/** Reads the file by way of a store. @returns what the access was told */
async function read(store: Store): Promise<string[]> {
  const access = reach(store);
  const source = cachedSource(new URL(server.url), server.url, access, store);
  sameBytes(await source.read("w.bin", 0, file.size), content(file));
  return access.told;
}

test("its place on every system", () => {
  const names = ["KVCAP_CACHE", "XDG_CACHE_HOME", "HOME", "LOCALAPPDATA"];
  const before = names.map((name) => [name, Deno.env.get(name)] as const);
  try {
    names.forEach((name) => Deno.env.delete(name));
    for (const os of ["linux", "darwin", "windows"]) assert.is(cacheFolder(os), null);
    Deno.env.set("HOME", "/home/me");
    Deno.env.set("LOCALAPPDATA", "C:\\Local");
    const places = ["/home/me/.cache/kvcap", "/home/me/Library/Caches/kvcap", "C:\\Local\\kvcap"];
    assert.equal(["linux", "darwin", "windows"].map(cacheFolder), places);
    Deno.env.set("XDG_CACHE_HOME", "/xdg");
    assert.is(cacheFolder("linux"), "/xdg/kvcap");
    Deno.env.set("KVCAP_CACHE", "/own");
    assert.is(cacheFolder("darwin"), "/own");
  } finally {
    for (const [name, value] of before) value === undefined ? Deno.env.delete(name) : Deno.env.set(name, value);
  }
});

test("a full disk: the file is read where it is, with a warning, and what was written is removed", async () => {
  await server.set("w.bin", file);
  const told = await read(folderStore(smallDisk(200_000), cache.folder));
  assert.equal(told, [
    `w.bin is read without the cache: ${cache.folder} must take it, got No space left on device (os error 28)`,
  ]);
  for await (const { name } of Deno.readDir(cache.folder)) {
    for await (const { name: left } of Deno.readDir(`${cache.folder}/${name}`)) assert.is(left, "lock");
  }
  const full = folderStore(smallDisk(200_000), cache.folder);
  const access = reach(full, { onDamage: () => {} });
  await refused(
    () => cachedSource(new URL(server.url), server.url, access, full).size("w.bin"),
    `Cannot load model: ${cache.folder} must take w.bin, got No space left on device (os error 28)`,
  );
  assert.equal(await read(cache.store), []);
});

test("a cache that cannot be written to is used as it is", async () => {
  await server.set("w.bin", file);
  const nowhere = `${cache.folder}/file`;
  await Deno.writeTextFile(nowhere, "");
  const [told] = await read(folderStore(host!, nowhere));
  assert.match(told, /^w.bin is read without the cache: \S+\/file must take it, got .+$/);
  await read(cache.store);
  await server.seen();
  const denied = () => Promise.reject(new Error("Read-only file system (os error 30)"));
  const { stat, readTextFile, readDir, errors } = host!;
  const readOnly = { stat, readTextFile, readDir, errors, open: host!.open, mkdir: denied } as unknown as Host;
  assert.equal(await read(folderStore(readOnly, cache.folder)), []);
  assert.equal(await server.seen(), []);
});

test("folders where files should be", async () => {
  await server.set("w.bin", file);
  await read(cache.store);
  for await (const { name } of Deno.readDir(cache.folder)) {
    for await (const { name: inner, isFile } of Deno.readDir(`${cache.folder}/${name}`)) {
      if (!isFile) continue;
      await Deno.remove(`${cache.folder}/${name}/${inner}`);
      await Deno.mkdir(`${cache.folder}/${name}/${inner}/x`, { recursive: true });
    }
  }
  const [told] = await read(cache.store);
  assert.match(told, /^w.bin is read without the cache: /);
});

test("a writer that does not get on is not waited for", async () => {
  const entry = cache.store.entry("k", "w.bin");
  const release = (await entry.tryLock())!;
  await refused(
    () => locked(entry, { stall: 300 }, () => {}, () => Promise.resolve()),
    /^another program that has been writing there for \d+ s to no effect$/,
  );
  release();
  assert.is(await locked(entry, { stall: 300 }, () => {}, () => Promise.resolve(5)), 5);
});

test("who loads hears once that files are not kept, not of every file", () => {
  const heard: string[] = [];
  const access = openAccess({ cache: false, onWarning: (line) => heard.push(line) });
  for (const file of ["a", "b"]) access.warn(`${file} is too large`, "full");
  access.warn("gone", "broken");
  assert.equal(heard, ["a is too large", "gone"]);
});

test("two processes bring a model at once, a third is killed in the middle: the file is whole, and came once", async () => {
  const big = { size: 6_000_000, etag: '"a"', slow: 10 };
  await server.set("w.bin", big);
  const program = `
    import { cachedSource } from ${JSON.stringify(`file://${repoPath("src/files/cached.ts")}`)};
    import { openAccess } from ${JSON.stringify(`file://${repoPath("src/files/access.ts")}`)};
    const [url] = Deno.args;
    const access = openAccess({ onDownload: (_, done) => console.log(done) });
    const source = cachedSource(new URL(url), url, access, access.store!);
    const bytes = await source.read("w.bin", 0, await source.size("w.bin"));
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    console.log("hash " + hash.join(","));`;
  const script = `${cache.folder}/program.ts`;
  await Deno.writeTextFile(script, program);
  const start = () =>
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", "--no-check", "--config", repoPath("deno.json"), script, server.url],
      env: { KVCAP_CACHE: `${cache.folder}/cache` },
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
  const victim = start();
  const reader = victim.stdout.getReader();
  let seen = "";
  while (!/^[1-9]\d{5,}$/m.test(seen)) {
    const { done, value } = await reader.read();
    assert.not(done, `the program ended early: ${seen}`);
    seen += new TextDecoder().decode(value);
  }
  victim.kill("SIGKILL");
  await victim.status;
  await reader.cancel();
  await server.seen();
  const texts = await Promise.all([start(), start()].map(async (child) => {
    const { stdout, success } = await child.output();
    assert.ok(success);
    return new TextDecoder().decode(stdout);
  }));
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", content(big)));
  for (const text of texts) assert.is(text.trimEnd().split("\n").at(-1), `hash ${hash.join(",")}`);
  const asked = (await server.seen()).filter((line) => !line.endsWith("0-0"));
  assert.is(asked.length, 1, asked.join("\n"));
  assert.match(asked[0], /bytes=[1-9]\d*-$/, "goes on where the killed one was");
});
test("says whether it is full, by what the system's error is and not by its words", () => {
  const causes: [unknown, "full" | "broken"][] = [
    [new DOMException("x", "QuotaExceededError"), "full"],
    [Object.assign(new Error("x"), { code: "ENOSPC" }), "full"],
    [Object.assign(new Error("no space left"), { code: "EACCES" }), "broken"],
    [undefined, "broken"],
  ];
  for (const [cause, why] of causes) assert.is(new Unstorable("x", cause).why, why);
});
test.run();
