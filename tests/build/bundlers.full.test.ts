// The package under bundlers: built as a user builds it who has read nothing, and run in Chromium, in every kind of script that a page
// has.
import * as esbuild from "esbuild";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { listGolden, readJson } from "../support/files.ts";
import { Installed } from "../support/installed.ts";
import { printed } from "../support/printed.ts";
import { startServer } from "../support/server.ts";
import { tools } from "../support/tools.ts";

const packages = await tools();
const installed = await Installed.make();
const { folder } = installed;
const { json } = (await listGolden("hf")).find(({ name }) => name === "fable-2m")!;
const { cases: [{ ids, greedy }] } = await readJson<{ cases: { ids: number[]; greedy: number[] }[] }>(json);
const MODEL = "/node_modules/kvcap/models/fable-2m";
const chromium = Boolean(Deno.env.get("KVCAP_CHROMIUM"));

/** A user's program: the ids that the model writes, as a text. */
await installed.write(
  "greedy.js",
  `import { load } from "kvcap";
const warnings = [];
export async function greedy(where = "${MODEL}") {
  const model = await load(where, { device: "wasm", onWarning: (line) => warnings.push(line) });
  const session = model.session({ policy: "full", kv: "f32" });
  for await (const _ of session.generate(${
    JSON.stringify(ids)
  }, { maxNewTokens: ${greedy.length}, temperature: 0, banned: model.config.eosIds }));
  const { ids } = session.report();
  model.dispose();
  const cached = [];
  for await (const key of (await (await navigator.storage.getDirectory()).getDirectoryHandle("kvcap")).keys()) cached.push(key);
  return JSON.stringify({ ids: [...ids], warnings, cached: cached.length });
}
`,
);
const right = JSON.stringify({ ids: greedy, warnings: [], cached: 8 });

/** One that prints them. */
await installed.write(
  "main.js",
  `import { greedy } from "./greedy.js";
greedy().then(console.log, (error) => console.log(error.message));
`,
);
/** One for any worker, which tells them to whom asks. */
await installed.write(
  "worker.js",
  `import { greedy } from "./greedy.js";
const told = greedy().catch((error) => error.message);
const answer = async (port) => port.postMessage(await told);
self.onconnect = ({ ports: [port] }) => answer(port);
self.oninstall = () => self.skipWaiting();
self.onactivate = (event) => event.waitUntil(self.clients.claim());
self.onmessage = ({ source }) => answer(source ?? self);
`,
);

type Format = "esm" | "iife" | "cjs";

/** What esbuild makes of a program. */
async function built(entry: string, format: Format, platform: "browser" | "node" = "browser"): Promise<string> {
  const { outputFiles, warnings } = await esbuild.build({
    ...{ absWorkingDir: folder, entryPoints: [entry], bundle: true, write: false, format, platform },
    logLevel: "silent",
  });
  assert.equal(warnings, []);
  return outputFiles[0].text;
}

const html = (body: string) => `<!doctype html><link rel="icon" href="data:,"><body>${body}</body>`;

/** What a page of this text prints, beside these scripts. */
async function shown(page: string, scripts: Record<string, string>, headers: Readonly<Record<string, string>> = {}) {
  const server = startServer(new Map([["/", html(page)], ...Object.entries(scripts)]), folder, headers);
  try {
    return await printed(server.url);
  } finally {
    await server.stop();
  }
}

const test = suite("package under bundlers");
const run = chromium ? test : test.skip;

run("esbuild, a module of a page", async () => {
  const { text } = await shown(`<script type="module" src="/main.mjs.js"></script>`, {
    "/main.mjs.js": await built("main.js", "esm"),
  });
  assert.is(text, right);
});

run("esbuild, an iife of a page", async () => {
  const { text } = await shown(`<script src="/main.js"></script>`, { "/main.js": await built("main.js", "iife") });
  assert.is(text, right);
});

run("esbuild, CommonJS in a page that gives it a module and exports", async () => {
  const { text } = await shown(`<script src="/main.js"></script>`, {
    "/main.js": `((module, exports) => { ${await built("main.js", "cjs")} })({}, {});`,
  });
  assert.is(text, right);
});

for (const [format, file] of [["cjs", "server.cjs"], ["esm", "server.mjs"]] as const) {
  test(`a server that renders pages imports a ${format} bundle in Node`, async () => {
    await installed.write("server.js", `import { load } from "kvcap";\nconsole.log(typeof load);\n`);
    await installed.write(file, await built("server.js", format, "node"));
    assert.is(await installed.run("node", file), "function\n");
  });
}
test("a server that renders pages imports the package in Node", async () => {
  assert.is(await installed.run("node", "server.js"), "function\n");
});

/** What a page of the user's folder prints. */
async function shownAt(path: string): Promise<string> {
  const server = startServer(new Map(), folder);
  try {
    return (await printed(`${server.url}${path}`)).text;
  } finally {
    await server.stop();
  }
}

run("Vite builds a page", async () => {
  await installed.write("index.html", html(`<script type="module" src="/main.js"></script>`));
  const options = ["--base", "/vite/", "--outDir", "vite", "--logLevel", "warn"];
  assert.is(await installed.run("node", `${packages}/vite/bin/vite.js`, "build", ...options), "");
  assert.is(await shownAt("vite/index.html"), right);
});

