// Runs test files in Chromium: bundles them, serves the page with the files they read, and hands on what comes back.
import * as esbuild from "esbuild";
import { type Browser, chromium } from "playwright-core";
import { moduleOf } from "./engine.ts";
import { startServer } from "./server.ts";
import { setting, SETTINGS } from "./setting.ts";
import type { Totals } from "./totals.ts";

const root = new URL("../..", import.meta.url).pathname;

/**
 * How long a page may take for one thing that is waited for, in milliseconds: so long that no busy machine reaches it, because a
 * page that waits uses a little of the processor all the time, which tests/support/watch.ts cannot tell from work.
 */
export const PATIENCE = 600_000;

/** How Chromium is started. SwiftShader is the WebGPU adapter of machines without a GPU; the rest keeps Chromium from calling home. */
export const flags = [
  "--no-sandbox",
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Starts the browser that build/setup.mjs found, or null where there is none. */
export async function launchChromium(): Promise<Browser | null> {
  const executablePath = Deno.env.get("KVCAP_CHROMIUM");
  return executablePath ? await chromium.launch({ executablePath, args: flags, timeout: PATIENCE }) : null;
}

/** Gives test files the runner's own uvu, tests/support/uvu.ts, as imports.json does in Deno. */
const ownUvu: esbuild.Plugin = {
  name: "uvu",
  setup(build) {
    const own = `${root}tests/support/uvu.ts`;
    build.onResolve({ filter: /^uvu$/ }, ({ importer }) => importer === own ? undefined : { path: own });
  },
};

/** The page's script and what it imports, by path. All files share one copy of what they import. */
async function bundle(paths: string[]): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const list = paths.map((name) => `${JSON.stringify(name)}: () => import("./${moduleOf(name)}")`);
  const { outputFiles } = await esbuild.build({
    stdin: {
      contents: `import { runInPage } from "./tests/support/page.ts";\nrunInPage({${list.join(", ")}});`,
      resolveDir: root,
      sourcefile: "main.ts",
      loader: "ts",
    },
    absWorkingDir: root,
    outdir: "build/out/tests",
    entryNames: "main",
    bundle: true,
    splitting: true,
    write: false,
    format: "esm",
    target: "es2022",
    sourcemap: "inline",
    logLevel: "warning",
    plugins: [ownUvu],
  });
  await esbuild.stop();
  return new Map(
    outputFiles.map((file) => [`/${file.path.split("/").at(-1)}`, file.contents as Uint8Array<ArrayBuffer>]),
  );
}

/** What the page asks and tells. */
export interface Driver {
  next(): Promise<string | null>;
  print(line: string): void;
  begins(what: string): void;
  ended(totals: Totals, cases: number): void;
}

/**
 * Runs those of the test files at these paths that the driver names, in one page, until it names no more. A page that
 * crashes or cannot be opened throws. Where there is no browser every file counts as skipped once. @param headers of the page
 */
export async function runInChromium(
  paths: string[],
  driver: Driver,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  const browser = await launchChromium();
  if (!browser) {
    while (await driver.next()) {
      driver.print("  no Chromium or Chrome: set KVCAP_CHROMIUM to its path; every file is skipped");
      driver.ended({ passed: 0, failed: 0, skipped: 1 }, 0);
    }
    return;
  }
  const server = startServer(await bundle(paths), undefined, headers);
  const query = new URLSearchParams(SETTINGS.map((name) => [name, setting(name) ?? ""]));
  try {
    const page = await browser.newPage();
    page.on("pageerror", (error) => driver.print(`  page error: ${error.message}`));
    const over = Promise.withResolvers<void>();
    page.on("crash", () => over.reject(new Error("the page crashed")));
    await page.exposeFunction("kvcapNext", async () => {
      const name = await driver.next();
      if (name === null) over.resolve();
      return name;
    });
    await page.exposeFunction("kvcapPrint", driver.print);
    await page.exposeFunction("kvcapBegins", driver.begins);
    await page.exposeFunction("kvcapEnded", driver.ended);
    await page.goto(`${server.url}?${query}`, { timeout: PATIENCE });
    await over.promise;
  } finally {
    await browser.close();
    await server.stop();
  }
}
