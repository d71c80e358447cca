// A job in a fresh Chromium, in a cross-origin isolated page: deno run -A in-page.ts JOB STARTED, a line `browser PID` and one
// of JSON out.
import { gzipSync } from "node:zlib";
import { chromium } from "playwright-core";
import { flags } from "../../tests/support/browser.ts";
import { bundles, packages } from "./install.ts";
import type { Job, Outcome } from "./measure.js";
import { processWith } from "./processes.ts";

const job: Job = JSON.parse(Deno.args[0]);
const [folder, name] = [
  job.file.slice(0, job.file.lastIndexOf("/") + 1),
  job.file.slice(job.file.lastIndexOf("/") + 1),
];

/** Folders and files that the page may ask for, the first that fits. */
const MOUNTS: [prefix: string, path: string][] = [
  ["/driver/", `${bundles}/driver/`],
  ["/runtime/wllama.wasm", `${packages}/@wllama/wllama/esm/wasm/wllama.wasm`],
  ["/runtime/ort/", `${packages}/onnxruntime-web/dist/`],
  ["/runtime/", `${bundles}/${job.peer}/`],
  ["/model/", folder],
];
const TYPES: Record<string, string> = {
  js: "text/javascript",
  mjs: "text/javascript",
  json: "application/json",
  wasm: "application/wasm",
};
const HTML = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">`;
const ISOLATED = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-resource-policy": "same-origin",
};

/** Every file of the runtime that was sent, as `/runtime/…`. */
const sent = new Map<string, Uint8Array<ArrayBuffer>>();

async function answer(request: Request): Promise<Response> {
  const { pathname, origin } = new URL(request.url);
  if (pathname === "/empty") {
    return new Response(HTML, { headers: { ...ISOLATED, "content-type": "text/html" } });
  }
  if (pathname === "/") {
    const html = `${HTML}<script type="module" src="/driver/page.js"></script>`;
    return new Response(html, { headers: { ...ISOLATED, "content-type": "text/html" } });
  }
  if (pathname === "/job") {
    return Response.json({ ...job, file: `${origin}/model/${name}` }, { headers: ISOLATED });
  }
  const [prefix, path] = MOUNTS.find(([prefix]) => pathname.startsWith(prefix)) ?? [];
  const all = prefix === undefined || pathname.includes("..")
    ? null
    : await Deno.readFile(path + pathname.slice(prefix.length)).catch(() => null);
  if (!all) {
    return new Response("not found", { status: 404, headers: ISOLATED });
  }
  if (pathname.startsWith("/runtime/")) sent.set(pathname, all);
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("range") ?? "");
  const begin = Number(range?.[1] ?? 0);
  const end = range?.[2] ? Math.min(Number(range[2]) + 1, all.length) : all.length;
  const headers: Record<string, string> = {
    ...ISOLATED,
    "content-type": TYPES[pathname.split(".").at(-1) ?? ""] ??
      "application/octet-stream",
    "content-length": String(end - begin),
    "accept-ranges": "bytes",
    etag: `"${all.length}"`,
  };
  if (range) {
    headers["content-range"] = `bytes ${begin}-${end - 1}/${all.length}`;
  }
  const body = request.method === "HEAD" ? null : all.subarray(begin, end);
  return new Response(body, { status: range ? 206 : 200, headers });
}

const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
const url = `http://127.0.0.1:${server.addr.port}/`;
// A profile of its own on the disk, as a user's: in a private window files that are kept would lie in memory.
const profile = await Deno.makeTempDir({ prefix: "kvcap-peers-" });
const browser = await chromium.launchPersistentContext(profile, {
  executablePath: Deno.env.get("KVCAP_CHROMIUM")!,
  headless: true,
  args: flags,
});
try {
  const page = await browser.newPage();
  const outcome = Promise.withResolvers<Outcome>();
  const fail = (why: string) => outcome.reject(new Error(why));
  await page.exposeFunction("peersOutcome", outcome.resolve);
  await page.exposeFunction("peersFailed", fail);
  page.on("pageerror", (error) => fail(error.message));
  page.on("crash", () => fail("the page crashed"));
  await page.goto(`${url}empty`);
  await new Promise((resolve) => setTimeout(resolve, 1000)); // until the browser is at rest
  console.log(`browser ${processWith(profile) ?? ""}`);
  await new Promise((resolve) => setTimeout(resolve, 300)); // while it is measured
  const timer = setTimeout(() => fail(`it takes longer than ${job.limitMs / 1000} s`), job.limitMs);
  await page.goto(url);
  const done = await outcome.promise;
  clearTimeout(timer);
  const sizes = [...sent].map(([path, bytes]) => [path.slice("/runtime/".length), gzipSync(bytes).length]);
  console.log(JSON.stringify({ ...done, sent: Object.fromEntries(sizes) }));
} finally {
  await browser.close();
  await server.shutdown();
  await Deno.remove(profile, { recursive: true });
}
Deno.exit(0);
