/**
 * kvcap: language models in Deno, Node, Bun and browsers inside a fixed KV-cache budget.
 *
 * @example A story in 128 slots
 * ```ts
 * import { load } from "kvcap";
 *
 * const model = await load("models/fable-2m");
 * const session = model.session({ budget: 128 });
 * let text = "";
 * for await (const piece of session.generate("Once upon a time", { maxNewTokens: 40 })) text += piece;
 * console.log(text, session.report().liveSlots);
 * model.dispose();
 * ```
 * @module
 */
export { type ErrorCode, KvcapError, KvcapRangeError, KvcapTypeError, type Refusal } from "./errors.ts";
export type { OnWarning, Unkept } from "./files/access.ts";
export type { Budget } from "./options/budget.ts";
export type { ChatMessage, ContentPart } from "./chat/template.ts";
export type { Evicted, Logprobs, RecordSink, StepEvent } from "./options/events.ts";
export { KV_TYPES, type KvType } from "./engine/kv.ts";
export { WEIGHT_TYPES, type WeightType } from "./engine/quantise.ts";
export { load, type Model } from "./load.ts";
export type { Batch } from "./session/batch.ts";
export type { Session } from "./session/session.ts";
export type { OwnFunctions } from "./options/kept.ts";
export type { Memory } from "./memory/sizes.ts";
export { definePolicy } from "./options/own.ts";
export type {
  Aggregate,
  Biases,
  ChatOptions,
  CheckedRule,
  CheckedSession,
  Count,
  CountFrom,
  Evict,
  GenerateOptions,
  LoadOptions,
  OwnScore,
  PerplexityOptions,
  Positions,
  Protection,
  RuleOptions,
  RuleParts,
  SessionOptions,
  Span,
  TemplateOptions,
} from "./options/index.ts";
export type { Outlook } from "./eviction/outlook.ts";
export type { Perplexity } from "./session/perplexity.ts";
export {
  type Forgetting,
  type Pass,
  type Pinning,
  readRecording,
  type RecordedEvent,
  type Recording,
} from "./recording/read.ts";
export type { RecordingHeader } from "./recording/format.ts";
export { type Replay, replay } from "./recording/replay.ts";
export type { ReplayOptions } from "./recording/options.ts";
export { type Architecture, ARCHITECTURES, type Experts, type ModelConfig } from "./engine/config.ts";
export type { EncodeOptions, Tokenizer } from "./tokenizer/tokenizer.ts";
export type { Report } from "./session/report.ts";
export { policies, type Policy, type PolicyName } from "./policies/index.ts";
export type { OwnPolicy } from "./policies/own.ts";
export type { ScoreParts } from "./policies/parts.ts";
export { Core, type CoreRule, type CoreShape, type LaneScore, type LaneViews } from "./core/core.ts";
export { type Device, type DeviceName, DEVICES } from "./engine/engine.ts";
export { type Precision, PRECISIONS, type Sampler, SAMPLERS } from "./options/load.ts";
export { type EmbedOptions, POOLINGS, type TextPooling } from "./options/embed.ts";
export type { Embedded } from "./session/embed.ts";
export type { Sampling } from "./options/sampling.ts";
export type { Norms } from "./engine/norms.ts";
export { type Rope, ROPE_SCALINGS, type RopeScaling } from "./engine/rope.ts";
export { type Pooling, POOLS, type Scope, SCOPES, type Score, SCORES } from "./core/rule.ts";
export { type Allocation, ALLOCATIONS } from "./policies/allocation.ts";
export type { GpuDevice } from "./gpu/device.ts";
export type { PickedFiles } from "./files/picked.ts";
export type { QueryViews } from "./core/core.ts";
export type { FunctionPolicy } from "./policies/policy.ts";
