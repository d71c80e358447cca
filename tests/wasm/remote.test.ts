// The engine of a page, which runs in kvcap's own worker, in Chromium: on isolated pages too, under policies that forbid it, when it
// fails; and that the page stays free while it works.
import * as esbuild from "esbuild";
import type { Browser, Page } from "playwright-core";
import * as assert from "uvu/assert";
import type { load as loadModel, Model } from "../../src/load.ts";
import { launchChromium, PATIENCE } from "../support/browser.ts";
import { depth, seed } from "../support/depth.ts";
import { suiteWhere } from "../support/device.ts";
import { repoPath } from "../support/files.ts";
import { ISOLATED, startServer } from "../support/server.ts";
import { staysFree, tellsApart } from "../support/trace.ts";

const test = suiteWhere(Boolean(Deno.env.get("KVCAP_CHROMIUM")), "engine of a page");

/** What the page's script puts into the page; functions given to `evaluate` run there. */
declare const load: typeof loadModel;
declare const FABLE: string;
declare let model: Model;
declare let told: { error?: string; code?: string; lost?: string; ids?: number[] };

// Without the cache of downloads, which has workers of its own.
const PAGE = `import { load } from "./src/load.ts";
const uncached = (where, options) => load(where, { ...options, cache: false });
Object.assign(globalThis, { load: uncached, FABLE: location.origin + "/repo/models/fable-2m" });`;
const IN_WORKER = `import { load } from "./src/load.ts";
load(location.origin + "/repo/models/fable-2m", { device: "wasm" }).then(() => postMessage("loaded"), ({ message }) => postMessage(message));`;

let browser: Browser;
let scripts: Map<string, string>;
const stops: (() => Promise<void>)[] = [];

test.before(async () => {
  const bundled = async (contents: string) => {
    const stdin = { contents, resolveDir: repoPath(""), loader: "ts" } as const;
    const { outputFiles } = await esbuild.build({ stdin, bundle: true, format: "esm", target: "es2022", write: false });
    return outputFiles[0].text;
  };
  scripts = new Map([
    [
      "/",
      `<!doctype html><title>a page</title><link rel="icon" href="/none.js"><script type="module" src="/page.js"></script>`,
    ],
    ["/page.js", await bundled(PAGE)],
    ["/worker.js", await bundled(IN_WORKER)],
    ["/none.js", ""],
  ]);
  await esbuild.stop();
  browser = (await launchChromium())!;
});
test.after(async () => {
  await browser?.close();
  for (const stop of stops) await stop();
});

/** Opens a page with these headers. @param prelude runs in the page before its script */
async function open(headers: Record<string, string> = {}, prelude = ""): Promise<Page> {
  const { url, stop } = startServer(scripts, undefined, headers);
  stops.push(stop);
  const page = await (await browser.newContext()).newPage();
  page.setDefaultTimeout(PATIENCE);
  if (prelude) await page.addInitScript(prelude);
  await page.goto(url);
  await page.waitForFunction(() => "load" in globalThis);
  return page;
}

const close = (page: Page) => page.context().close();

/** Why a model does not load on the processor. */
const refusal = (page: Page) =>
  page.evaluate(async () => {
    try {
      await load(FABLE, { device: "wasm" });
      return ["loaded"];
    } catch (error) {
      const { message, code } = error as { message: string; code: string };
      return [message, code];
    }
  });

for (const isolated of depth([seed % 2 === 1], [false, true])) { // the quick run: the one that the last test does not take
  test(`${isolated ? "an isolated" : "a"} page says what it runs on, and is gone once it is disposed of`, async () => {
    const page = await open(isolated ? ISOLATED : {});
    const found = await page.evaluate(async () => {
      const model = await load(FABLE, { device: "wasm", ...crossOriginIsolated && { threads: 2 } });
      const { adapter, gpuBytes } = model;
      const session = model.session({ budget: 32 });
      const during = model.gpuBytes;
      const memory = session.memory().gpu;
      model.dispose();
      return { adapter, gpuBytes, during, memory: memory, after: model.gpuBytes, lost: await model.lost };
    });
    const threads = isolated ? "2 threads" : "1 thread";
    assert.match(found.adapter, new RegExp(`^WebAssembly \\((relaxed )?SIMD, ${threads}\\)$`));
    assert.ok(found.during > found.gpuBytes && found.gpuBytes > 4e6);
    assert.equal([found.after, found.lost], [0, "the engine was released"]);
    while (page.workers().length) await new Promise((resolve) => setTimeout(resolve, 20));
    await close(page);
  });
}

