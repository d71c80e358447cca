/** What answers requests of the OpenAI API: models, the conversations had with them, and whose turn it is. No transport: see http. */
import { whereRoom } from "../errors.ts";
import { turn } from "../host/turn.ts";
import type { GenerateOptions } from "../options/generate.ts";
import type { SessionOptions } from "../options/session.ts";
import type { Batch } from "../session/batch.ts";
import { Conversations } from "./conversations.ts";
import type { Common } from "./fields.ts";
import { type Hosted, inChunks } from "./hosted.ts";
import { Numbers } from "./numbers.ts";
import { Queue } from "./queue.ts";
import { refuseRequest } from "./refusals.ts";
import type { Store } from "./store.ts";

/** Bounds on what is asked. */
export interface Limits {
  /** Requests that are answered at once. */
  readonly parallel: number;
  /** Requests that may wait. */
  readonly waiting: number;
  /** Tokens that one request may have written, and has where it does not say. */
  readonly tokens: number;
  /** Tokens of a prompt. */
  readonly prompt: number;
  /** Bytes of all sessions. */
  readonly memory: number;
  /** Milliseconds that an answer may take, from its turn on. */
  readonly time: number;
}

/** Lets the host's other tasks have their turn: what comes over a network among them. */
export type Breathe = () => Promise<void>;

/** Who asks. */
export interface Caller {
  /** Whose conversations are gone on with. */
  readonly owner: string;
  /** Whose turn it is. */
  readonly client: string;
  /** Aborted where nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

const USUAL = 1; // the temperature, as the API has it

export class Service {
  readonly limits: Limits;
  readonly queue: Queue;
  readonly conversations: Conversations;
  readonly numbers = new Numbers();
  readonly #models: ReadonlyMap<string, Hosted>;
  readonly #batches = new Map<Hosted, Batch>();
  #closed = false;

  /** Lets others have their turn. */
  readonly breathe: Breathe;

  constructor(
    models: readonly Hosted[],
    limits: Limits,
    { store = null, ...host }: { store?: Store | null; breathe?: Breathe } = {},
  ) {
    this.breathe = host.breathe ?? turn;
    this.#models = new Map(models.map((one) => [one.name, one]));
    this.limits = limits;
    this.queue = new Queue(limits.parallel, limits.waiting);
    this.conversations = new Conversations(limits.memory, store);
  }

  get models(): readonly Hosted[] {
    return [...this.#models.values()];
  }

  /** A model by its name; the first where none is said. @throws RequestError */
  hosted(name: string | undefined): Hosted {
    const found = name === undefined ? this.models[0] : this.#models.get(name);
    if (found) return found;
    const names = [...this.#models.keys()];
    const parts = { status: 404, param: "model", code: "model_not_found", names };
    return refuseRequest(`model must be one of ${names.join(", ")}`, name, parts);
  }

  /** Whom the answers of a model are written with: those of its other requests. Null: there is no memory for that. */
  batch(hosted: Hosted): Batch | null {
    const made = this.#batches.get(hosted) ?? (this.#closed ? null : whereRoom(() => hosted.model.batch()));
    if (made) this.#batches.set(hosted, made);
    return made;
  }

  /**
   * What a request asks for, with what holds where it says nothing.
   * @param length tokens of its answer where it does not say, if so many are allowed
   * @throws RequestError
   */
  asked(
    { model, generate, session }: Common,
    length = Infinity,
  ): { hosted: Hosted; generate: GenerateOptions; session: SessionOptions } {
    const hosted = this.hosted(model);
    const { tokens = this.limits.tokens } = hosted;
    const most = generate.maxNewTokens ?? Math.min(length, hosted.generate.maxNewTokens ?? tokens);
    if (!Number.isSafeInteger(most) || most < 0) {
      refuseRequest("max_tokens must be a whole number", most, { param: "max_tokens" });
    }
    if (most > tokens) {
      refuseRequest(`max_tokens must be at most ${tokens}`, most, { param: "max_tokens" });
    }
    const cache = { ...hosted.session, ...session };
    if (cache.policy === "full" && session.budget === undefined) delete cache.budget;
    const usual = hosted.model.sampling.temperature === undefined ? { temperature: USUAL } : {};
    const text = { ...usual, ...hosted.generate, ...generate, maxNewTokens: most };
    return { hosted, generate: text, session: inChunks(hosted, cache) };
  }

  /**
   * Runs work in its turn, step by step, and ends it where it takes too long or nobody waits: between two steps, too, as whoever asked
   * may never ask for the next.
   */
  async *inTurn<T, R>(
    caller: Caller,
    work: (signal: AbortSignal) => AsyncGenerator<T, R, void>,
  ): AsyncGenerator<T, R, void> {
    const { signal, end } = await this.#begin(caller);
    const steps = work(signal);
    let finished: Promise<unknown> | null = null;
    const finish = () => finished ??= steps.return(undefined as never).finally(end);
    const leave = () => void finish().catch(() => {}); // who asks for the next step, or leaves, hears of it
    try {
      let next = await steps.next();
      for (; !next.done; next = await steps.next()) {
        signal.addEventListener("abort", leave, { once: true });
        if (signal.aborted) leave();
        yield next.value;
        signal.removeEventListener("abort", leave);
        signal.throwIfAborted();
        await this.breathe(); // steps compute on this thread: nobody would be heard meanwhile, nor have a turn
      }
      return next.value;
    } finally {
      signal.removeEventListener("abort", leave);
      await finish();
    }
  }

  /** The same of work that is one step. */
  async whole<R>(caller: Caller, work: (signal: AbortSignal) => Promise<R>): Promise<R> {
    const { signal, end } = await this.#begin(caller);
    return await work(signal).finally(end);
  }

  async #begin({ client, signal: gone }: Caller): Promise<{ signal: AbortSignal; end: () => void }> {
    const leave = await this.queue.enter(client, gone);
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(tooLate(this.limits.time)), this.limits.time);
    const end = () => {
      clearTimeout(timer);
      leave();
    };
    return { signal: AbortSignal.any([gone, late.signal]), end };
  }

  /** Gives all back, and answers no more. */
  close(): void {
    this.#closed = true;
    for (const batch of this.#batches.values()) batch.dispose();
    this.#batches.clear();
    this.conversations.pool.close();
  }
}

function tooLate(time: number): unknown {
  try {
    return refuseRequest(`an answer must take at most ${time / 1000} seconds`, "one that takes longer", {
      status: 504,
      code: "timeout",
    });
  } catch (error) {
    return error;
  }
}
