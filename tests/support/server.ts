// The test page's server, on the loopback interface: the page, its scripts, and the files that tests read.
import { goldenFolders, listGolden, modelFolder, modelFolders, repoPath } from "./files.ts";
import { BROKEN, Weights } from "./weights.ts";

const html = `<!doctype html><meta charset="utf-8"><title>kvcap tests</title><link rel="icon" href="data:,">
<script type="module" src="/main.js"></script>`;

/** Headers of a page whose workers may share memory. */
export const ISOLATED = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
} as const;

/** Folders that the page may read, by the first part of the URL's path. */
function mounts(): [prefix: string, folder: string][] {
  const shared = [...goldenFolders(), ...modelFolders()];
  return [["/repo/", repoPath("")], ...shared.map((folder, i): [string, string] => [`/${i}/`, `${folder}/`])];
}

/**
 * Starts the server. `scripts`: what to answer for a path before any file is looked for.
 * `only`: a folder to serve as it is instead of what tests read. `more`: headers of the page and of scripts.
 */
export function startServer(
  scripts: Map<string, Uint8Array<ArrayBuffer> | string>,
  only?: string,
  more: Readonly<Record<string, string>> = {},
) {
  const weights = new Weights();
  const served = only ? [["/", `${only}/`]] : mounts();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {}, onError }, answer);
  const url = `http://127.0.0.1:${server.addr.port}/`;
  return { url, stop: () => server.shutdown() };

  function onError(error: unknown): Response {
    if (String(error) !== BROKEN) console.error(error);
    return new Response("broken", { status: 500 });
  }

  async function answer(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const script = scripts.get(pathname);
    if (script !== undefined) return new Response(script, { headers: { ...more, "content-type": type(pathname) } });
    if (pathname === "/") return new Response(html, { headers: { ...more, "content-type": type("/") } });
    if (pathname.startsWith("/weights")) return await weights.answer(request);
    if (pathname.startsWith("/versioned/")) {
      const answer = await file(request, decodeURIComponent(pathname.slice("/versioned".length)));
      answer.headers.set("etag", '"1"');
      return answer;
    }
    if (pathname === "/golden") {
      const cases = await listGolden(searchParams.get("kind") ?? "");
      return Response.json(cases.map(({ name, json, floats }) => ({ name, json: urlOf(json), floats: urlOf(floats) })));
    }
    if (pathname === "/model") {
      const folder = await modelFolder(searchParams.get("name") ?? "");
      return Response.json(folder && urlOf(folder));
    }
    return await file(request, decodeURIComponent(pathname));
  }

  function urlOf(path: string): string {
    const [prefix, folder] = served.find(([, folder]) => path.startsWith(folder))!;
    return url + prefix.slice(1) + path.slice(folder.length);
  }

  /** A file or, where the request names one, a range of its bytes. */
  async function file(request: Request, pathname: string): Promise<Response> {
    const [prefix, folder] = served.find(([prefix]) => pathname.startsWith(prefix)) ?? ["", ""];
    const absent = new Response("not found", { status: 404 });
    if (!prefix || pathname.includes("/../")) return absent;
    const all = await Deno.readFile(folder + pathname.slice(prefix.length)).catch(() => null);
    if (!all) return absent;
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("range") ?? "");
    const begin = Number(range?.[1] ?? 0);
    const end = range?.[2] ? Math.min(Number(range[2]) + 1, all.length) : all.length;
    if (begin > all.length) return new Response(null, { status: 416 });
    const headers: Record<string, string> = {
      "content-type": type(pathname),
      "content-length": `${end - begin}`,
      "accept-ranges": "bytes",
    };
    if (range) headers["content-range"] = `bytes ${begin}-${end - 1}/${all.length}`;
    const body = request.method === "HEAD" ? null : all.subarray(begin, end);
    return new Response(body, { status: range ? 206 : 200, headers });
  }
}

function type(path: string): string {
  const ending = path.endsWith("/") ? "html" : path.split(".").at(-1) ?? "";
  const types: Record<string, string> = {
    js: "text/javascript",
    html: "text/html; charset=utf-8",
    json: "application/json",
    wasm: "application/wasm",
  };
  return types[ending] ?? "application/octet-stream";
}
