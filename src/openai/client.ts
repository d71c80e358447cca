/** Models as an object of the shape of the package `openai`'s client, in this process: no server, no network. */
import { known } from "../options/check.ts";
import type { GenerateOptions } from "../options/generate.ts";
import type { SessionOptions } from "../options/session.ts";
import { refuse, words } from "../errors.ts";
import type { Model } from "../session/model.ts";
import { type ChatChunk, chatChunks, type ChatCompletion, chatCompletion } from "./chat.ts";
import { type Completion, completion, completionChunks } from "./completions.ts";
import { type Embeddings, embeddings } from "./embeddings.ts";
import { answerRequest } from "./fetch.ts";
import { type Hosted, usualSession } from "./hosted.ts";
import { listModels, type ModelObject, oneModel } from "./models.ts";
import { wantsStream } from "./routes.ts";
import { type Caller, type Limits, Service } from "./service.ts";

/** A request: the API's fields, and kvcap's options in snake case. What they may be is checked when it is asked. */
export interface RequestBody {
  /** The model's name; default: the only one, or the first. */
  readonly model?: string;
  /** Whether the answer is wanted piece by piece. Default false. */
  readonly stream?: boolean;
  /** What else the API has, and kvcap. */
  readonly [field: string]: unknown;
}

/** How a request is asked. */
export interface RequestOptions {
  /** Ends the answer at its next step; what was asked is rejected with its reason. */
  readonly signal?: AbortSignal;
}

/** The pieces of an answer, once; leaving the loop ends it. */
export interface Chunks<T> extends AsyncIterable<T> {
  /** Aborting it ends the answer. */
  readonly controller: AbortController;
}

/** What is asked, whole or piece by piece. */
export interface Creating<Whole, Chunk> {
  /** Piece by piece. @throws RequestError, as a rejection */
  create(body: RequestBody & { readonly stream: true }, options?: RequestOptions): Promise<Chunks<Chunk>>;
  /** As a whole. @throws RequestError, as a rejection */
  create(body: RequestBody & { readonly stream?: false }, options?: RequestOptions): Promise<Whole>;
}

/** What models are asked with. */
export interface Client {
  /** Answers in conversations. */
  readonly chat: { readonly completions: Creating<ChatCompletion, ChatChunk> };
  /** Texts gone on with. */
  readonly completions: Creating<Completion, Completion>;
  /** Vectors of texts. */
  readonly embeddings: {
    /** @throws RequestError, as a rejection */
    create(body: RequestBody, options?: RequestOptions): Promise<Embeddings>;
  };
  /** The models' names. */
  readonly models: {
    list(): Promise<{ readonly object: "list"; readonly data: readonly ModelObject[] }>;
    retrieve(name: string): Promise<ModelObject>;
  };
  /**
   * Answers requests to any address that ends in `/v1/…`: other clients of the API take it in place of the network's, as
   * `new OpenAI({ baseURL: "http://kvcap/v1", apiKey: "none", fetch: client.fetch })`.
   */
  fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response>;
  /** Gives the sessions of all conversations back. The models are the caller's. */
  dispose(): void;
}

/** How models are asked. */
export interface ClientOptions {
  /** How caches are kept where a request does not say. Default: 512 slots, `positions: "cache"`. */
  readonly session?: SessionOptions;
  /** How texts go where a request does not say. Default: as the model's files say, at temperature 1 where they do not. */
  readonly generate?: GenerateOptions;
  /** Requests answered at once; the others wait. Default 4. */
  readonly parallel?: number;
  /** Bytes of all sessions: conversations that were not asked for longest go first. Default 1 GB. */
  readonly memory?: number;
}

const LIMITS: Limits = {
  ...{ parallel: 4, waiting: 10_000, tokens: 4096, prompt: 10_000_000, memory: 1e9 },
  time: 2 ** 31 - 1, // as long as a timer may
};

/**
 * An object of the shape of the package `openai`'s client. Conversations go on in their caches, as `kvcap serve` has them: docs/serving.md.
 * @param models one, which is called "kvcap", or several by their names
 * @throws RangeError for an unknown option, or no model
 */
export function openai(models: Model | Readonly<Record<string, Model>>, options: ClientOptions = {}): Client {
  known("make the client", options, ["session", "generate", "parallel", "memory"]);
  const { session = {}, generate = {}, parallel = LIMITS.parallel, memory = LIMITS.memory } = options;
  const named = isModel(models) ? { kvcap: models } : models;
  const since = Math.floor(Date.now() / 1000);
  const hosted = Object.entries(named).map(([name, model]): Hosted => ({
    name,
    model,
    session: usualSession(session),
    generate,
    since,
  }));
  if (hosted.length === 0) refuse("make the client", "there must be a model", words("none"));
  const service = new Service(hosted, { ...LIMITS, parallel, memory });
  return {
    chat: { completions: creating(service, chatCompletion, chatChunks) },
    completions: creating(service, completion, completionChunks),
    embeddings: { create: async (body, { signal } = {}) => await embeddings(service, body, callerOf(signal)) },
    models: {
      list: () => Promise.resolve(listModels(service)),
      retrieve: async (name) => await Promise.resolve(oneModel(service, name)),
    },
    fetch: (input, init) => answerRequest(service, new Request(input, init)),
    dispose: () => service.close(),
  };
}

const isModel = (models: Model | Readonly<Record<string, Model>>): models is Model =>
  typeof models.session === "function";
const callerOf = (signal = new AbortController().signal): Caller => ({ owner: "", client: "", signal });

function creating<W, C>(
  service: Service,
  whole: (service: Service, body: unknown, caller: Caller) => Promise<W>,
  chunks: (service: Service, body: unknown, caller: Caller) => AsyncGenerator<C, void, void>,
): Creating<W, C> {
  const create = async (body: RequestBody, { signal }: RequestOptions = {}) => {
    if (!wantsStream(body)) return await whole(service, body, callerOf(signal));
    const controller = new AbortController();
    const both = signal ? AbortSignal.any([signal, controller.signal]) : controller.signal;
    const pieces = chunks(service, body, callerOf(both));
    const first = await pieces.next(); // what is wrong with the request is thrown now
    return { controller, [Symbol.asyncIterator]: () => from(first, pieces) };
  };
  return { create } as Creating<W, C>;
}

async function* from<C>(
  first: IteratorResult<C, void>,
  rest: AsyncGenerator<C, void, void>,
): AsyncGenerator<C, void, void> {
  try {
    if (first.done) return;
    yield first.value;
    yield* rest;
  } finally {
    await rest.return();
  }
}
