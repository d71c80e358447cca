// Model files behind a base URL. Weights are read by byte range, so that a tensor can go to the GPU while the rest of a
// file of several gigabytes is never held; a server that ignores ranges is asked for each file once, and the body is kept.
import { checkName, checkRange, decodeText, oneLine, unreadable } from "./refuse.ts";
import type { Source } from "./source.ts";

/** What the first request for a file has shown. */
interface Remote {
  missing: string | null; // the answer of a server that does not have the file
  size: number; // bytes
  whole: Uint8Array<ArrayBuffer> | null; // the file itself, where the server does not serve ranges
  ahead?: { begin: number; bytes: Uint8Array<ArrayBuffer> }; // what came with the last small read
}

// A model has hundreds of small tensors, mostly neighbours: one request brings the next ones too. Bytes.
const AHEAD = 2 << 20;

/** Files below a URL. A query in the URL (an access token, a revision) goes with every request. */
export function urlSource(base: URL, name: string): Source {
  const remotes = new Map<string, Promise<Remote>>();

  function place(file: string): string {
    const url = new URL(base);
    url.hash = "";
    url.pathname = base.pathname.replace(/\/*$/, "/") + checkName(file).split("/").map(encodeURIComponent).join("/");
    return url.href;
  }

  /** One request. @throws Error unless the answer is data, or says that the file is missing. */
  async function ask(file: string, range?: [number, number], method = "GET"): Promise<Response> {
    const url = place(file);
    const headers = new Headers();
    if (range) {
      headers.set("range", `bytes=${range[0]}-${range[1] - 1}`);
      // Lengths and ranges are of the file itself, never of a compressed form (browsers see to that by themselves).
      headers.set("accept-encoding", "identity");
    }
    let response: Response;
    try {
      response = await fetch(url, { headers, method });
    } catch (error) {
      throw unreadable(`${url} must be reachable`, oneLine(String(error)), error);
    }
    if (!response.ok && response.status !== 416 && !isMissing(response)) {
      await response.body?.cancel();
      throw unreadable(`${url} must answer with a file`, status(response));
    }
    return response;
  }

  /** Asks for the first byte: the answer says whether the file exists, its length, and whether ranges are served. */
  async function probe(file: string): Promise<Remote> {
    const response = await ask(file, [0, 1]);
    if (response.status === 200 && !isMissing(response)) {
      const whole = await body(file, response);
      return { missing: null, size: whole.length, whole };
    }
    await response.body?.cancel();
    if (isMissing(response)) return { missing: status(response), size: 0, whole: null };
    if (response.status === 416) return { missing: null, size: 0, whole: null }; // an empty file has no first byte
    const total = /^bytes 0-0\/(\d+)$/.exec(response.headers.get("content-range") ?? "")?.[1];
    if (total !== undefined) return { missing: null, size: Number(total), whole: null };
    // Another origin may hide Content-Range from a page; Content-Length is always in sight.
    const head = await ask(file, undefined, "HEAD");
    await head.body?.cancel();
    const length = head.headers.get("content-encoding") ? null : head.headers.get("content-length");
    if (!head.ok || !/^\d+$/.test(length ?? "")) throw unreadable(`${place(file)} must say its length`, "none");
    return { missing: null, size: Number(length), whole: null };
  }

  /** The probe of a file, made once; one that failed may be tried again. */
  function find(file: string): Promise<Remote> {
    let found = remotes.get(file);
    if (!found) {
      found = probe(file);
      remotes.set(file, found);
      found.catch(() => remotes.delete(file));
    }
    return found;
  }

  async function get(file: string): Promise<Remote> {
    const remote = await find(file);
    if (remote.missing !== null) throw unreadable(`${place(file)} must be a file of the model`, remote.missing);
    return remote;
  }

  async function body(file: string, response: Response): Promise<Uint8Array<ArrayBuffer>> {
    try {
      return new Uint8Array(await response.arrayBuffer());
    } catch (error) {
      throw unreadable(`${place(file)} must arrive whole`, oneLine(String(error)), error);
    }
  }

  async function read(file: string, begin: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    const remote = await get(file);
    checkRange(file, begin, end, remote.size);
    if (remote.whole) return remote.whole.slice(begin, end);
    const { ahead } = remote;
    if (ahead && begin >= ahead.begin && end <= ahead.begin + ahead.bytes.length) {
      return ahead.bytes.slice(begin - ahead.begin, end - ahead.begin);
    }
    if (end - begin >= AHEAD) return await request(file, remote, begin, end);
    if (begin === end) return new Uint8Array(0);
    const bytes = await request(file, remote, begin, Math.min(begin + AHEAD, remote.size));
    remote.ahead = { begin, bytes };
    return bytes.slice(0, end - begin);
  }

  async function request(file: string, remote: Remote, begin: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    const response = await ask(file, [begin, end]);
    if (isMissing(response)) {
      await response.body?.cancel();
      throw unreadable(`${place(file)} must be a file of the model`, status(response));
    }
    const bytes = await body(file, response);
    const whole = response.status === 200; // this time the whole file came: keep it and ask no more
    const wanted = whole ? remote.size : end - begin;
    const range = response.headers.get("content-range");
    if (!whole && range !== null && range !== `bytes ${begin}-${end - 1}/${remote.size}`) {
      throw unreadable(`${place(file)} must give bytes ${begin}-${end - 1} of ${remote.size}`, oneLine(range));
    }
    if (bytes.length !== wanted) throw unreadable(`${place(file)} must give ${wanted} bytes`, String(bytes.length));
    if (!whole) return bytes;
    remote.whole = bytes;
    return bytes.slice(begin, end);
  }

  /** Text goes without a range, so that servers may compress it. */
  async function text(file: string): Promise<string> {
    const known = await remotes.get(file);
    if (known?.whole) return decodeText(known.whole, place(file));
    const response = await ask(file);
    if (isMissing(response)) {
      await response.body?.cancel();
      throw unreadable(`${place(file)} must be a file of the model`, status(response));
    }
    return decodeText(await body(file, response), place(file));
  }

  return {
    name,
    read,
    text,
    has: async (file) => !(await find(file)).missing,
    size: async (file) => (await get(file)).size,
  };
}

/**
 * Whether an answer says that there is no such file: stores that do not list their files answer 401 or 403, and development
 * servers and single-page sites answer with a page.
 */
function isMissing(response: Response): boolean {
  return [401, 403, 404, 410].includes(response.status) || response.ok && isPage(response);
}

function isPage(response: Response): boolean {
  return /^text\/html\b/i.test(response.headers.get("content-type") ?? "");
}

function status(response: Response): string {
  return response.ok && isPage(response) ? "an HTML page" : `status ${response.status}`;
}
