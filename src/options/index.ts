/** Every option a user may set: its type, its default and its check, a file for each theme. Inner code trusts what leaves here. */
import { KV_TYPES, type KvType } from "../engine/kv.ts";
import { WEIGHT_TYPES, type WeightType } from "../engine/quantise.ts";
import type { OnUnkept } from "../files/access.ts";
import { callback, flag, known, oneOf, refuse, whole } from "./check.ts";
import { SESSION_NAMES, type SessionOptions } from "./session.ts";

export {
  type ChatOptions,
  checkChat,
  type CheckedGenerate,
  checkGenerate,
  checkPromptIds,
  type GenerateOptions,
} from "./generate.ts";
export { checkPins, checkRoom, checkSpan, leastOf, type Span } from "./room.ts";
export type { OwnScore, RuleOptions } from "./rule.ts";
export { type CheckedSession, checkSession, type Count, type SessionHost, type SessionOptions } from "./session.ts";

/** How a model is loaded. */
export interface LoadOptions {
  /** A device of your own; by default one is opened with the adapter's largest bindings, and closed with the model. */
  device?: GPUDevice;
  /** Largest buffer a kernel may bind, in bytes; larger weights are split. Default: what the device allows. */
  maxBinding?: number;
  /**
   * Bytes of GPU memory that weights and all sessions together never exceed, uploads, scratch and what is mapped back included.
   * A session without a budget takes the most slots that fit. Default: no bound.
   */
  memory?: number;
  /** How sessions store K and V that are not told otherwise: "f32", "f16" or "q8". Default "f16". */
  kv?: KvType;
  /**
   * Quantises matrices, embeddings among them, that the file holds as plain numbers: "q8" or "q4", 1.0625 or 0.5625 bytes a
   * weight (see model/quantise.ts). Norms, biases, and matrices whose rows are no multiple of 32 stay as they are. Default:
   * all stays as it is.
   */
  weights?: WeightType;
  /** Hears how many bytes of weights have been read. */
  onProgress?: (done: number, total: number) => void;
  /** Hears how many bytes of a file have been downloaded; total is null where the server does not say. */
  onDownload?: (file: string, done: number, total: number | null) => void;
  /** Hears, in a line, that files go on to be read but are not kept as they should be, and why. Default: `console.warn`. */
  onWarning?: OnUnkept;
  /** Whether files from the network are kept for the next time. Default true. */
  cache?: boolean;
  /** Base URL of the hub that `hf:` names mean. Default: $HF_ENDPOINT, or https://huggingface.co. */
  hub?: string | URL;
  /** The hub's token, sent to the hub alone. Default: $HF_TOKEN. */
  token?: string;
}

/** A session's options, and how a text is measured. */
export interface PerplexityOptions extends SessionOptions {
  /** Tokens at the start that are read but not counted. With pinPrompt these are pinned. Default 1. */
  first?: number;
  /** Hears how many tokens have been read. */
  onProgress?: (done: number, total: number) => void;
}

/** Fills in the defaults of loading; what reaches the network is left for openAccess. @throws RangeError */
export function checkLoad(options: LoadOptions) {
  const action = "load model";
  known(action, options, [
    "device",
    "maxBinding",
    "memory",
    "kv",
    "weights",
    "onProgress",
    "onDownload",
    "onWarning",
    "cache",
    "hub",
    "token",
  ]);
  const maxBinding = options.maxBinding === undefined
    ? Infinity
    : whole(action, "maxBinding", options.maxBinding, 1, Number.MAX_SAFE_INTEGER);
  const memory = options.memory === undefined
    ? Infinity
    : whole(action, "memory", options.memory, 1, Number.MAX_SAFE_INTEGER);
  const onProgress = callback(action, "onProgress", options.onProgress) ?? (() => {});
  const onDownload = callback(action, "onDownload", options.onDownload) ?? undefined;
  const onWarning = callback(action, "onWarning", options.onWarning) ?? undefined;
  if (options.device !== undefined && typeof options.device?.createComputePipeline !== "function") {
    refuse(action, "device must be a GPUDevice", options.device);
  }
  const kv = oneOf(action, "kv", options.kv ?? "f16", KV_TYPES);
  const weights = options.weights === undefined ? null : oneOf(action, "weights", options.weights, WEIGHT_TYPES);
  const cache = flag(action, "cache", options.cache ?? true);
  const { device, hub, token } = options;
  if (token !== undefined && typeof token !== "string") refuse(action, "token must be a string", typeof token);
  return { device, maxBinding, memory, kv, weights, onProgress, access: { onDownload, onWarning, cache, hub, token } };
}

/** Fills in the defaults of a measurement; the session's options are left for checkSession. @throws RangeError */
export function checkPerplexity(options: PerplexityOptions) {
  const action = "measure perplexity";
  known(action, options, [...SESSION_NAMES, "first", "onProgress"]);
  const { first = 1, onProgress = () => {}, ...session } = options;
  whole(action, "first", first, 1);
  if (typeof onProgress !== "function") refuse(action, "onProgress must be a function", onProgress);
  return { first, onProgress, ...session };
}
