/** An object of the shape of the package `openai`'s client, over whatever fetches. */
import type { ChatChunk, ChatCompletion } from "./chat-types.ts";
import type { Completion } from "./completions.ts";
import type { Embeddings } from "./embeddings.ts";
import type { ModelObject } from "./models.ts";
import { RequestError } from "./refusals.ts";

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
  /** Gives the sessions of all conversations back, and answers no more. The models are the caller's. */
  dispose(): void;
}

const BASE = "http://kvcap/v1";

/** @param fetch answers requests to BASE @param dispose gives back what stands behind it */
export function clientOver(fetch: Client["fetch"], dispose: () => void): Client {
  const ask = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(`${BASE}${path}`, init);
    if (!answer.ok) throw await errorOf(answer);
    return answer;
  };
  const post = (path: string, body: RequestBody, { signal }: RequestOptions = {}) => {
    const headers = { "content-type": "application/json" };
    return ask(path, { method: "POST", headers, body: JSON.stringify(body), ...(signal ? { signal } : {}) });
  };
  const creating = <W, C>(path: string): Creating<W, C> => {
    const create = async (body: RequestBody, { signal }: RequestOptions = {}) => {
      const controller = new AbortController();
      const either = signal ? AbortSignal.any([signal, controller.signal]) : controller.signal;
      const answer = await post(path, body, { signal: either });
      return body.stream === true
        ? { controller, [Symbol.asyncIterator]: () => chunksOf(answer) }
        : await answer.json();
    };
    return { create } as Creating<W, C>;
  };
  return {
    chat: { completions: creating("/chat/completions") },
    completions: creating("/completions"),
    embeddings: { create: async (body, options) => await (await post("/embeddings", body, options)).json() },
    models: {
      list: async () => await (await ask("/models")).json(),
      retrieve: async (name) => await (await ask(`/models/${encodeURIComponent(name)}`)).json(),
    },
    fetch,
    dispose,
  };
}

async function errorOf(answer: Response): Promise<RequestError> {
  const { error: { message, code, param } } = await answer.json();
  const retryAfter = answer.headers.get("retry-after");
  return new RequestError(message, {
    ...{ status: answer.status, code, param },
    ...(retryAfter === null ? {} : { retryAfter: Number(retryAfter) }),
  });
}

/** The chunks of server-sent events. @throws RequestError for what went wrong on the way */
// deno-lint-ignore no-explicit-any
async function* chunksOf(answer: Response): AsyncGenerator<any, void, void> {
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    while (true) {
      const { value, done } = await reader.read();
      if (done) return;
      const events = (rest + value).split("\n\n");
      rest = events.pop()!;
      for (const event of events) {
        const data = event.slice("data: ".length);
        if (data === "[DONE]") return;
        const chunk = JSON.parse(data);
        if (chunk.error) throw new RequestError(chunk.error.message, { status: 500, ...chunk.error });
        yield chunk;
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
