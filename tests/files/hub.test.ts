// The hub's layout of URLs from a server on this machine: names, commits, the token and where it goes.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { openAccess } from "../../src/files/access.ts";
import { cachedSource } from "../../src/files/cached.ts";
import { hubEndpoint, hubToken, hubUrl, isPinned } from "../../src/files/hub.ts";
import { openModel } from "../../src/model/open.ts";
import { refused } from "../support/refused.ts";
import { content, freshStore, reach, startWeights } from "../support/weights.ts";

const test = suite("hub");
const HUB = "https://huggingface.co";

test("names become URLs", () => {
  const cases: [string, string][] = [
    ["hf:a/b", "a/b/resolve/main"],
    ["hf:Qwen/Qwen2-0.5B/model.gguf", "Qwen/Qwen2-0.5B/resolve/main/model.gguf"],
    ["hf:a/b@v1.0/x/y.gguf", "a/b/resolve/v1.0/x/y.gguf"],
    ["hf:a/b@refs/pr/12/x.gguf", "a/b/resolve/refs%2Fpr%2F12/x.gguf"],
    ["HF:a/b/ä b.gguf", "a/b/resolve/main/%C3%A4%20b.gguf"],
  ];
  for (const [name, url] of cases) assert.is(hubUrl(name, HUB), `${HUB}/${url}`);
});

test("names that lead elsewhere are refused", async () => {
  const rule = "a model of the hub must be hf:owner/name[@revision][/file]";
  const names = [
    "hf:",
    "hf:a",
    "hf:../..",
    "hf:a/..",
    "hf:a/../b",
    "hf:/a/b",
    "hf:a/b@../c",
    "hf:a/b@",
    "hf:a/b/",
    "hf://a/b",
  ];
  for (const name of [...names, "hf:a?b/c", "hf:a/b@v/1..2/x?", "hf:a%2f/b", "hf:a b/c", "hf:a/b#c", "hf:a..b/c"]) {
    await refused(
      () => openModel(name),
      /^Cannot load model: (a model of the hub must be hf:owner|a file's name must stay)/,
    );
  }
  await refused(() => openModel("hf:../.."), `Cannot load model: ${rule}, got "hf:../.."`);
  for (const file of ["../x.gguf", "x/../../y.gguf", "x//y.gguf", "x\\y.gguf", "a?b.gguf", "http://x/y.gguf"]) {
    await refused(
      () => openModel(`hf:a/b/${file}`),
      `Cannot load model: a file's name must stay inside the model's folder, got ${JSON.stringify(file)}`,
    );
  }
});

test("endpoints and tokens that cannot be", async () => {
  assert.is(hubEndpoint(), HUB);
  assert.is(hubEndpoint("http://127.0.0.1:80/x/"), "http://127.0.0.1/x");
  for (const wrong of ["", "hub", "file:///x", "ftp://x", "https://x/?y", "https://u:p@x"]) {
    await refused(
      () => hubEndpoint(wrong),
      /^Cannot load model: the hub \(HF_ENDPOINT\) must be an http or https URL, got "[^@]*(…@x)?"$/,
      ["bad-option"],
      "hub",
    );
  }
  assert.is(hubToken(" hf_x\n"), "hf_x");
  assert.is(hubToken(""), null);
  await refused(
    () => hubToken("hf_secret\r\nx: y"),
    "Cannot load model: the hub's token (HF_TOKEN) must be one word of plain characters, got something else",
    ["bad-option"],
    "token",
  );
});

test("a file of a commit never changes, others may", () => {
  const commit = "0123456789abcdef0123456789abcdef01234567";
  assert.ok(isPinned(hubUrl(`hf:a/b@${commit}/c`, HUB), HUB));
  for (
    const url of [
      hubUrl("hf:a/b/c", HUB),
      hubUrl(`hf:a/b@${commit.slice(1)}/c`, HUB),
      `https://x.co/a/b/resolve/${commit}/c`,
    ]
  ) {
    assert.not(isPinned(url, HUB));
  }
});

test("the token goes to the hub alone, and nowhere that it redirects to", async () => {
  const [hub, store] = [await startWeights(), await startWeights()];
  const cache = await freshStore();
  const file = { size: 1000, etag: '"x"' };
  await store.set("blob", file);
  await hub.set("a/b/resolve/main/w.bin", { size: 0, redirect: `${store.url}/blob` });
  await hub.set("here/w.bin", file);
  const token = { origin: new URL(hub.url).origin, value: "hf_secret" };
  const access = reach(cache.store, { hub: hub.url });
  const withToken = { ...access, net: { ...access.net, token } };
  const read = async (url: string) =>
    assert.equal(await cachedSource(new URL(url), url, withToken, cache.store).read("w.bin", 0, 1000), content(file));
  await read(hubUrl("hf:a/b", hub.url));
  await read(`${hub.url}/here`);
  await store.set("w.bin", file);
  await read(store.url);
  assert.ok((await hub.seen()).every((line) => line.endsWith(" token")));
  const elsewhere = await store.seen();
  assert.ok(elsewhere.length >= 3 && elsewhere.every((line) => !line.endsWith(" token")), elsewhere.join("\n"));
  await refused(
    () => cachedSource(new URL(`${hub.url}/none`), "none", withToken, cache.store).size("w.bin"),
    `Cannot load model: ${hub.url}/none/w.bin must be a file of the model, got status 404`,
    ["unreadable"],
  );
  for (const name of await listed(cache.folder)) assert.not.match(await Deno.readTextFile(name), "hf_secret");
  await Promise.all([hub.stop(), store.stop(), cache.remove()]);
});

async function listed(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    found.push(...isDirectory ? await listed(`${folder}/${name}`) : [`${folder}/${name}`]);
  }
  return found;
}

