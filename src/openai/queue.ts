/** Who is answered when: so many at once, and of those who wait each client in its turn. */
import { refuseRequest } from "./refusals.ts";

interface Waiting {
  readonly begin: () => void;
}

export class Queue {
  readonly #parallel: number;
  readonly #most: number;
  readonly #waiting = new Map<string, Waiting[]>(); // by client, the next in turn first
  #running = 0;

  /** @param parallel requests that are answered at once @param most requests that may wait */
  constructor(parallel: number, most: number) {
    this.#parallel = parallel;
    this.#most = most;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    let count = 0;
    for (const line of this.#waiting.values()) count += line.length;
    return count;
  }

  /**
   * Waits for this client's turn.
   * @returns what is to be called, once, when the answer is given
   * @throws RequestError where too many wait; the signal's reason
   */
  async enter(client: string, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#running >= this.#parallel) await this.#wait(client, signal);
    else this.#running++;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#running--;
      this.#next();
    };
  }

  async #wait(client: string, signal: AbortSignal): Promise<void> {
    if (this.waiting >= this.#most) {
      const parts = { status: 429, code: "queue_full", retryAfter: 1 };
      refuseRequest(`at most ${this.#most} requests may wait`, this.#most + 1, parts);
    }
    await new Promise<void>((resolve, reject) => {
      const waiting = {
        begin: () => {
          signal.removeEventListener("abort", gone);
          this.#running++;
          resolve();
        },
      };
      const gone = () => {
        this.#leave(client, waiting);
        reject(signal.reason);
      };
      signal.addEventListener("abort", gone, { once: true });
      this.#waiting.set(client, [...this.#waiting.get(client) ?? [], waiting]);
    });
  }

  #leave(client: string, one: Waiting): void {
    const line = (this.#waiting.get(client) ?? []).filter((other) => other !== one);
    if (line.length > 0) this.#waiting.set(client, line);
    else this.#waiting.delete(client);
  }

  #next(): void {
    const [entry] = this.#waiting;
    if (!entry || this.#running >= this.#parallel) return;
    const [client, [first, ...rest]] = entry;
    this.#waiting.delete(client); // behind the others
    if (rest.length > 0) this.#waiting.set(client, rest);
    first.begin();
  }
}
