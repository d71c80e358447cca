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
export type { Budget } from "./options/budget.ts";
export type { ChatMessage } from "./chat/template.ts";
export type { Allocation } from "./eviction/allocation.ts";
export type { Evicted } from "./eviction/evictions.ts";
export type { KvType } from "./engine/kv.ts";
export type { WeightType } from "./engine/quantise.ts";
export { load, type Model } from "./load.ts";
export type { Session } from "./session/session.ts";
export type { OwnFunctions } from "./options/kept.ts";
export type { Memory } from "./memory/sizes.ts";
export { definePolicy } from "./options/own.ts";
export type {
  Aggregate,
  ChatOptions,
  Count,
  GenerateOptions,
  LoadOptions,
  OwnScore,
  PerplexityOptions,
  Positions,
  RuleOptions,
  RuleParts,
  SessionOptions,
  Span,
} from "./options/index.ts";
export type { Outlook } from "./eviction/outlook.ts";
export type { Perplexity } from "./session/perplexity.ts";
export type { RecordingHeader } from "./recording/format.ts";
export type { RecordSink } from "./recording/recorder.ts";
export {
  type Event as RecordingEvent,
  type Pass as RecordingPass,
  readRecording,
  type Recording,
} from "./recording/read.ts";
export { type Replay, replay } from "./recording/replay.ts";
export type { ReplayOptions } from "./recording/options.ts";
export type { Report } from "./session/report.ts";
export { policies, type PolicyName } from "./policies/index.ts";
export type { OwnPolicy } from "./policies/own.ts";
export { Core, type CoreRule, type CoreShape, type LaneViews, type Pool, type Scope, type Score } from "./core/core.ts";
