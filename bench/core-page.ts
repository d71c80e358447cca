// Runs bench/core-times.ts in Chromium: the page's script, and the program that opens the page.
import * as esbuild from "esbuild";
import { launchChromium } from "../tests/support/browser.ts";
import type { CoreBench, CorePromises, CoreSizes, CoreTime } from "./core-times.ts";

const root = new URL("..", import.meta.url).pathname;

const script = `import { benchCore } from "./bench/core-times.ts";
const scalar = await (await fetch("/core.scalar.wasm")).arrayBuffer();
globalThis.benchCore = (sizes) => benchCore(scalar, sizes, globalThis.kvcapTell);
globalThis.kvcapReady();`;

/** The same numbers from a page; null where there is no browser. */
export async function benchInChromium(
  sizes: CoreSizes,
  tell: (what: CorePromises | CoreTime) => void,
): Promise<CoreBench & { version: string } | null> {
  const browser = await launchChromium();
  if (!browser) return null;
  const { outputFiles } = await esbuild.build({
    stdin: { contents: script, resolveDir: root, loader: "ts" },
    absWorkingDir: root,
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    logLevel: "warning",
  });
  await esbuild.stop();
  const files: Record<string, [type: string, body: BodyInit]> = {
    "/": ["text/html", `<!doctype html><link rel="icon" href="data:,"><script type="module" src="/main.js"></script>`],
    "/main.js": ["text/javascript", outputFiles[0].text],
    "/core.scalar.wasm": ["application/wasm", await Deno.readFile(`${root}build/out/core.scalar.wasm`)],
  };
  // An isolated page has a clock of 5 µs; others have one of 100.
  const isolated = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const [type, body] = files[new URL(request.url).pathname] ?? ["text/plain", null];
    return new Response(body, { status: body ? 200 : 404, headers: { "content-type": type, ...isolated } });
  });
  try {
    const page = await browser.newPage();
    const ready = new Promise<void>((resolve, reject) => {
      page.on("pageerror", reject);
      page.exposeFunction("kvcapReady", resolve).catch(reject);
    });
    await page.exposeFunction("kvcapTell", tell);
    await page.goto(`http://127.0.0.1:${server.addr.port}/`);
    await ready;
    const result = await page.evaluate(`benchCore(${JSON.stringify(sizes)})`) as CoreBench;
    return { ...result, version: browser.version() };
  } finally {
    await browser.close();
    await server.shutdown();
  }
}