test("a policy without blob: workers, or without WebAssembly, is told of in one sentence", async () => {
  const csp = (text: string) => ({ "content-security-policy": `default-src 'self'; ${text}` });
  const noWorker = await open(csp("script-src 'self' 'wasm-unsafe-eval'"));
  const [worker, code] = await refusal(noWorker);
  assert.match(
    worker,
    /^Cannot load model: the page's policy must allow kvcap's worker \(worker-src blob:\), got: [^\n]+$/,
  );
  assert.is(code, "device");
  await close(noWorker);
  const noWasm = await open(csp("worker-src 'self' blob:"));
  const sentence =
    /^Cannot .+: the page's policy must allow WebAssembly \(script-src 'wasm-unsafe-eval'\), got: [^\n]+$/;
  const [wasm, kind] = await refusal(noWasm);
  assert.match(wasm, sentence);
  assert.is(kind, "device");
  const inWorker = await noWasm.evaluate(() =>
    new Promise<string>((resolve) => {
      const worker = new Worker("/worker.js", { type: "module" });
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = ({ message }) => resolve(message);
    })
  );
  assert.match(inWorker, sentence);
  await close(noWasm);
  const both = await open(csp("script-src 'self' 'wasm-unsafe-eval'; worker-src blob:"));
  assert.equal(await refusal(both), ["loaded"]);
  await close(both);
});

/** A prelude under which the worker does something else first. */
const inWorkers = (code: string) =>
  `const Real = Blob;
  globalThis.Blob = class extends Real { constructor(parts, ...rest) { super([${
    JSON.stringify(code)
  }, ...parts], ...rest); } };`;

/** Begins to generate on a page for good; what becomes of it is in `told`. */
const begin = (page: Page) =>
  page.evaluate(async () => {
    Object.assign(globalThis, { told: {} });
    model = await load(FABLE, { device: "wasm" });
    model.lost.then((why) => told.lost = why);
    const session = model.session({ budget: 64 });
    (async () => {
      try {
        for await (const _ of session.generate("Once upon a time", { maxNewTokens: Infinity, stopAtEnd: false }));
      } catch (error) {
        Object.assign(told, { error: (error as Error).message, code: (error as { code?: string }).code });
      }
    })();
  });

/** What became of it. */
async function becameOf(page: Page): Promise<typeof told & { failure: string | null }> {
  await page.waitForFunction(() => told.error !== undefined && told.lost !== undefined);
  return await page.evaluate(() => ({ ...told, failure: model.failure }));
}

test("a trap, and an error that nobody caught, end what runs, and all that comes after, in one sentence", async () => {
  const trap = `const { instantiate } = WebAssembly;
    WebAssembly.instantiate = async (...given) => {
      const { exports } = await instantiate(...given);
      const run = (model, context) => {
        if (self.bad) throw new WebAssembly.RuntimeError("memory access out of bounds");
        return exports.run(model, context);
      };
      return { exports: { ...exports, run } };
    };`;
  const cases: [prelude: string, act: () => void, why: RegExp][] = [
    [inWorkers(trap), () => Object.assign(globalThis, { bad: true }), /^the pass stopped \(.*out of bounds.*\)$/],
    ["", () =>
      void setTimeout(() => {
        throw new Error("no more");
      }), /^the worker of the pass stopped \(Uncaught Error: no more\)$/],
  ];
  for (const [i, [prelude, act, why]] of cases.entries()) {
    for (const headers of depth([[ISOLATED, {}][i]], [{}, ISOLATED])) {
      const page = await open(headers, prelude);
      await begin(page);
      await page.workers()[0].evaluate(act);
      const { error, code, lost, failure } = await becameOf(page);
      assert.match(failure!, why);
      assert.equal([error, code, lost], [`Cannot generate: the device must work, got: ${failure}`, "device", failure]);
      const later = await page.evaluate(() => {
        try {
          model.session();
        } catch (error) {
          return (error as Error).message;
        }
      });
      assert.is(later, `Cannot create session: the device must work, got: ${failure}`);
      while (page.workers().length) await new Promise((resolve) => setTimeout(resolve, 20));
      await page.evaluate(() => model.dispose());
      await close(page);
    }
  }
});

