// Requests to servers of model files. Each is bounded in time; what may pass (a broken connection, a server in trouble)
// is told from what will not, so that only the former is tried again.
import { KvcapError, type More, oneLine, type Refusal, type Words, words } from "../errors.ts";
import { runtime } from "../host/runtime.ts";
import { refuseFile } from "./checks.ts";

/** How long to wait, and how often to try. Times in milliseconds. */
export interface Patience {
  readonly tries: number; // in a row without progress
  readonly pause: number; // before the second try; doubles with every further one
  readonly longest: number; // of pauses, those that a server asks for among them
  readonly answer: number; // until a server begins to answer
  readonly stall: number; // until the next piece of a body
  readonly window: number; // of waiting for pieces, in which there must come
  readonly least: number; // bytes
  readonly signal?: AbortSignal | null; // ends all waiting, with its reason
}

export const PATIENCE: Patience = {
  ...{ tries: 5, pause: 300, longest: 30_000, answer: 30_000, stall: 30_000 },
  ...{ window: 60_000, least: 60_000 },
};
/** For asking whether something that is at hand is still the newest. */
export const IMPATIENCE: Pick<Patience, "tries" | "answer"> = { tries: 1, answer: 5_000 };

/** How a body may be compressed where no range of it is asked for: every host undoes these, and Deno no others. */
const UNDONE = runtime === "page" ? /^(gzip|br|deflate|zstd)$/i : /^(gzip|br)$/i;

/** What requests have in common. */
export interface Net {
  readonly patience: Patience;
  /** A secret for one origin alone: fetch does not carry it to another one that a redirect names. */
  readonly token: { readonly origin: string; readonly value: string } | null;
  /** Whether to pass by the browser's own cache, where answers go into ours: it would keep them twice, and believe old ones. */
  readonly fresh?: boolean;
  /** By origin, what was answered there: where that still is, an answer that a page may not read is known from none at all. */
  readonly answered?: Map<string, string>;
}

export const PLAIN_NET: Net = { patience: PATIENCE, token: null };

/** A failure that may pass. Its sentence is the one to end with if it does not. */
export class Passing extends KvcapError {
  readonly pause: number; // milliseconds that the server asked for

  constructor(refusal: Refusal, cause: unknown, pause: number) {
    super(refusal, cause);
    this.pause = pause;
  }
}

/** As refuseFile, of what may pass. @throws Passing */
export function refusePassing(rule: string, found: Words, more: More = {}, pause = 0): never {
  const make = (refusal: Refusal, cause: unknown) => new Passing(refusal, cause, pause);
  refuseFile(rule, found, { code: "unreadable", make, ...more });
}

/** What a server answers; its body is still to come. */
export interface Answer {
  readonly url: string; // as messages show it
  readonly status: number;
  readonly headers: Headers;
  /** The body piece by piece; it can be taken once. @throws Passing where it breaks or stalls */
  pieces(): AsyncGenerator<Uint8Array<ArrayBuffer>, void>;
  /** Gives up the body. */
  cancel(): Promise<void>;
}

