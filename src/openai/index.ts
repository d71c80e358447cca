/**
 * kvcap/openai: models asked as the OpenAI API is, in this process: an object of the shape of the package `openai`'s client, and a `fetch`
 * for any other client of the API.
 *
 * @example An answer, piece by piece
 * ```ts
 * import { load } from "kvcap";
 * import { openai } from "kvcap/openai";
 *
 * const model = await load("smollm2-135m");
 * const client = openai(model, { session: { budget: 512 } });
 * const messages = [{ role: "user", content: "Tell me of the sea." }];
 * let text = "";
 * for await (const chunk of await client.chat.completions.create({ messages, stream: true })) {
 *   text += chunk.choices[0]?.delta.content ?? "";
 * }
 * console.log(text);
 * ```
 * @module
 */
export { type ClientOptions, openai } from "./client.ts";
export type { Chunks, Client, Creating, RequestBody, RequestOptions } from "./over-fetch.ts";
export type {
  ApiCall,
  ChatChoice,
  ChatChunk,
  ChatCompletion,
  ChatDelta,
  FinishReason,
  TokenLogprob,
} from "./chat-types.ts";
export type { Completion, CompletionChoice, CompletionLogprobs } from "./completions.ts";
export type { Embeddings } from "./embeddings.ts";
export type { ModelObject } from "./models.ts";
export { type RefusalParts, RequestError } from "./refusals.ts";
export type { Usage } from "./writing.ts";
