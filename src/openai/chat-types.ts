/** Answers in conversations, as the API has them. */
import type { Usage } from "./writing.ts";

/** A call, as the API has it. */
export interface ApiCall {
  readonly id: string;
  readonly type: "function";
  readonly function: { readonly name: string; readonly arguments: string };
}

/** What a token is told by. */
export interface TokenLogprob {
  readonly token: string;
  readonly logprob: number;
  readonly bytes: readonly number[];
  readonly top_logprobs: readonly Omit<TokenLogprob, "top_logprobs">[];
}

/** A part of an answer, as it comes. */
export interface ChatDelta {
  readonly role?: "assistant";
  readonly content?: string | null;
  readonly reasoning_content?: string;
  readonly tool_calls?: readonly (ApiCall & { readonly index: number })[];
}

export type FinishReason = "stop" | "length" | "tool_calls";

export interface ChatChunk {
  readonly id: string;
  readonly object: "chat.completion.chunk";
  readonly created: number;
  readonly model: string;
  readonly choices: readonly {
    readonly index: number;
    readonly delta: ChatDelta;
    readonly logprobs: { readonly content: readonly TokenLogprob[] } | null;
    readonly finish_reason: FinishReason | null;
  }[];
  readonly usage?: Usage | null;
}

/** One answer. */
export interface ChatChoice {
  readonly index: number;
  readonly message: {
    readonly role: "assistant";
    readonly content: string | null;
    readonly reasoning_content?: string;
    readonly tool_calls?: readonly ApiCall[];
    readonly refusal: null;
  };
  readonly logprobs: { readonly content: readonly TokenLogprob[]; readonly refusal: null } | null;
  readonly finish_reason: FinishReason;
}

export interface ChatCompletion {
  readonly id: string;
  readonly object: "chat.completion";
  readonly created: number;
  readonly model: string;
  readonly choices: readonly [ChatChoice, ...ChatChoice[]];
  readonly usage: Usage;
}
