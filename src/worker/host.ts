/** A worker that answers requests of pages. */
import { messageOf } from "../errors.ts";
import type { Client } from "../openai/over-fetch.ts";
import { whenFree } from "./lock.ts";
import { type Asked, MARK, type Said, type Wish } from "./protocol.ts";

/** What hears messages: a worker's scope, a shared worker's, a service worker's, or a port. */
export interface Hearing {
  addEventListener(type: string, listener: (event: MessageEvent) => void): void;
}

/**
 * Answers the requests of all who `connect` to this worker, dedicated, shared or service worker alike.
 * @param scope the worker's `self`
 * @param client what answers: kvcap/openai's client, or a promise of it, which requests wait for
 */
export function host(scope: Hearing, client: Client | Promise<Client>): void {
  const ready = Promise.resolve(client);
  ready.catch(() => {}); // who asks hears of it
  const listen = (hearing: Hearing) =>
    hearing.addEventListener("message", ({ data, ports }) => {
      if (data?.kvcap === MARK && ports.length === 1) answer(ready, data, ports[0]);
    });
  listen(scope);
  scope.addEventListener("connect", ({ ports: [port] }) => { // of a shared worker
    listen(port);
    port.start();
  });
}

const PATIENCE = 600_000; // ms: a page that wishes for nothing any more is taken to be gone

async function answer(ready: Promise<Client>, { url, method, body, lock }: Asked, port: MessagePort): Promise<void> {
  const say = (said: Said) => port.postMessage(said);
  const stop = new AbortController();
  const wishes = new Wishes();
  const end = () => {
    stop.abort();
    wishes.add(); // so that whoever waits for one looks
  };
  port.onmessage = ({ data }: MessageEvent<Wish>) => data === "stop" ? end() : wishes.add();
  const over = whenFree(lock, end);
  try {
    const client = await ready;
    const headers = { "content-type": "application/json" };
    const init = { method, signal: stop.signal, ...(body === null ? {} : { body, headers }) };
    const response = await client.fetch(url, init);
    say({ status: response.status, headers: [...response.headers] });
    const reader = response.body!.getReader();
    while (true) {
      const late = setTimeout(end, PATIENCE);
      await wishes.next().finally(() => clearTimeout(late));
      if (stop.signal.aborted) {
        await reader.cancel();
        return say({ failed: "the page asked for nothing more" });
      }
      const { value, done } = await reader.read();
      say({ chunk: done ? null : value.slice() });
      if (done) return;
    }
  } catch (error) {
    say({ failed: messageOf(error) });
  } finally {
    over();
  }
}

/** What a page wished for and has not got. */
class Wishes {
  #count = 0;
  #heard: (() => void) | null = null;

  add(): void {
    this.#count++;
    this.#heard?.();
  }

  /** Waits for one, and takes it. */
  async next(): Promise<void> {
    if (this.#count === 0) await new Promise<void>((resolve) => this.#heard = resolve);
    this.#heard = null;
    this.#count--;
  }
}
