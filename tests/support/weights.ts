// A server of files for tests of downloads, good or bad as a test says, the same for Deno and for a page: in Deno it is started
// where it is asked for, in Chromium tests/support/server.ts answers below /weights/. And a cache of their own for both.
import * as assert from "uvu/assert";
import { folderStore } from "../../src/files/cache/folder.ts";
import { pageStore } from "../../src/files/cache/opfs.ts";
import type { Store } from "../../src/files/cache/store.ts";
import type { Access } from "../../src/files/access.ts";
import { PATIENCE } from "../../src/files/http.ts";
import { host } from "../../src/host/here.ts";
import type { Host } from "../../src/host/host.ts";
import { inBrowser } from "./files.ts";

/** How a file is served. Lists are used up, an item a request; then all is well. */
export interface Behaviour {
  size: number; // bytes
  seed?: number; // of the content
  text?: string; // the content, in place of that
  etag?: string;
  modified?: string;
  ranges?: boolean; // whether ranges are served; default true
  breaks?: number[]; // bytes of a body after which the connection breaks
  statuses?: number[]; // answered instead; 0 is none
  etags?: string[]; // of the next answers
  headers?: Record<string, string>; // added, or changed
  redirect?: string;
  slow?: number; // milliseconds before every 64 KiB
}

/** The bytes of a file. */
export function content({ size, seed = 0, text }: Behaviour): Uint8Array<ArrayBuffer> {
  if (text !== undefined) return new TextEncoder().encode(text);
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = i * 31 + (i >> 8) + seed;
  return bytes;
}

/** What a connection is broken with. */
export const BROKEN = "broken on purpose";

/** Answers /weights/NAME, POST of a Behaviour to it, and /weights-seen: what was asked since it was last asked itself. */
export class Weights {
  readonly #files = new Map<string, Behaviour>();
  #seen: string[] = [];

  async answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === "/weights-seen") return Response.json(this.#seen.splice(0));
    const name = pathname.replace(/^\/weights\//, "");
    if (request.method === "POST") {
      this.#files.set(name, await request.json());
      return new Response("set");
    }
    const { headers, method } = request;
    this.#seen.push(`${method} ${name} ${headers.get("range") ?? "-"}${headers.has("authorization") ? " token" : ""}`);
    const file = this.#files.get(name);
    return file ? this.#file(file, request) : new Response("not found", { status: 404 });
  }

  #file(file: Behaviour, request: Request): Response {
    const status = file.statuses?.shift() ?? 0;
    if (status) return new Response("in trouble", { status });
    if (file.redirect) {
      return new Response(null, { status: 302, headers: { ...file.headers, location: file.redirect } });
    }
    const all = content(file);
    const range = file.ranges === false ? null : /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("range") ?? "");
    const begin = Number(range?.[1] ?? 0), end = range?.[2] ? Math.min(Number(range[2]) + 1, all.length) : all.length;
    if (begin >= all.length && range) return new Response(null, { status: 416 });
    const headers = new Headers({ "content-type": "application/octet-stream", "content-length": `${end - begin}` });
    const etag = file.etags?.shift() ?? file.etag;
    if (etag) headers.set("etag", etag);
    if (file.modified) headers.set("last-modified", file.modified);
    if (range) headers.set("content-range", `bytes ${begin}-${end - 1}/${all.length}`);
    for (const [name, value] of Object.entries(file.headers ?? {})) headers.set(name, value);
    const probing = end - begin <= 1 && all.length > 1;
    const breaks = probing || request.method === "HEAD" ? undefined : file.breaks?.shift();
    const body = request.method === "HEAD" ? null : stream(all.subarray(begin, end), breaks, file.slow ?? 0);
    return new Response(body, { status: range ? 206 : 200, headers });
  }
}

/** Bytes piece by piece; the connection breaks after `breaks` of them. */
function stream(bytes: Uint8Array<ArrayBuffer>, breaks: number | undefined, slow: number): ReadableStream {
  const end = Math.min(bytes.length, breaks ?? Infinity);
  let at = 0;
  return new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, slow));
      if (at < end) return controller.enqueue(bytes.subarray(at, at = Math.min(end, at + 65536)));
      if (breaks === undefined) return controller.close();
      await new Promise((resolve) => setTimeout(resolve, 200)); // so that what was sent arrives
      controller.error(BROKEN);
    },
  });
}

/** Compares bytes; where they differ uvu would compare long lists for minutes. */
export function sameBytes(got: Uint8Array, wanted: Uint8Array): void {
  assert.ok(got.length === wanted.length && got.every((byte, i) => byte === wanted[i]), "the same bytes");
}

export interface Server {
  readonly url: string; // base of the files, without a slash at its end
  set(name: string, file: Behaviour): Promise<void>;
  seen(): Promise<string[]>;
  stop(): Promise<void>;
}

/** The server of this test: one of its own in Deno, the page's in a page. */
export async function startWeights(): Promise<Server> {
  const weights = new Weights();
  const own = inBrowser ? null : Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {}, onError: () => new Response("broken", { status: 500 }) },
    (request) => weights.answer(request),
  );
  const origin = own ? `http://127.0.0.1:${own.addr.port}` : location.origin;
  const server: Server = {
    url: `${origin}/weights`,
    set: async (name, file) => {
      await (await fetch(`${origin}/weights/${name}`, { method: "POST", body: JSON.stringify(file) })).text();
    },
    seen: async () => await (await fetch(`${origin}/weights-seen`)).json(),
    stop: async () => await own?.shutdown(),
  };
  await server.seen();
  return server;
}

/** Deno whose files take `room` bytes more, all together. */
export function smallDisk(room: number): Host {
  const full = () => Promise.reject(new Error("No space left on device (os error 28)"));
  const open: Host["open"] = async (path, options) => {
    const opened = await host!.open(path, options);
    return new Proxy(opened, {
      get(target, name) {
        const value = Reflect.get(target, name);
        if (name === "write") return (bytes: Uint8Array) => (room -= bytes.length) < 0 ? full() : target.write(bytes);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  };
  return { ...host!, open, makeTempDir: host!.makeTempDir, env: host!.env };
}

let caches = 0;

/** A cache of its own. */
export async function freshStore(): Promise<{ store: Store; folder: string; remove(): Promise<void> }> {
  if (inBrowser) {
    const folder = `kvcap-test-${caches++}-${Date.now()}`;
    const remove = async () => {
      const root = await navigator.storage.getDirectory();
      await root.removeEntry(folder, { recursive: true }).catch((error) => {
        if (error.name !== "NotFoundError") throw error; // a test that kept nothing
      });
    };
    return { store: pageStore(folder)!, folder, remove };
  }
  const folder = await Deno.makeTempDir({ prefix: "kvcap-cache-" });
  return { store: folderStore(host!, folder), folder, remove: () => Deno.remove(folder, { recursive: true }) };
}

/** What reaching a test's server takes; `told` is what it says. */
export function reach(
  store: Store | null,
  more: Partial<Access> = {},
): Access & { told: string[]; progress: [string, number, number | null][] } {
  const told: string[] = [], progress: [string, number, number | null][] = [];
  return {
    net: { patience: { ...PATIENCE, tries: 4, pause: 5, answer: 60_000, stall: 60_000 }, token: null },
    hub: "http://127.0.0.1:9/hub",
    store,
    onDownload: (...step) => progress.push(step),
    onFile: () => {},
    warn: (line) => told.push(line),
    onDamage: null,
    told,
    progress,
    ...more,
  };
}
