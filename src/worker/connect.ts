/** A worker's models, as a page asks them. */
import { KvcapError } from "../errors.ts";
import { type Client, clientOver } from "../openai/over-fetch.ts";
import { hold } from "./lock.ts";
import { type Asked, MARK, type Said, type Wish } from "./protocol.ts";

/** What takes messages: a worker, a shared worker's port, or a service worker. */
export interface Taking {
  postMessage(message: unknown, transfer: Transferable[]): void;
  addEventListener?(type: string, listener: (event: Event) => void): void;
  start?(): void;
}

/**
 * The client of models in a worker that has called `host`: of the same shape as there.
 * @param worker a Worker, a SharedWorker's `port`, or a ServiceWorker; it is the caller's to end
 */
export function connect(worker: Taking): Client {
  worker.start?.();
  let works = false; // it has answered
  const failed = new Promise<never>((_, reject) => {
    worker.addEventListener?.("error", (event) => {
      if (!works) reject(refusal((event as ErrorEvent).message ?? "it ended")); // else it is another program's there
    });
  });
  failed.catch(() => {}); // who waits for an answer hears of it
  return clientOver(async (input, init) => {
    const request = new Request(input, init);
    const { url, method, signal } = request;
    const body = method === "POST" ? await request.text() : null;
    const lock = await hold();
    if (signal.aborted) lock?.release();
    signal.throwIfAborted();
    const asked: Asked = { kvcap: MARK, url, method, body, lock: lock?.name ?? null };
    const { port1: port, port2 } = new MessageChannel();
    worker.postMessage(asked, [port2]);
    const heard = new Heard(port, signal, { failed, answered: () => works = true, closed: () => lock?.release() });
    const first = await heard.next();
    if (!("status" in first)) throw refusal("it answered out of turn");
    const pieces = new ReadableStream<Uint8Array>({
      async pull(controller) {
        heard.wish("next");
        const said = await heard.next();
        if (!("chunk" in said)) throw refusal("it answered out of turn");
        if (said.chunk) return controller.enqueue(said.chunk);
        controller.close();
        heard.close();
      },
      cancel: () => heard.stop(),
    }, { highWaterMark: 0 });
    return new Response(pieces, { status: first.status, headers: first.headers });
  }, () => {});
}

interface Hears {
  readonly failed: Promise<never>; // by the worker itself
  readonly answered: () => void;
  readonly closed: () => void;
}

/** What a worker says of one request. */
class Heard {
  readonly #port: MessagePort;
  readonly #closed: () => void;
  readonly #ends: Promise<never>;
  readonly #said: Said[] = [];
  #waiting: ((said: Said) => void) | null = null;

  constructor(port: MessagePort, signal: AbortSignal, { failed, answered, closed }: Hears) {
    this.#port = port;
    this.#closed = closed;
    port.onmessage = ({ data }: MessageEvent<Said>) => {
      answered();
      if (this.#waiting) this.#waiting(data);
      else this.#said.push(data);
    };
    const gone = new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => {
        this.stop();
        reject(signal.reason);
      }, { once: true });
    });
    this.#ends = Promise.race([gone, failed]);
    this.#ends.catch(() => {});
  }

  wish(wish: Wish): void {
    this.#port.postMessage(wish);
  }

  /** What it says next. @throws what ended it */
  async next(): Promise<Said> {
    const said = this.#said.shift() ??
      await Promise.race([new Promise<Said>((resolve) => this.#waiting = resolve), this.#ends]);
    this.#waiting = null;
    if ("failed" in said) {
      this.close();
      throw refusal(said.failed);
    }
    return said;
  }

  /** Ends the answer at its next step. */
  stop(): void {
    this.wish("stop");
    this.close();
  }

  close(): void {
    setTimeout(() => { // when what was said is on its way
      this.#port.close();
      this.#closed();
    }, 0);
  }
}

/** What a worker could not do, in its own words. */
function refusal(got: string): KvcapError {
  const parts = { code: "wrong-state", action: "ask the worker", rule: "it must answer", got, quoted: true } as const;
  return new KvcapError(parts);
}
