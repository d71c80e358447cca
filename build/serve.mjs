// A static file server on the loopback interface: whole files and byte ranges, to pages whose workers may share memory.
import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

/** @type {Record<string, string>} */
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
};

/**
 * Serves a folder. `overrides`: what to answer for a path before any file is looked for.
 * @param {string} folder
 * @param {{ port?: number, overrides?: Map<string, string> }} [options] port 0: any that is free; a port that is taken: the next
 * @returns {Promise<{ url: string, stop: () => Promise<void> }>}
 */
export function serveFolder(folder, { port = 0, overrides = new Map() } = {}) {
  const server = createServer((request, response) => {
    const path = decode(new URL(request.url ?? "/", "http://localhost").pathname);
    const found = path === null ? null : path.endsWith("/") ? `${path}index.html` : path;
    const headers = {
      "content-type": TYPES[extname(found ?? "")] ?? "application/octet-stream",
      "cache-control": "no-cache",
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-embedder-policy": "require-corp",
    };
    const answer = (/** @type {number} */ status, more = {}, body = "") =>
      response.writeHead(status, { ...headers, ...more }).end(request.method === "HEAD" ? undefined : body);
    if (request.method !== "GET" && request.method !== "HEAD") return answer(405);
    const override = found === null ? undefined : overrides.get(found);
    if (override !== undefined) return answer(200, {}, override);
    const file = found === null ? null : join(folder, normalize(found));
    const stat = file === null ? null : statOf(file);
    if (file === null || stat === null) return answer(404, { "content-type": "text/plain" }, "not found");
    const { size, mtime } = stat;
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
    const start = Number(range?.[1] ?? 0);
    const end = range?.[2] ? Math.min(Number(range[2]), size - 1) : size - 1;
    if (range && start > end) return answer(416, { "content-range": `bytes */${size}` });
    response.writeHead(range ? 206 : 200, {
      ...headers,
      "content-length": end - start + 1,
      "accept-ranges": "bytes",
      "last-modified": mtime.toUTCString(), // by which pages that keep files tell versions apart
      ...range ? { "content-range": `bytes ${start}-${end}/${size}` } : {},
    });
    if (request.method === "HEAD" || size === 0) return response.end();
    createReadStream(file, { start, end }).on("error", () => response.destroy()).pipe(response);
  });
  return new Promise((resolve, reject) => {
    server.once("error", (/** @type {NodeJS.ErrnoException} */ error) => {
      if (error.code !== "EADDRINUSE" || port === 0) return reject(error);
      resolve(serveFolder(folder, { port: port + 1, overrides }));
    });
    server.listen(port, "127.0.0.1", () => {
      const address = /** @type {import("node:net").AddressInfo} */ (server.address());
      const stop = () => {
        server.closeAllConnections();
        return new Promise((/** @type {(value: void) => void} */ done) => server.close(() => done()));
      };
      resolve({ url: `http://localhost:${address.port}/`, stop });
    });
  });
}

/** A path without escapes; null where it leads out of the folder or is none. */
function decode(/** @type {string} */ path) {
  try {
    const decoded = decodeURIComponent(path);
    return /(^|[/\\])\.\.([/\\]|$)|\0/.test(decoded) ? null : decoded;
  } catch {
    return null;
  }
}

/** Of a file; null where there is none. */
function statOf(/** @type {string} */ file) {
  try {
    const found = statSync(file);
    return found.isFile() ? found : null;
  } catch {
    return null;
  }
}