test("a redirect to a file of this machine, or in a circle, leads nowhere", async () => {
  const hub = await startWeights();
  const cache = await freshStore();
  for (const redirect of ["file:///etc/hostname", "data:,x", `${hub.url}/w.bin`]) {
    await hub.set("w.bin", { size: 0, redirect });
    await refused(
      () => cachedSource(new URL(hub.url), "x", reach(cache.store), cache.store).size("w.bin"),
      /^Cannot load model: http:\S+\/w.bin must be reachable, got [^\n]+$/,
      ["unreachable"],
    );
  }
  await Promise.all([hub.stop(), cache.remove()]);
});

test("a commit in the cache is used without a request; others without the network, what was not there included", async () => {
  const commit = "0123456789abcdef0123456789abcdef01234567";
  const hub = await startWeights();
  const cache = await freshStore();
  const file = { size: 1000, etag: '"x"' };
  const open = (where: string) => {
    const url = hubUrl(where, hub.url);
    return cachedSource(new URL(url), url, reach(cache.store, { hub: hub.url }), cache.store);
  };
  const check = async (where: string) => {
    const source = open(where);
    assert.equal(await source.read("w.bin", 0, 1000), content(file));
    assert.equal([await source.has("w.bin"), await source.has("none.json")], [true, false]);
  };
  await hub.set(`a/b/resolve/${commit}/w.bin`, file);
  await hub.set("a/b/resolve/main/w.bin", file);
  await check(`hf:a/b@${commit}`);
  await check("hf:a/b");
  await hub.seen();
  await check(`hf:a/b@${commit}`);
  assert.equal(await hub.seen(), []);
  await check("hf:a/b");
  assert.is((await hub.seen()).length, 2);
  await hub.set("a/b/resolve/main/w.bin", { ...file, statuses: [503, 503] });
  await check("hf:a/b");
  await hub.set("a/b/resolve/main/w.bin", { size: 0, text: "<html>", headers: { "content-type": "text/html" } });
  await check("hf:a/b");
  await hub.set("a/b/resolve/main/w.bin", { ...file, statuses: [401] });
  await refused(() => check("hf:a/b"), /must be a file of the model, got status 401$/);
  await hub.stop();
  await check(`hf:a/b@${commit}`);
  await check("hf:a/b");
  await refused(() => open("hf:a/b").size("other.bin"), /\/other.bin must be reachable, got /);
  await cache.remove();
});

test("the environment and options say where the hub is", () => {
  const names = ["HF_ENDPOINT", "HF_TOKEN", "KVCAP_CACHE"];
  const before = names.map((name) => [name, Deno.env.get(name)] as const);
  try {
    Deno.env.set("HF_ENDPOINT", "http://127.0.0.1:9/mirror/");
    Deno.env.set("HF_TOKEN", "hf_x");
    Deno.env.set("KVCAP_CACHE", "/tmp/kvcap-x");
    const access = openAccess({});
    assert.is(access.hub, "http://127.0.0.1:9/mirror");
    assert.equal(access.net.token, { origin: "http://127.0.0.1:9", value: "hf_x" });
    assert.is(access.store!.name, "/tmp/kvcap-x");
    const other = openAccess({ hub: HUB, token: "hf_y", cache: false });
    assert.equal([other.hub, other.net.token!.value, other.store], [HUB, "hf_y", null]);
  } finally {
    for (const [name, value] of before) value === undefined ? Deno.env.delete(name) : Deno.env.set(name, value);
  }
});
test.run();
