// The package as its users get it: packed, installed into an empty folder, and the examples of README,
// docs/library.md and docs/evaluation.md run as pasted. An example is a fence right after `<!-- example: deno -->` (```ts) or `<!-- example: page -->` (```html, or
// ```ts for a bundler); it runs where package.json and node_modules/kvcap are, and prints what it generates: to the
// console in Deno, into the page or to its console in a page.
import * as esbuild from "esbuild";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { launchChromium, PATIENCE } from "../support/browser.ts";
import { testDevice } from "../support/device.ts";
import { readText, repoPath } from "../support/files.ts";
import { Installed } from "../support/installed.ts";
import { startServer } from "../support/server.ts";

interface Example {
  where: string; // "deno" or "page"
  language: string; // "ts" or "html"
  code: string;
}

const fence = /<!-- example: (deno|page) -->\s*\n```(ts|html)\n([\s\S]*?)\n```/g;
const pages = await Promise.all(
  ["README.md", "docs/library.md", "docs/evaluation.md"].map((page) => readText(repoPath(page))),
);
const examples = [...pages.join("\n").matchAll(fence)]
  .map(([, where, language, code]): Example => ({ where, language, code }));

const installed = await Installed.make();
const { folder } = installed;
const run = (program: string, ...args: string[]) => installed.run(program, ...args);

const pack = suite("package");
pack.after(() => installed.remove());

pack("holds what it must", async () => {
  const shipped = ["LICENSE", "README.md", "build/out/kvcap.js", "build/out/kvcap.d.ts"];
  const core = [
    "build/out/eval.js",
    "build/out/eval.d.ts",
    "build/out/openai.js",
    "build/out/openai.d.ts",
    "build/out/worker.d.ts",
    "build/out/service-worker.d.ts",
    "build/out/core.js",
    "build/out/core.wasm",
    "build/out/core.d.ts",
  ];
  for (const file of [...shipped, ...core, "models/fable-2m/model.safetensors"]) {
    assert.ok((await Deno.stat(`${folder}/node_modules/kvcap/${file}`)).size, file);
  }
});

pack("npm would publish it, and has nothing to say of it but that nobody is logged in", async () => {
  const args = ["publish", "--dry-run", "--ignore-scripts", "--offline", "--registry=http://127.0.0.1:9"];
  const { code, stderr } = await new Deno.Command("npm", { args, cwd: `${folder}/node_modules/kvcap` }).output();
  const lines = new TextDecoder().decode(stderr).split("\n").filter((line) => /^npm (warn|error)/.test(line));
  assert.equal([code, lines.filter((line) => !line.includes("requires you to be logged in"))], [0, []]);
});

