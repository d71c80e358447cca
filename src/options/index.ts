/** Every option a user may set: its type, its row and its check, a file for each theme. Inner code trusts what leaves here. */
export {
  type ChatOptions,
  checkChat,
  type CheckedGenerate,
  type CheckedTemplate,
  checkGenerate,
  checkPromptIds,
  checkTemplate,
  checkText,
  type GenerateOptions,
  type TemplateOptions,
} from "./generate.ts";
export type { Biases, Count } from "./kinds.ts";
export { checkLoad, type LoadOptions } from "./load.ts";
export type { OwnScore, RuleParts } from "./parts.ts";
export { checkPerplexity, type PerplexityOptions } from "./perplexity.ts";
export { checkPins, checkRoom, leastOf } from "./room.ts";
export type { CheckedRule, RuleOptions } from "./rule.ts";
export {
  type Aggregate,
  type CheckedSession,
  checkSession,
  type CountFrom,
  type Evict,
  type Positions,
  type Protection,
  type SessionModel,
  type SessionOptions,
} from "./session.ts";
export { checkSpan, type Span } from "./span.ts";
