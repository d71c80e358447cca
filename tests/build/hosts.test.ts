// The package in Node and Bun: a folder, a URL by way of the cache, threads, and what is refused there; and evaluation, to the last bit
// the same in every host. The quick run takes one of the two, drawn anew every day.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Measurement } from "../../src/eval/results.ts";
import { launchChromium } from "../support/browser.ts";
import { chosen } from "../support/depth.ts";
import { kvcap } from "../support/command.ts";
import { listGolden, readJson, readText, repoPath } from "../support/files.ts";
import { HOSTS } from "../support/hosts.ts";
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
const path = "node_modules/kvcap/models/fable-2m";
for (const [where, threads] of [[path, 1], [new URL(path, import.meta.url), 2], [url, 1], [url, 2]]) {
  const model = await load(where, { threads });
  const written = [];
  for (const prompt of prompts) {
    const session = model.session({ policy: "full", kv: "f32" });
    for await (const _ of session.generate(prompt, { maxNewTokens: 40, temperature: 0, banned: model.config.eosIds }));
    written.push([...session.report().ids]);
  }
  said.push({ device: model.device.name, adapter: model.adapter, written });
  if (threads === 1) model.dispose(); // a program must end without it, too
}
console.log(JSON.stringify(said));
`,
);

/** What a plan finds, without what says where: numbers as they are written are the same to the last bit. */
const evaluated = `export async function found(load, evaluate, where) {
  const model = await load(where, { device: "wasm" });
  const plan = { tasks: ["passkey", "perplexity"], policies: ["roco", "crest"], budgets: "25%", documents: 2, length: 256 };
  const results = [];
  for await (const { versions, ...result } of evaluate(plan, { models: { "fable-2m": model } })) results.push(result);
  model.dispose();
  return JSON.stringify(results);
}
`;
await installed.write("found.js", evaluated);
await installed.write(
  "evaluate.mjs",
  `import { load } from "kvcap";
import { evaluate } from "kvcap/eval";
import { found } from "./found.js";
console.log(await found(load, evaluate, "node_modules/kvcap/models/fable-2m"));
`,
);
const built = "/node_modules/kvcap/build/out";
const inPage = `import { load } from "${built}/kvcap.js";
import { evaluate } from "${built}/eval.js";
import { found } from "/found.js";
found(load, evaluate, "/node_modules/kvcap/models/fable-2m").then(console.log, (error) => console.log(error.stack));`;
/** What Deno finds, which every other host must. */
const inDeno = installed.run(Deno.execPath(), "run", "--quiet", "--no-prompt", "--allow-read", "evaluate.mjs");

await installed.write(
  "version.mjs",
  "console.log(process.version, Object.keys(globalThis).includes('Bun') ? 'Bun' : '');",
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

for (const [called, program] of chosen(HOSTS, () => "any")) {
  const [name, version] = called.split(" ");
  const test = suite(`package in ${called}`);
  const run = program ? test : test.skip;
  const caches = `${installed.folder}/caches`;
  const inHost = async (file: string) => {
    await Deno.mkdir(caches, { recursive: true });
    const cache = await Deno.makeTempDir({ dir: caches });
    const out = await installed.run("env", `KVCAP_CACHE=${cache}`, program!, file);
    return { out, entries: [...Deno.readDirSync(cache)].length };
  };

  run("is the host that is meant", async () => {
    const { out } = await inHost("version.mjs");
    if (version) assert.is(out.split(".")[0], `v${version}`);
    assert.is(out.includes("Bun"), name === "Bun");
  });

  run("writes the recorded ids, from a folder and a URL, with one thread and two", async () => {
    const { out, entries } = await inHost("greedy.mjs");
    const said = JSON.parse(out) as { device: string; adapter: string; written: number[][] }[];
    assert.equal(said.map(({ adapter }) => /(\d) threads?\)/.exec(adapter)?.[1]), ["1", "2", "1", "2"]);
    for (const { device, written } of said) {
      assert.is(device, "wasm");
      assert.equal(written, cases.map(({ greedy }) => greedy));
    }
    assert.ok(entries > 3, "what came over the network is kept");
  });

  run("runs the example of README as it stands", async () => {
    const { out } = await inHost("story.mjs");
    assert.ok(out.match(/[a-z]{2,}/gi)!.length >= 100, out);
    assert.match(out, /liveSlots: 128/);
  });

  run("measures the numbers that Deno does, to the last bit", async () => {
    assert.is((await inHost("evaluate.mjs")).out, await inDeno);
  });

  run("says what its host can do", async () => {
    const lines = (await inHost("refused.mjs")).out.trim().split("\n");
    assert.is(lines.length, 3);
    assert.is(lines[0], "Cannot load model: no/such must be a folder or a .gguf file, got nothing there");
    assert.is(
      lines[1],
      `Cannot open the GPU: WebGPU must offer an adapter, got none (${name} has one with the package webgpu and a driver; the device wasm needs none)`,
    );
    assert.match(lines[2], /^Cannot load model: .* 404/);
  });

  run("takes a lock that nobody holds any more, and no other", async () => {
    assert.is((await inHost("locked.mjs")).out, "0 false true\n");
  });
  test.run();
}

const page = suite("package in a page");
(Deno.env.get("KVCAP_CHROMIUM") ? page : page.skip)(
  "measures the numbers that Deno does, to the last bit",
  async () => {
    const server = startServer(new Map([["/", `<!doctype html><link rel="icon" href="data:,">`]]), installed.folder);
    const browser = (await launchChromium())!;
    try {
      const tab = await browser.newPage();
      const printed = new Promise<string>((resolve, reject) => {
        tab.on("console", (message) => {
          if (message.type() === "log") resolve(message.text());
          else if (message.type() === "error" && !/404/.test(message.text())) reject(new Error(message.text()));
        });
        tab.on("pageerror", reject);
      });
      await tab.goto(server.url);
      await tab.addScriptTag({ type: "module", content: inPage });
      assert.is(await printed, (await inDeno).trim());
    } finally {
      await browser.close();
      await server.stop();
    }
  },
);
page("what Deno measures is what the command eval does", async () => {
  const found = JSON.parse(await inDeno) as Measurement[];
  assert.is(found.length, 2 * 2);
  const args = ["--tasks", "passkey,perplexity", "--policies", "roco,crest", "--budgets", "25%", "--documents", "2"];
  const { stdout, stderr } = await kvcap([
    "eval",
    ...args,
    "--length",
    "256",
    "--no-times",
    "--json",
    "--device",
    "wasm",
  ]);
  const told = stdout.trim().split("\n").map((line): Measurement => JSON.parse(line));
  const numbers = ({ metrics, cost, documents }: Measurement) => ({ metrics, cost, documents });
  assert.equal(told.map(numbers), found.map(numbers), stderr);
  assert.ok(found.every(({ documents }) => documents.length === 2));
});
page.run();

const last = suite("package in other hosts: end");
last("the folder goes", async () => {
  await server.stop();
  await installed.remove();
});
last.run();