pack("no link of its pages leads to a file that is not packed", async () => {
  const root = `${folder}/node_modules/kvcap`;
  const inside = [...Deno.readDirSync(`${root}/docs`)].map(({ name }) => `docs/${name}`);
  const packed = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "models/fable-2m/README.md",
    ...inside,
  ];
  const dead = [];
  for (const page of packed.filter((path) => path.endsWith(".md"))) {
    for (const [, link] of (await Deno.readTextFile(`${root}/${page}`)).matchAll(/\]\(([^)\s#]+)[^)]*\)/g)) {
      if (/^https?:/.test(link)) continue;
      const { pathname } = new URL(link, `file:///${page}`);
      if (!(await Deno.stat(root + pathname).catch(() => null))) dead.push(`${page}: ${link}`);
    }
  }
  assert.equal(dead, []);
});

pack("its examples run where they are copied to", async () => {
  await Deno.copyFile(`${folder}/node_modules/kvcap/examples/core-own-score.ts`, `${folder}/own-score.ts`);
  const text = await run(Deno.execPath(), "run", "--quiet", "--no-prompt", "--check", "--allow-read", "own-score.ts");
  assert.is(text.trim(), "0 1 50 60 70 80 90 99");
});

/**
 * The most that an entry may weigh in a page, minified and gzipped: bytes. Who raises one says why. kvcap had 250 before layers of experts
 * (6, in two builds of the pass, as shaders, and as they are read), batches and their products of two tokens (6), beginnings that are shared
 * and grammars that are bounded (3); kvcap/openai 24 before calls that must be, several answers, and beginnings that are shared.
 */
const MOST = { "kvcap": 265 * 1024, "kvcap/core": 19 * 1024, "kvcap/eval": 33 * 1024, "kvcap/openai": 28 * 1024 };
for (const [entry, most] of Object.entries(MOST)) {
  pack(`${entry} weighs at most ${most / 1024} KB in a page`, async () => {
    const code = await bundled(`export * from ${JSON.stringify(entry)};`, true);
    const stream = new Blob([code]).stream().pipeThrough(new CompressionStream("gzip"));
    const { byteLength } = await new Response(stream).arrayBuffer();
    assert.ok(byteLength > most / 2 && byteLength <= most, `${byteLength} bytes`);
  });
}

/** A user's program on `kvcap/core`: prints what is still there of 40 tokens, of which every third is attended to. */
const program = `import { Core, policies, ruleFor } from "kvcap/core";
const core = Core.create({ layers: 1, kvHeads: 1, capacity: 9 }, ruleFor(policies.h2o, 8));
for (let token = 0; token < 40; token++) {
  core.claim(1);
  core.positions.forEach((at, slot) => core.rows[slot] = at % 3 === 0 ? 1 : 0);
  core.step(1, Math.max(0, core.live - 8));
}
const fork = Core.create({ layers: 1, kvHeads: 1, capacity: 9 }, ruleFor(policies.recency, 8));
fork.restore(core.snapshot());
console.log(Array.from(fork.liveList(), (slot) => fork.positions[slot]).join(" "));
`;
const kept = "0 3 6 9 36 37 38 39"; // four heavy hitters and half of the budget for the newest

pack("kvcap/core works in Deno with no permission but to read", async () => {
  await Deno.writeTextFile(`${folder}/core.ts`, program);
  const text = await run(Deno.execPath(), "run", "--quiet", "--no-prompt", "--check", "--allow-read", "core.ts");
  assert.is(text.trim(), kept);
});

(Deno.env.get("KVCAP_CHROMIUM") ? pack : pack.skip)("kvcap/core works in a page", async () => {
  const server = startServer(new Map([["/", ""], ["/core.js", await bundled(program)]]), folder);
  const browser = (await launchChromium())!;
  try {
    const page = await browser.newPage();
    const printed = new Promise<string>((resolve, reject) => {
      page.on("console", (message) => message.type() === "log" && resolve(message.text()));
      page.on("pageerror", reject);
    });
    await page.goto(server.url);
    await page.addScriptTag({ type: "module", url: "/core.js" });
    assert.is(await printed, kept);
  } finally {
    await browser.close();
    await server.stop();
  }
});

pack("kvcap/core carries the Wasm and its façade, and no model, shader or GPU", async () => {
  const built = `${folder}/node_modules/kvcap/build/out`;
  const wasm = (await Deno.stat(`${built}/core.wasm`)).size;
  assert.ok(wasm <= 18 * 1024, `core.wasm: ${wasm} bytes`);
  const code = await Deno.readTextFile(`${built}/core.js`);
  assert.ok(code.length < wasm * 4 / 3 + 40_000, `core.js: ${code.length} bytes`);
  for (const foreign of ["@compute", "navigator.gpu", "GPUBufferUsage", "safetensors", "tokenizer", "import "]) {
    assert.not.ok(code.replace(/^ *(\/\/|\/?\*).*$/gm, "").includes(foreign), `core.js contains ${foreign}`);
  }
  const { sources } = JSON.parse(await Deno.readTextFile(`${built}/core.js.map`));
  for (const source of sources) {
    assert.match(source, /\/(src\/(core|policies)\/\w+\.ts|src\/errors\.ts|assembly\/abi\.ts|build\/out\/core\.wasm)$/);
  }
});

pack("there is an example for Deno and one for a page", () => {
  assert.ok(examples.some(({ where }) => where === "deno"));
  assert.ok(examples.some(({ where }) => where === "page"));
});

const adapter = await testDevice();
for (const [index, { where, language, code }] of examples.entries()) {
  const name = `example ${index + 1} (${where}) prints text`;
  if (where === "deno") {
    (adapter ? pack : pack.skip)(name, async () => {
      await Deno.writeTextFile(`${folder}/example.ts`, code);
      const text = await run(Deno.execPath(), "run", "--quiet", "--no-prompt", "--check", "--allow-read", "example.ts");
      assert.ok(generated(text), `printed only ${JSON.stringify(text)}`);
    });
  } else {
    (Deno.env.get("KVCAP_CHROMIUM") ? pack : pack.skip)(name, () => runInPage(code, language));
  }
}

/** Whether a text has the look of some generated sentences. */
function generated(text: string): boolean {
  return (text.match(/[a-z]{2,}/gi) ?? []).length >= 10;
}

/** Runs an example in a page and waits until it shows text of its own. */
async function runInPage(code: string, language: string) {
  const script = language === "ts" ? await bundled(code) : "";
  const html = language === "html" ? code : `<!doctype html><body><script type="module" src="/example.js"></script>`;
  const server = startServer(new Map([["/", html], ["/example.js", script]]), folder);
  const browser = (await launchChromium())!;
  try {
    const page = await browser.newPage();
    const failed = new Promise<never>((_, reject) => page.on("pageerror", reject));
    failed.catch(() => {});
    let printed = "";
    // The browser's own warnings (a shader that does not compile) come to the console, too: they are no text.
    page.on("console", (message) => printed += message.type() === "log" ? `${message.text()}\n` : "");
    await Promise.race([page.goto(server.url), failed]);
    const still = html.replace(/<(script|style)[\s\S]*?<\/\1>/g, "").replace(/<[^>]*>/g, " "); // what the page says by itself
    const words = (text: string) => new Set(text.match(/[a-z]{2,}/gi) ?? []);
    const own = words(still);
    for (let waited = 0;; waited += 200) {
      const shown = `${await page.evaluate("document.body.innerText")}\n${printed}`;
      if (generated([...words(shown)].filter((word) => !own.has(word)).join(" "))) return;
      if (waited >= PATIENCE) throw new Error(`The page shows no text, only ${JSON.stringify(shown)}`);
      await Promise.race([new Promise((resolve) => setTimeout(resolve, 200)), failed]);
    }
  } finally {
    await browser.close();
    await server.stop();
  }
}

/** What a user's bundler makes of an example that imports "kvcap". */
async function bundled(code: string, minify = false): Promise<string> {
  const { outputFiles } = await esbuild.build({
    stdin: { contents: code, resolveDir: folder, loader: "ts" },
    bundle: true,
    minify,
    format: "esm",
    target: "es2022",
    write: false,
    logLevel: "warning",
  });
  await esbuild.stop();
  return outputFiles[0].text;
}

pack.run();