run("Vite serves a page while it is written", async () => {
  await installed.write("index.html", html(`<script type="module" src="/main.js"></script>`));
  const args = [`${packages}/vite/bin/vite.js`, "--host", "127.0.0.1", "--port", "0", "--clearScreen", "false"];
  const vite = new Deno.Command("node", { args, cwd: folder, stdout: "piped", stderr: "null", env: { NO_COLOR: "1" } });
  const child = vite.spawn();
  try {
    let said = "";
    for await (const piece of child.stdout.pipeThrough(new TextDecoderStream())) {
      if (/http:\/\/127\S+\/\s/.test(said += piece)) break;
    }
    assert.is((await printed(/http:\/\/127\S+/.exec(said)![0])).text, right);
  } finally {
    child.kill();
    await child.status;
  }
});

for (const target of ["web", "node"]) {
  (target === "web" ? run : test)(`webpack builds for ${target}`, async () => {
    const options = {
      ...{ mode: "production", context: folder, target, performance: { hints: false } },
      entry: `./${target === "web" ? "main" : "server"}.js`,
      output: { path: `${folder}/webpack-${target}`, filename: "main.cjs" },
    };
    await installed.write(
      "webpack.cjs",
      `require(${JSON.stringify(`${packages}/webpack`)})(${JSON.stringify(options)}, (error, stats) => {
  if (error) throw error;
  const { errors, warnings } = stats.toJson({ all: false, errors: true, warnings: true });
  console.log([...errors, ...warnings].map(({ message }) => message).join("\\n"));
});`,
    );
    assert.is((await installed.run("node", "webpack.cjs")).trim(), "");
    if (target === "node") return assert.is(await installed.run("node", "webpack-node/main.cjs"), "function\n");
    await installed.write("webpack.html", html(`<script src="/webpack-web/main.cjs"></script>`));
    assert.is(await shownAt("webpack.html"), right);
  });
}

/** How a page starts each kind of worker. */
const WORKERS: Record<string, { format: Format; start: string }> = {
  "a module worker": { format: "esm", start: `const port = new Worker("/w.js", { type: "module" });` },
  "a classic worker": { format: "iife", start: `const port = new Worker("/w.js");` },
  "a shared worker": { format: "iife", start: `const { port } = new SharedWorker("/w.js"); port.start();` },
  "a service worker": {
    format: "iife",
    start: `await navigator.serviceWorker.register("/w.js");
      const { active: port } = await navigator.serviceWorker.ready;
      navigator.serviceWorker.onmessage = ({ data }) => console.log(data);`,
  },
};
for (const [kind, { format, start }] of Object.entries(WORKERS)) {
  run(`the model runs in ${kind}`, async () => {
    const { text } = await shown(
      `<script type="module">${start} port.onmessage = ({ data }) => console.log(data); port.postMessage("go");</script>`,
      { "/w.js": await built("worker.js", format) },
    );
    assert.is(text, right);
  });
}

run("a model comes from elsewhere where only what is there may be read", async () => {
  const elsewhere = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async ({ url, method }) => {
    const bytes = await Deno.readFile(folder + MODEL + new URL(url).pathname).catch(() => null);
    const headers = { "content-length": String(bytes?.length ?? 0) };
    if (!bytes) return new Response(null, { status: 404, headers });
    const body = method === "HEAD" ? null : bytes;
    return new Response(body, { headers: { ...headers, "access-control-allow-origin": "*" } });
  });
  const script = `import { greedy } from "./greedy.js";\nconst where = "http://127.0.0.1:${elsewhere.addr.port}";
greedy(where).then(console.log, (error) => console.log(error.message));`;
  await installed.write("elsewhere.js", script);
  const scripts = { "/main.js": await built("elsewhere.js", "esm") };
  try {
    const { text } = await shown(`<script type="module" src="/main.js"></script>`, scripts);
    assert.equal(JSON.parse(text).ids, greedy);
    assert.equal(JSON.parse(text).warnings, []);
  } finally {
    await elsewhere.shutdown();
  }
});

run("a shipped model has its name where the package is as it was, and says what to do in a bundle", async () => {
  const named = (from: string) =>
    `import { load } from ${JSON.stringify(from)};
load("fable-2m", { device: "wasm" }).then(({ config }) => console.log(config.layers), (error) => console.log(error.message));`;
  await installed.write("named.js", named("kvcap"));
  const page = `<script type="module" src="/main.js"></script>`;
  assert.is((await shown(page, { "/main.js": named("/node_modules/kvcap/build/out/kvcap.js") })).text, "5");
  assert.is(
    (await shown(`<script src="/main.js"></script>`, { "/main.js": await built("named.js", "iife") })).text,
    "Cannot load model: fable-2m must be given by its URL in a bundle (copy models/fable-2m there), got its name",
  );
});

run("under a strict policy that allows Wasm and the worker", async () => {
  const { text } = await shown(
    `<script type="module" src="/main.js"></script>`,
    { "/main.js": await built("main.js", "esm") },
    {
      "content-security-policy":
        "default-src 'none'; connect-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src blob:",
    },
  );
  assert.is(text, right);
});

run("under one that does not, a sentence says what it must allow", async () => {
  const scripts = { "/main.js": await built("main.js", "esm") };
  const said = async (allowed: string) =>
    (await shown(`<script type="module" src="/main.js"></script>`, scripts, {
      "content-security-policy": `default-src 'none'; connect-src 'self'; ${allowed}`,
    })).text;
  const sentence =
    /^Cannot load the core: the page's policy must allow WebAssembly \(script-src 'wasm-unsafe-eval'\), got/;
  assert.match(await said("script-src 'self'; worker-src blob:"), sentence);
  const worker = /^Cannot load model: the page's policy must allow kvcap's worker \(worker-src blob:\), got/;
  assert.match(await said("script-src 'self' 'wasm-unsafe-eval'"), worker);
});

test.after(async () => {
  await esbuild.stop();
  await installed.remove();
});
test.run();
