// Model files behind a base URL, read where they are. Weights are read by byte range, so that a tensor can go to the GPU
// while the rest of a file of several gigabytes is never held; a server that ignores ranges is asked for each file once, and
// the body is kept.
import {
  type Answer,
  ask,
  bodyOf,
  type Gone,
  missing,
  type Net,
  patiently,
  PLAIN_NET,
  refusePassing,
  shownUrl,
} from "./http.ts";
import { type Found, type Missing, probe, validatorOf } from "./probe.ts";
import { oneLine, words } from "../errors.ts";
import { checkName, checkRange, decodeText, mostOf, refuseFile } from "./checks.ts";
import type { Source } from "./source.ts";

/** What the first request for a file has shown. */
interface Remote extends Omit<Found, "body" | "size"> {
  size: number; // bytes
  whole: Uint8Array<ArrayBuffer> | null; // the file itself, where the server does not serve ranges
  ahead?: { begin: number; bytes: Uint8Array<ArrayBuffer> }; // what came with the last small read
}

// A model has hundreds of small tensors, mostly neighbours: one request brings the next ones too. Bytes.
const AHEAD = 2 << 20;

/** The address of a file below a base URL. A query in it (an access token, a revision) goes with every request. */
export function addressOf(base: URL, file: string): string {
  const url = new URL(base);
  url.hash = "";
  url.pathname = base.pathname.replace(/\/*$/, "/") + checkName(file).split("/").map(encodeURIComponent).join("/");
  return url.href;
}

/** Refuses a file that the model needs and its server does not have. */
export function refuseAbsent(url: string, { said }: Gone): never {
  refuseFile(`${shownUrl(url)} must be a file of the model`, words(said), { code: "unreadable" });
}

/** The first request for a file. */
async function meet(net: Net, url: string): Promise<Remote | Missing> {
  const found = await probe(net, url);
  if (found.missing !== null) return found;
  const { validator, body } = found;
  if (!body) return { missing: null, size: found.size!, validator, whole: null };
  // The body is on its way; where it breaks it is asked for again.
  let answer: Answer | null = body;
  const whole = await patiently(net.patience, async () => {
    const given = answer ?? await ask(net, url);
    answer = null;
    return await complete(given, mostOf(given.url));
  });
  return { missing: null, size: whole.length, validator, whole };
}

/** A whole body of at most so many bytes. */
async function complete(answer: Answer, most: number): Promise<Uint8Array<ArrayBuffer>> {
  const gone = missing(answer);
  if (gone !== null) {
    await answer.cancel();
    refuseAbsent(answer.url, gone);
  }
  return await bodyOf(answer, most);
}

/** Bytes [begin, end) of a file; where all of it comes instead, `remote` keeps it. */
async function request(
  net: Net,
  url: string,
  remote: Remote,
  [begin, end]: [begin: number, end: number],
): Promise<Uint8Array<ArrayBuffer>> {
  return await patiently(net.patience, async () => {
    const answer = await ask(net, url, [begin, end]);
    const whole = answer.status === 200; // this time the whole file comes: keep it and ask no more
    const wanted = whole ? remote.size : end - begin;
    const bytes = await complete(answer, wanted);
    const range = answer.headers.get("content-range");
    if (!whole && range !== null && range !== `bytes ${begin}-${end - 1}/${remote.size}`) {
      refuseFile(`${answer.url} must give bytes ${begin}-${end - 1} of ${remote.size}`, words(oneLine(range)), {
        code: "unreadable",
      });
    }
    const validator = validatorOf(answer);
    if (validator !== null && remote.validator !== null && validator !== remote.validator) {
      refuseFile(`${answer.url} must stay the same while it is read`, words("another version"), {
        code: "unreadable",
      });
    }
    if (bytes.length !== wanted) {
      refusePassing(`${answer.url} must give ${wanted} bytes`, words(bytes.length));
    }
    if (!whole) return bytes;
    remote.whole = bytes;
    return bytes.slice(begin, end);
  });
}

/** Files below a URL. */
export function urlSource(base: URL, name: string, net: Net = PLAIN_NET): Source {
  const remotes = new Map<string, Promise<Remote | Missing>>();

  /** The probe of a file, made once; one that failed may be tried again. */
  function find(file: string): Promise<Remote | Missing> {
    let found = remotes.get(file);
    if (!found) {
      found = meet(net, addressOf(base, file));
      remotes.set(file, found);
      found.catch(() => remotes.delete(file));
    }
    return found;
  }

  async function get(file: string): Promise<Remote> {
    const remote = await find(file);
    if (remote.missing !== null) refuseAbsent(addressOf(base, file), remote.missing);
    return remote;
  }

  async function read(file: string, begin: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    const remote = await get(file);
    checkRange(file, begin, end, remote.size);
    if (remote.whole) return remote.whole.slice(begin, end);
    const { ahead } = remote;
    if (ahead && begin >= ahead.begin && end <= ahead.begin + ahead.bytes.length) {
      return ahead.bytes.slice(begin - ahead.begin, end - ahead.begin);
    }
    if (end - begin >= AHEAD) return await request(net, addressOf(base, file), remote, [begin, end]);
    if (begin === end) return new Uint8Array(0);
    const bytes = await request(net, addressOf(base, file), remote, [begin, Math.min(begin + AHEAD, remote.size)]);
    remote.ahead = { begin, bytes };
    return bytes.slice(0, end - begin);
  }

  /** Text goes without a range, so that servers may compress it. */
  async function text(file: string): Promise<string> {
    const known = await remotes.get(file);
    const url = addressOf(base, file);
    const bytes = known?.missing === null && known.whole
      ? known.whole
      : await patiently(net.patience, async () => await complete(await ask(net, url), mostOf(file)));
    return decodeText(bytes, shownUrl(url));
  }

  return {
    name,
    read,
    text,
    has: async (file) => (await find(file)).missing === null,
    size: async (file) => (await get(file)).size,
  };
}
