/**
 * kvcap/ai: a provider for the AI SDK (`ai` from version 6 on), in a page or any process; over kvcap/worker's client, in a worker.
 *
 * @example A text, piece by piece
 * ```ts
 * import { streamText } from "ai";
 * import { load } from "kvcap";
 * import { provider } from "kvcap/ai";
 * import { openai } from "kvcap/openai";
 *
 * const kvcap = provider(openai({ smol: await load("smollm2-135m") }));
 * const { textStream } = streamText({
 *   model: kvcap("smol"),
 *   prompt: "Tell me of the sea.",
 *   providerOptions: { kvcap: { budget: 256, policy: "roco" } },
 * });
 * for await (const piece of textStream) console.log(piece);
 * ```
 * @module
 */
import type { Client } from "../openai/over-fetch.ts";
import { generatedOf, partsOf } from "./answer.ts";
import { requestOf } from "./request.ts";
import type { EmbeddingModel, LanguageModel, StreamPart } from "./spec.ts";

export type {
  CallOptions,
  CallPart,
  Embedded,
  EmbeddingModel,
  FinishReason,
  Generated,
  LanguageModel,
  Metadata,
  PromptMessage,
  PromptPart,
  StreamPart,
  TokenUsage,
  ToolAsked,
  Warning,
} from "./spec.ts";

/** What the SDK takes models from. */
export interface Provider {
  /** A model that writes, by its name. */
  (name: string): LanguageModel;
  /** Of the specification. */
  readonly specificationVersion: "v3";
  /** A model that writes, by its name. */
  languageModel(name: string): LanguageModel;
  /** A model that makes vectors: means of the last hidden states, of length 1. */
  embeddingModel(name: string): EmbeddingModel;
  /** There is none. @throws Error always */
  imageModel(name: string): never;
}

const MOST_TEXTS = 2048;

/** A provider of the models that a client has: that of kvcap/openai, or of kvcap/worker. */
export function provider(client: Client): Provider {
  const languageModel = (name: string) => languageModelOf(client, name);
  return Object.assign(languageModel, {
    specificationVersion: "v3" as const,
    languageModel,
    embeddingModel: (name: string) => embeddingModelOf(client, name),
    imageModel: (name: string): never => {
      throw new Error(`Cannot make images: a model must write or make vectors, got ${name}`);
    },
  });
}

function languageModelOf(client: Client, name: string): LanguageModel {
  const { completions } = client.chat;
  return {
    ...{ specificationVersion: "v3", provider: "kvcap", modelId: name, supportedUrls: {} },
    async doGenerate(options) {
      const { body, warnings } = requestOf(name, options);
      return generatedOf(await completions.create({ ...body, stream: false }, askedBy(options)), warnings);
    },
    async doStream(options) {
      const { body, warnings } = requestOf(name, options);
      const asked = { ...body, stream: true as const, stream_options: { include_usage: true } };
      return { stream: streamOf(partsOf(await completions.create(asked, askedBy(options)), warnings)) };
    },
  };
}

function embeddingModelOf(client: Client, name: string): EmbeddingModel {
  return {
    ...{ specificationVersion: "v3", provider: "kvcap", modelId: name },
    ...{ maxEmbeddingsPerCall: MOST_TEXTS, supportsParallelCalls: false },
    async doEmbed({ values, ...options }) {
      const { data, usage } = await client.embeddings.create({ model: name, input: values }, askedBy(options));
      const embeddings = data.map(({ embedding }) => embedding as number[]);
      return { embeddings, usage: { tokens: usage.prompt_tokens }, warnings: [] };
    },
  };
}

const askedBy = ({ abortSignal }: { abortSignal?: AbortSignal }) => abortSignal ? { signal: abortSignal } : {};

function streamOf(parts: AsyncGenerator<StreamPart, void, void>): ReadableStream<StreamPart> {
  return new ReadableStream({
    async pull(controller) {
      const { value, done } = await parts.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: async () => void await parts.return(),
  }, { highWaterMark: 0 });
}
