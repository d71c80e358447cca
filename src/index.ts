/**
 * kvcap: language models in Deno and in browsers inside a fixed KV-cache budget.
 *
 * ```ts
 * const model = await load("models/fable-2m");
 * const session = model.session({ policy: "roco", budget: 128 });
 * for await (const piece of session.generate("Once upon a time", { maxNewTokens: 400 })) print(piece);
 * ```
 * @module
 */
export type { Budget } from "./budget.ts";
export type { ChatMessage } from "./chat/template.ts";
export type { Evicted } from "./evictions.ts";
export type { KvType } from "./kv.ts";
export type { WeightType } from "./model/quantise.ts";
export { load, type Model } from "./model.ts";
export type { Session } from "./session.ts";
export type { OwnFunctions } from "./snapshot/session.ts";
export type { Memory } from "./sizes.ts";
export type {
  ChatOptions,
  Count,
  GenerateOptions,
  LoadOptions,
  OwnScore,
  PerplexityOptions,
  SessionOptions,
} from "./options.ts";
export type { Outlook } from "./outlook.ts";
export type { Perplexity } from "./perplexity.ts";
export { readRecording, type Recording } from "./recording/read.ts";
export { type Replay, replay } from "./recording/replay.ts";
export type { ReplayOptions } from "./options/replay.ts";
export type { Report } from "./report.ts";
export { policies, type PolicyName } from "./policies/index.ts";
export { Core, type CoreRule, type CoreShape, type LaneViews } from "./core.ts";
