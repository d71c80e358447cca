// Runs test files in Chromium: bundles them, serves the page with the files they read, and counts what comes back.
import * as esbuild from "esbuild";
import { type Browser, chromium } from "playwright-core";
import { plain, type Totals } from "./harness.ts";
import { startServer } from "./server.ts";

const root = new URL("../..", import.meta.url).pathname;

/** SwiftShader is the WebGPU adapter of machines without a GPU; the rest keeps Chromium from calling home. */
const flags = [
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
  return executablePath ? await chromium.launch({ executablePath, args: flags }) : null;
}

/** The page's script and what it imports, by path. All files share one copy of what they import. */
async function bundle(paths: string[]): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const list = paths.map((path) => `{ name: ${JSON.stringify(path)}, load: () => import("./${path}") }`);
  const { outputFiles } = await esbuild.build({
    stdin: {
      contents: `import { runInPage } from "./tests/support/page.ts";\nrunInPage([${list.join(", ")}]);`,
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
  });
  await esbuild.stop();
  return new Map(
    outputFiles.map((file) => [`/${file.path.split("/").at(-1)}`, file.contents as Uint8Array<ArrayBuffer>]),
  );
}

/**
 * Runs the test files at these paths in one page. `limit`: milliseconds that one test may take.
 * Where there is no browser every file counts as skipped once.
 */
export async function runInChromium(
  paths: string[],
  { print, limit }: { print: (line: string) => void; limit: number },
): Promise<Totals & { cases: number }> {
  const server = startServer(await bundle(paths));
  const browser = await launchChromium();
  if (!browser) {
    print("  no Chromium or Chrome: set KVCAP_CHROMIUM to its path; every file is skipped");
    await server.stop();
    return { passed: 0, failed: 0, skipped: paths.length, cases: 0 };
  }
  // uvu colours its output in a page whatever it is written to.
  const colours = Deno.stdout.isTerminal() && !Deno.noColor;
  let last = { next: "loading the page", totals: { passed: 0, failed: 0, skipped: 0 } };
  try {
    return await new Promise((resolve) => {
      let timer: ReturnType<typeof setTimeout>;
      const stop = (why: string) => {
        clearTimeout(timer);
        print(`  FAILED: ${why}; the run stops here`);
        resolve({ ...last.totals, failed: last.totals.failed + 1, cases: 0 });
      };
      const beat = (next: string, totals: Totals) => {
        last = { next, totals };
        clearTimeout(timer);
        timer = setTimeout(() => stop(`${next} did not end within ${limit / 1000} s`), limit);
      };
      const done = (totals: Totals, cases: number) => {
        clearTimeout(timer);
        resolve({ ...totals, cases });
      };
      open().catch((error) => stop(String(error)));

      async function open() {
        beat(last.next, last.totals);
        const page = await browser!.newPage();
        page.on("crash", () => stop(`the page crashed at ${last.next}`));
        page.on("pageerror", (error) => print(`  page error: ${error.message}`));
        await page.exposeFunction(
          "kvcapPrint",
          (line: string) => print(colours ? line : plain(line)),
        );
        await page.exposeFunction("kvcapBeat", beat);
        await page.exposeFunction("kvcapDone", done);
        await page.goto(server.url);
      }
    });
  } finally {
    await browser.close();
    await server.stop();
  }
}