/** An address as messages may show it: a query may hold a secret. */
export function shownUrl(url: string): string {
  return url.replace(/[?#].*$/, "");
}

/**
 * One request, one try. `range`: bytes [begin, end) or, with an end of null, from begin on.
 * @throws Passing, or Error where the answer is neither data nor says that the file is missing
 */
export async function ask(
  net: Net,
  url: string,
  range: [begin: number, end: number | null] | null = null,
  { method = "GET", redirect = "follow" }: Pick<RequestInit, "method" | "redirect"> = {},
): Promise<Answer> {
  const { patience, token } = net;
  const headers = new Headers();
  if (range) headers.set("range", `bytes=${range[0]}-${range[1] === null ? "" : range[1] - 1}`);
  // Lengths and ranges are of the file itself, never of a compressed form (browsers see to that by themselves).
  headers.set("accept-encoding", range || method === "HEAD" ? "identity" : "gzip, br");
  if (token && new URL(url).origin === token.origin) headers.set("authorization", `Bearer ${token.value}`);
  const shown = shownUrl(url);
  const stopper = new AbortController();
  const signal = patience.signal ? AbortSignal.any([stopper.signal, patience.signal]) : stopper.signal;
  let response: Response;
  const timer = setTimeout(() => stopper.abort(), patience.answer);
  try {
    const cache = net.fresh ? "no-store" : "default";
    response = await fetch(url, { headers, method, redirect, signal, cache });
    net.answered?.set(new URL(url).origin, url);
  } catch (error) {
    patience.signal?.throwIfAborted();
    if (!stopper.signal.aborted && await isHidden(net, url)) return hidden(shown);
    const why = stopper.signal.aborted ? `no answer within ${patience.answer / 1000} s` : reason(error);
    refusePassing(`${shown} must be reachable`, words(why), { code: "unreachable", cause: error });
  } finally {
    clearTimeout(timer);
  }
  const answer: Answer = {
    url: shown,
    status: response.status,
    headers: response.headers,
    pieces: () => pieces(response, shown, stopper, patience),
    cancel: async () => {
      stopper.abort();
      await response.body?.cancel().catch(() => {});
    },
  };
  try {
    const sent = redirect === "manual" && [301, 302, 303, 307, 308].includes(response.status);
    if (!sent) checkAnswer(url, response, answer);
    if (response.ok) checkCoding(answer, range === null);
  } catch (error) {
    await answer.cancel();
    throw error;
  }
  return answer;
}

/**
 * Whether a page was answered and may not know what, as by a server that allows other origins its files, but not its 404s: the
 * same error as without a network. Then what it has answered before, it still answers.
 */
async function isHidden({ answered, patience }: Net, url: string): Promise<boolean> {
  const known = answered?.get(new URL(url).origin);
  if (runtime !== "page" || known === undefined || known === url) return false;
  const signal = AbortSignal.timeout(patience.answer);
  return await fetch(known, { method: "HEAD", cache: "no-store", signal }).then(() => true, () => false);
}

/** An answer that a page may not read, with the status that fetch gives it. */
const hidden = (url: string): Answer => ({
  ...{ url, status: 0, headers: new Headers() },
  pieces: async function* () {},
  cancel: () => Promise.resolve(),
});

/** @throws Passing, or Error where the answer is neither data nor says that the file is missing */
function checkAnswer(url: string, response: Response, answer: Answer): void {
  const { status, headers } = response;
  if (/^https:/i.test(url) && /^http:/i.test(response.url)) {
    refuseFile(`${answer.url} must stay encrypted`, words("a redirect to http"), { code: "unreadable" });
  }
  if (response.ok || status === 416 || missing(answer) !== null) return;
  const [rule, found] = [`${answer.url} must answer with a file`, words(`status ${status}`)];
  if (status < 500 && ![408, 425, 429].includes(status)) refuseFile(rule, found, { code: "unreadable" });
  refusePassing(rule, found, {}, retryAfter(headers));
}

/** Milliseconds that a server asks for, in seconds or with a date; 0 or less where it does not. */
function retryAfter(headers: Headers): number {
  const text = headers.get("retry-after") ?? "0";
  return (/^\d+$/.test(text) ? 1000 * Number(text) : Date.parse(text) - Date.now()) || 0;
}

/** Refuses bytes that are not the file's own: a host gives those of a range as they came. @throws Error */
function checkCoding({ url, headers }: Answer, whole: boolean): void {
  const coding = headers.get("content-encoding") ?? "identity";
  if (/^(identity|)$/i.test(coding) || whole && UNDONE.test(coding)) return;
  refuseFile(`${url} must answer with the file's own bytes`, words(`Content-Encoding ${oneLine(coding)}`), {
    code: "unreadable",
  });
}

async function* pieces(response: Response, shown: string, stopper: AbortController, patience: Patience) {
  const reader = response.body?.getReader();
  if (!reader) return;
  const { stall, window, least, signal } = patience;
  let bytes = 0, waited = 0; // of the window; the time of who takes the pieces is not the server's
  try {
    for (;;) {
      const began = performance.now();
      const timer = setTimeout(() => stopper.abort(), stall);
      let piece: ReadableStreamReadResult<Uint8Array<ArrayBuffer>>;
      try {
        piece = await reader.read();
      } catch (error) {
        signal?.throwIfAborted();
        const why = stopper.signal.aborted ? `nothing more within ${stall / 1000} s` : reason(error);
        refusePassing(`${shown} must arrive whole`, words(why), { cause: error });
      } finally {
        clearTimeout(timer);
      }
      if (piece.done) return;
      bytes += piece.value.length;
      waited += performance.now() - began;
      if (waited >= window) {
        if (bytes < least) {
          const found = words(`${bytes} bytes in ${Math.round(waited / 1000)} s`);
          refuseFile(`${shown} must send at least ${least} bytes in ${window / 1000} s`, found, { code: "unreadable" });
        }
        bytes = waited = 0;
      }
      yield piece.value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** What an error of fetch says; Deno puts the cause aside. */
function reason(error: unknown): string {
  const { cause } = error as { cause?: unknown };
  return oneLine(
    cause instanceof Error && !String(error).includes(cause.message) ? `${error}: ${cause.message}` : String(error),
  );
}

/** Tries again what failed but may pass: `patience.tries` times, each after twice the time. */
export async function patiently<T>(patience: Patience, work: () => Promise<T>): Promise<T> {
  for (let failed = 1;; failed++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Passing) || failed >= patience.tries) throw error;
      await pause(patience, failed, error);
    }
  }
}

/** Waits so many milliseconds. @throws the signal's reason, as soon as there is one */
export async function sleep(wait: number, signal?: AbortSignal | null): Promise<void> {
  let wake = () => {}, timer: ReturnType<typeof setTimeout> | undefined;
  await new Promise<void>((resolve) => {
    timer = setTimeout(wake = resolve, wait);
    signal?.addEventListener("abort", wake);
  });
  clearTimeout(timer); // which would keep the program
  signal?.removeEventListener("abort", wake);
  signal?.throwIfAborted();
}

/** Waits after the `failed`th failure. */
export async function pause(patience: Patience, failed: number, error: Passing): Promise<void> {
  const wait = Math.min(patience.longest, Math.max(error.pause, patience.pause * 2 ** (failed - 1)));
  await sleep(wait, patience.signal);
}

/** The whole of a body. @throws Passing, or Error where it has more than `most` bytes, of which no more are held */
export async function bodyOf(answer: Answer, most: number): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0; // bytes
  for await (const piece of answer.pieces()) {
    parts.push(piece);
    size += piece.length;
    if (size > most) refuseFile(`${answer.url} must send at most ${most} bytes`, words("more"));
  }
  if (parts.length === 1) return parts[0];
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** An answer that means "no such file". */
export interface Gone {
  /** absent: the server says so; hidden: it does not say; page: there is a page in the file's place. */
  readonly how: "absent" | "hidden" | "page";
  /** What was answered, to stand in a sentence. */
  readonly said: string;
}

/**
 * Whether an answer means "no such file", or null: stores that do not list their files answer 401 or 403, and development
 * servers and single-page sites answer with a page.
 */
export function missing({ status, headers }: Pick<Answer, "status" | "headers">): Gone | null {
  if ([404, 410].includes(status)) return { how: "absent", said: `status ${status}` };
  if ([401, 403].includes(status)) return { how: "hidden", said: `status ${status}` };
  if (status === 0) return { how: "hidden", said: "an answer that the page may not read (CORS)" };
  const page = status >= 200 && status < 300 && /^text\/html\b/i.test(headers.get("content-type") ?? "");
  return page ? { how: "page", said: "an HTML page" } : null;
}
