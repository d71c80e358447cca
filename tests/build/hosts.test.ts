// The package in Node and Bun: a folder, a URL by way of the cache, threads, and what is refused there.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { listGolden, readJson, readText, repoPath } from "../support/files.ts";
import { Installed } from "../support/installed.ts";
import { startServer } from "../support/server.ts";

const installed = await Installed.make();
const server = startServer(new Map(), repoPath("models"));
const { json } = (await listGolden("hf")).find(({ name }) => name === "fable-2m")!;
const { cases } = await readJson<{ cases: { ids: number[]; greedy: number[] }[] }>(json);

/** A user's program: what the model writes behind each prompt, from a folder and from a URL, on so many threads. */
await installed.write(
  "greedy.mjs",
  `import { load } from "kvcap";
const [url, ...prompts] = ${JSON.stringify([`${server.url}fable-2m`, ...cases.map(({ ids }) => ids)])};
const said = [];
for (const where of ["node_modules/kvcap/models/fable-2m", new URL("node_modules/kvcap/models/fable-2m", import.meta.url), url]) {
  for (const threads of [1, 2]) {
    const model = await load(where, { threads });
    const written = [];
    for (const prompt of prompts) {
      const session = model.session({ policy: "full", kv: "f32" });
      for await (const _ of session.generate(prompt, { maxNewTokens: 40, banned: model.config.eosIds }));
      written.push([...session.report().ids]);
    }
    said.push({ device: model.device.name, adapter: model.adapter, written });
    if (threads === 1) model.dispose(); // a program must end without it, too
  }
}
console.log(JSON.stringify(said));
`,
);

const readme = await readText(repoPath("README.md"));
await installed.write("story.mjs", /<!-- example: deno -->\s*\n```ts\n([^]*?)\n```/.exec(readme)![1]);

/** Another, which prints each sentence that it is refused with. */
await installed.write(
  "refused.mjs",
  `import { load } from "kvcap";
for (const [where, options] of [["no/such"], ["node_modules/kvcap/models/fable-2m", { device: "webgpu" }], ["${server.url}none"]]) {
  await load(where, options).then(() => console.log("loaded"), (error) => console.log(error.message));
}
`,
);

/** A third, which takes the lock of a cache's entry that a process has left which is no more, and waits for one that is there. */
await installed.write(
  "locked.mjs",
  `import { load } from "kvcap";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
const cache = process.env.KVCAP_CACHE;
const url = "${server.url}fable-2m";
(await load(url)).dispose(); // makes the entries
const locks = readdirSync(cache).map((key) => \`\${cache}/\${key}/lock.pid\`);
for (const lock of locks) writeFileSync(lock, "999999999");
(await load(url)).dispose();
const left = readdirSync(cache).filter((key) => readdirSync(\`\${cache}/\${key}\`).includes("lock.pid")).length;
for (const lock of locks) writeFileSync(lock, String(process.ppid));
let loaded = false;
const waiting = load(url).then((model) => (model.dispose(), loaded = true));
await new Promise((resolve) => setTimeout(resolve, 500));
console.log(left, loaded, readFileSync(locks[0], "utf8") === String(process.ppid));
process.exit();
`,
);

for (const [name, program] of [["Node", "node"], ["Bun", Deno.env.get("KVCAP_BUN")]] as const) {
  const test = suite(`package in ${name}`);
  const run = program ? test : test.skip;
  const caches = `${installed.folder}/caches`;
  const inHost = async (file: string) => {
    await Deno.mkdir(caches, { recursive: true });
    const cache = await Deno.makeTempDir({ dir: caches });
    const out = await installed.run("env", `KVCAP_CACHE=${cache}`, program!, file);
    return { out, entries: [...Deno.readDirSync(cache)].length };
  };

  run("writes the recorded ids, from a folder and a URL, with one thread and two", async () => {
    const { out, entries } = await inHost("greedy.mjs");
    const said = JSON.parse(out) as { device: string; adapter: string; written: number[][] }[];
    assert.is(said.length, 3 * 2);
    for (const [i, { device, adapter, written }] of said.entries()) {
      assert.is(device, "wasm");
      assert.match(adapter, i % 2 === 0 ? /1 thread\)/ : /2 threads\)/);
      assert.equal(written, cases.map(({ greedy }) => greedy));
    }
    assert.ok(entries > 3, "what came over the network is kept");
  });

  run("runs the example of README as it stands", async () => {
    const { out } = await inHost("story.mjs");
    assert.ok(out.match(/[a-z]{2,}/gi)!.length >= 100, out);
    assert.match(out, /liveSlots: 128/);
  });

  run("says what its host can do", async () => {
    const lines = (await inHost("refused.mjs")).out.trim().split("\n");
    assert.is(lines.length, 3);
    assert.is(lines[0], "Cannot load model: no/such must be a folder or a .gguf file, got nothing there");
    assert.is(
      lines[1],
      `Cannot open the GPU: WebGPU must offer an adapter, got none (${name} has no WebGPU; the device wasm needs none)`,
    );
    assert.match(lines[2], /^Cannot load model: .* 404/);
  });

  run("takes a lock that nobody holds any more, and no other", async () => {
    assert.is((await inHost("locked.mjs")).out, "0 false true\n");
  });
  test.run();
}

const last = suite("package in other hosts: end");
last("the folder goes", async () => {
  await server.stop();
  await installed.remove();
});
last.run();
