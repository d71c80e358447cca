/** What the AI SDK asks of a provider, version 3 of its specification, as far as kvcap answers it. */

/** A model that writes, as the SDK calls it. */
export interface LanguageModel {
  /** Of the specification. */
  readonly specificationVersion: "v3";
  /** Who provides it. */
  readonly provider: "kvcap";
  /** Its name. */
  readonly modelId: string;
  /** Addresses of files that it reads itself: none. */
  readonly supportedUrls: Record<string, RegExp[]>;
  /** Answers as a whole. */
  doGenerate(options: CallOptions): Promise<Generated>;
  /** Answers piece by piece. */
  doStream(options: CallOptions): Promise<{ stream: ReadableStream<StreamPart> }>;
}

/** A model that makes vectors, as the SDK calls it. */
export interface EmbeddingModel {
  /** Of the specification. */
  readonly specificationVersion: "v3";
  /** Who provides it. */
  readonly provider: "kvcap";
  /** Its name. */
  readonly modelId: string;
  /** Texts in one call. */
  readonly maxEmbeddingsPerCall: number;
  /** Whether calls may be made side by side. */
  readonly supportsParallelCalls: boolean;
  /** A vector for each text. */
  doEmbed(options: { values: string[]; abortSignal?: AbortSignal }): Promise<Embedded>;
}

/** Vectors, and what they took. */
export interface Embedded {
  /** One for each text. */
  embeddings: number[][];
  /** Tokens read. */
  usage: { tokens: number };
  /** What was not done as asked. */
  warnings: Warning[];
}

/** A part of a message. */
export interface PromptPart {
  /** text, reasoning, tool-call, tool-result, …: each has fields of its own. */
  readonly type: string;
}

/** A message. */
export interface PromptMessage {
  /** Who says it. */
  readonly role: "system" | "user" | "assistant" | "tool";
  /** What is said: the system's is a text. */
  readonly content: string | readonly PromptPart[];
}

/** What is asked. */
export interface CallOptions {
  readonly prompt: readonly PromptMessage[];
  readonly maxOutputTokens?: number;
  readonly temperature?: number;
  readonly stopSequences?: string[];
  readonly topP?: number;
  readonly topK?: number;
  readonly presencePenalty?: number;
  readonly frequencyPenalty?: number;
  readonly seed?: number;
  readonly responseFormat?: { readonly type: "text" } | { readonly type: "json"; readonly schema?: unknown };
  readonly tools?: readonly ToolAsked[];
  readonly toolChoice?: { readonly type: string; readonly toolName?: string };
  readonly abortSignal?: AbortSignal;
  /** `{ kvcap: { … } }`: fields of a request, as docs/serving.md has them: `budget`, `policy`, `conversation`, … */
  readonly providerOptions?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** A tool that may be called. */
export interface ToolAsked {
  /** "function"; what else there is, is none that kvcap has. */
  readonly type: string;
  /** Its name. */
  readonly name: string;
  /** What it does. */
  readonly description?: string;
  /** What it takes. */
  readonly inputSchema?: unknown;
}

/** What is not done as asked. */
export type Warning =
  | { readonly type: "unsupported"; readonly feature: string; readonly details?: string }
  | { readonly type: "other"; readonly message: string };

/** Why an answer ended. */
export interface FinishReason {
  /** As all providers say it. */
  readonly unified: "stop" | "length" | "tool-calls";
  /** As the API says it. */
  readonly raw: string | undefined;
}

/** Tokens that an answer took. */
export interface TokenUsage {
  /** Of the prompt: those read, and those that stood in the cache. */
  inputTokens: { total: number; noCache: number; cacheRead: number; cacheWrite: undefined };
  /** Of the answer. */
  outputTokens: { total: number; text: undefined; reasoning: undefined };
}

/** A call that the model wants made. */
export interface CallPart {
  readonly type: "tool-call";
  readonly toolCallId: string;
  readonly toolName: string;
  /** Its arguments, as JSON. */
  readonly input: string;
}

/** The cache behind an answer, under the provider's name: policy, budget, live and evicted. */
export type Metadata = Record<string, Record<string, string | number>>;

/** An answer as a whole. */
export interface Generated {
  content: ({ type: "text"; text: string } | { type: "reasoning"; text: string } | CallPart)[];
  finishReason: FinishReason;
  usage: TokenUsage;
  providerMetadata: Metadata;
  warnings: Warning[];
}

/** An answer piece by piece. */
export type StreamPart =
  | { type: "stream-start"; warnings: Warning[] }
  | { type: "text-start" | "text-end" | "reasoning-start" | "reasoning-end"; id: string }
  | { type: "text-delta" | "reasoning-delta"; id: string; delta: string }
  | CallPart
  | { type: "finish"; usage: TokenUsage; finishReason: FinishReason; providerMetadata: Metadata }
  | { type: "error"; error: unknown };