test("disposed of while it works, a model lets nothing hang", async () => {
  const page = await open();
  await begin(page);
  await page.evaluate(() => model.dispose());
  const { error, lost } = await becameOf(page);
  assert.match(error!, /^Cannot generate: /);
  assert.is(lost, "the engine was released");
  assert.is(await page.evaluate(() => model.gpuBytes), 0);
  await close(page);
});

test("where the worker's host refuses memory, what can goes on, and nothing is counted that is not held", async () => {
  const refuse = `const { grow } = WebAssembly.Memory.prototype;
    self.refusals = 0;
    WebAssembly.Memory.prototype.grow = function (pages) {
      if (self.refusals-- > 0) throw new RangeError("no more");
      return grow.call(this, pages);
    };`;
  const page = await open({}, inWorkers(refuse));
  await page.evaluate(async () => void (model = await load(FABLE, { device: "wasm" })));
  const refusals = (count: number) =>
    page.workers()[0].evaluate((count) => void Object.assign(globalThis, { refusals: count }), count);
  await refusals(1);
  const found = await page.evaluate(async () => {
    const warnings: string[] = [];
    const session = model.session({ budget: 8000, onWarning: (message) => void warnings.push(message) });
    for await (const _ of session.generate("Once upon a time", { maxNewTokens: 4 }));
    const held = model.gpuBytes;
    const [fork] = [await session.fork()];
    const two = model.gpuBytes;
    fork.dispose();
    Object.assign(globalThis, { session });
    return { warnings, held, two, after: model.gpuBytes, peak: model.peakGpuBytes, memory: session.memory().gpu };
  });
  assert.equal(found.warnings, ["the device refused memory for a budget of 8000 slots, trying 6000"]);
  assert.is(found.two - found.held, found.memory);
  assert.equal([found.after, found.peak], [found.held, found.two]);
  await refusals(1000);
  const refused = await page.evaluate(async () => {
    const { session } = globalThis as unknown as { session: ReturnType<Model["session"]> };
    await session.fork(); // where the one before was
    const copy = await session.fork().then(() => "forked", ({ message }) => message as string);
    return { copy, bytes: model.gpuBytes, peak: model.peakGpuBytes };
  });
  assert.match(refused.copy, /the device must hold/);
  assert.equal([refused.bytes, refused.peak], [found.two, found.two]);
  await close(page);
});

test("a batch that has grown, and ends before the worker has room for that, changes nothing", async () => {
  const page = await open();
  const texts = await page.evaluate(async () => {
    model = await load(FABLE, { device: "wasm" });
    const sessions = Array.from({ length: 5 }, () => model.session({ budget: 32 }));
    const batch = model.batch(sessions.slice(0, 4));
    const end = async () => {
      batch.add(sessions[4]);
      for (let i = 0; i < 100; i++) await null; // the next passes are on their way, no answer of the worker has come
      batch.dispose();
    };
    const texts = await Promise.all(sessions.map(async (session, i) => {
      let text = "", ids = 0;
      const onToken = () => void (++ids === 5 && i === 3 && end());
      const options = { maxNewTokens: 20, stopAtEnd: false, onToken };
      try {
        if (i < 4) { for await (const piece of session.generate("Once upon a time", options)) text += piece; }
      } catch (error) {
        return (error as Error).message;
      }
      return text;
    }));
    for await (const piece of sessions[4].generate("Once upon a time", { maxNewTokens: 20, stopAtEnd: false })) {
      texts[4] += piece;
    }
    model.dispose();
    return texts;
  });
  for (const text of texts) assert.is(text, texts[4]);
  await close(page);
});

for (const isolated of depth([seed % 2 === 0], [false, true])) { // the quick run: one of the two, by the day
  test(`no task of ${isolated ? "an isolated" : "a"} page takes 50 ms while a session reads and writes`, async () => {
    const page = await open(isolated ? ISOLATED : {});
    await page.evaluate(async () => void (model = await load(FABLE, { device: "wasm" })));
    await staysFree(browser, page, "a session", () =>
      page.evaluate(async () => {
        const session = model.session({ budget: 256 });
        const ids = Array.from({ length: 300 }, (_, i) => i % 500 + 5);
        for await (const _ of session.generate(ids, { maxNewTokens: 200, stopAtEnd: false }));
      }));
    await tellsApart(browser, page);
    await close(page);
  });
}
test.run();
