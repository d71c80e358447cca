/** What holds a page's engine to its worker: calls under way, and what becomes of them where it fails. */
import { refuseFailed } from "../engine/failure.ts";
import { messageOf } from "../errors.ts";
import {
  type Call,
  type CallName,
  type Calls,
  type Change,
  errorOf,
  type FromWorker,
  type ToWorker,
} from "./messages.ts";

/** A call that waits for its answer. */
interface Waiting {
  readonly action: string; // that fails with it
  readonly resolve: (answer: never) => void;
  readonly reject: (error: unknown) => void;
}

/** Hears why a worker can no longer be used that threw what nobody caught, or is sent what cannot be read. */
export function whenStopped(worker: Worker, hear: (why: string) => void): void {
  const tell = (event: Event) => {
    event.preventDefault();
    const message = (event as ErrorEvent).message ?? "a message could not be read";
    hear(`the worker of the pass stopped (${messageOf(message)})`);
  };
  worker.onerror = tell;
  worker.onmessageerror = tell;
}

export class Link {
  /** Why the worker can no longer be used; null while it can. */
  failure: string | null = null;
  /** Settles with why. */
  readonly lost: Promise<string>;
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #calls = 0;
  #lose: (why: string) => void = () => {};

  constructor(worker: Worker) {
    this.#worker = worker;
    this.lost = new Promise((resolve) => this.#lose = resolve);
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#hear(data);
    whenStopped(worker, (why) => this.fail(why));
  }

  #post(message: ToWorker, transfer: Transferable[]): void {
    if (this.failure === null) this.#worker.postMessage(message, transfer);
  }

  /** Changes a context; nothing where the worker has failed. */
  change(context: number, change: Change, transfer: Transferable[] = []): void {
    this.#post({ ...change, context }, transfer);
  }

  /** @throws Error "Cannot <action>: …" where the worker refuses, fails, or has failed */
  async ask<Name extends CallName>(
    type: Name,
    action: string,
    context: number,
    { transfer = [], ...given }: Calls[Name][0] & { transfer?: Transferable[] },
  ): Promise<Calls[Name][1]> {
    if (this.failure !== null) refuseFailed(action, this.failure);
    const call = this.#calls++;
    const answer = new Promise<Calls[Name][1]>((resolve, reject) =>
      this.#waiting.set(call, { action, resolve, reject })
    );
    this.#post({ ...given, type, call, context } as unknown as Call, transfer);
    return await answer;
  }

  #hear(message: FromWorker): void {
    if (message.type !== "answer" && message.type !== "failed") return;
    const { resolve, reject } = this.#waiting.get(message.call)!;
    this.#waiting.delete(message.call);
    if (message.type === "answer") return resolve(message.answer as never);
    reject(errorOf(message.error));
    if (message.failure !== null) this.fail(message.failure);
  }

  /** Ends the worker: calls under way are rejected, and later ones are. */
  fail(why: string): void {
    if (this.failure !== null) return;
    this.failure = why;
    this.#worker.terminate();
    for (const { action, reject } of this.#waiting.values()) {
      try {
        refuseFailed(action, why);
      } catch (error) {
        reject(error);
      }
    }
    this.#waiting.clear();
    this.#lose(why);
  }
}
