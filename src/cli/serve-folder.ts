/** A static file server on the loopback interface: whole files and byte ranges, to pages whose workers may share memory. */
import { Buffer } from "node:buffer";
import { createReadStream, realpathSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { extname, join, normalize, sep } from "node:path";
import { pipeline } from "node:stream";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
};

const PATIENCE = 60_000; // ms without a byte, of a peer that is answered
const HEADERS = {
  "cache-control": "no-cache",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "content-security-policy": "frame-ancestors 'none'",
};

/** How a folder is served. */
export interface Serving {
  /** 0: any that is free; one that is taken: the next. Default 0. */
  readonly port?: number;
  /** What to answer for a path before any file is looked for. */
  readonly overrides?: ReadonlyMap<string, string>;
  /** Another folder for paths that begin so, as "/model/". */
  readonly beside?: Readonly<Record<string, string>>;
  /** Milliseconds without a byte that a peer who is answered is waited for. */
  readonly patience?: number;
}

/**
 * Serves a folder, and nothing that a link of it leads out to, to who calls this machine by its own name. What peers that go away
 * had is given back.
 */
export function serveFolder(
  folder: string,
  { port = 0, overrides = new Map(), beside = {}, patience = PATIENCE }: Serving = {},
): Promise<{ url: string; stop: () => Promise<void> }> {
  const root = realpathSync(folder);
  let taken = port;
  const waiting = new WeakMap<Socket, ReturnType<typeof setTimeout>>();
  const wait = (socket: Socket) => {
    clearTimeout(waiting.get(socket));
    waiting.set(socket, setTimeout(() => socket.destroy(), patience));
  };
  const server = createServer((request, response) => {
    wait(request.socket);
    response.on("close", () => clearTimeout(waiting.get(request.socket)));
    response.on("error", () => response.destroy()); // of a peer that is gone
    const path = pathOf(request.url ?? "");
    const found = path?.endsWith("/") ? `${path}index.html` : path;
    const headers = { ...HEADERS, "content-type": TYPES[extname(found ?? "")] ?? "application/octet-stream" };
    const answer = (status: number, more = {}, body = "") => {
      const length = { "content-length": Buffer.byteLength(body) };
      response.writeHead(status, { ...headers, ...length, ...more }).end(request.method === "HEAD" ? undefined : body);
    };
    const refuse = (status: number, why: string) =>
      answer(status, { "content-type": "text/plain", ...request.method === "GET" ? {} : { connection: "close" } }, why);
    if (!isOurs(request.headers.host, taken)) return refuse(421, "another host");
    if (request.method !== "GET" && request.method !== "HEAD") return refuse(405, "GET or HEAD");
    if (found === null) return refuse(400, "no path");
    const override = overrides.get(found);
    if (override !== undefined) return answer(200, {}, override);
    const other = Object.keys(beside).find((begin) => found.startsWith(begin));
    const file = other === undefined
      ? openWithin(root, found)
      : openWithin(realpathSync(beside[other]), found.slice(other.length));
    if (file === null) return refuse(404, "not found");
    const { size, mtime } = file;
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
    const stream = createReadStream(file.path, { start, end });
    stream.on("data", () => wait(request.socket));
    pipeline(stream, response, (error) => error && request.socket.destroy()); // which closes the file, whoever ends
  });
  server.on("clientError", (_, socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EADDRINUSE" || port === 0) return reject(error);
      resolve(serveFolder(folder, { port: port + 1, overrides, beside, patience }));
    });
    server.listen(port, "127.0.0.1", () => {
      taken = (server.address() as AddressInfo).port;
      const stop = () => {
        server.closeAllConnections();
        return new Promise<void>((done) => server.close(() => done()));
      };
      resolve({ url: `http://localhost:${taken}/`, stop });
    });
  });
}

/** Whether a request is for this machine by a name of its own: another's page may have its name lead here. */
function isOurs(host: string | undefined, port: number): boolean {
  return host === `localhost:${port}` || host === `127.0.0.1:${port}` || port === 80 && host === "localhost";
}

/** The path that is asked for, without escapes; null where it leads out of the folder or is none. */
function pathOf(asked: string): string | null {
  if (!/^\/(?!\/)/.test(asked)) return null;
  try {
    const decoded = decodeURIComponent(new URL(asked, "http://localhost").pathname);
    return /(^|[/\\])\.\.([/\\]|$)|\0/.test(decoded) ? null : decoded;
  } catch {
    return null;
  }
}

/** A file of a folder, with all links followed; null where there is none, or where they lead out of it. */
function openWithin(root: string, path: string): { path: string; size: number; mtime: Date } | null {
  try {
    const file = realpathSync(join(root, normalize(path)));
    const found = statSync(file);
    if (!found.isFile() || !file.startsWith(root.endsWith(sep) ? root : `${root}${sep}`)) return null;
    return { path: file, size: found.size, mtime: found.mtime };
  } catch {
    return null;
  }
}
