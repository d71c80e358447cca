/** How a model is loaded: types, rows and checks. */
import { type DeviceName, DEVICES } from "../engine/engine.ts";
import { refuse, words } from "../errors.ts";
import { KV_TYPES, type KvType } from "../engine/kv.ts";
import type { AccessOptions, OnWarning } from "../files/access.ts";
import type { GpuDevice } from "../gpu/device.ts";
import { WEIGHT_TYPES, type WeightType } from "../engine/quantise.ts";
import { ROPE_SCALINGS, type RopeAsked, type RopeScaling } from "../engine/rope.ts";
import { between, bytes, callback, flag, having, type Kind, oneOf, secret, unchecked, whole } from "./kinds.ts";
import { checkAll, type Table } from "./row.ts";

/** Every precision of quantised weights on the processor. */
export const PRECISIONS = ["fast", "exact"] as const;
/** A name of PRECISIONS. */
export type Precision = typeof PRECISIONS[number];

/** How generations go that do not say: as the model's files have it, or greedily. */
export const SAMPLERS = ["model", "greedy"] as const;
/** A name of SAMPLERS. */
export type Sampler = typeof SAMPLERS[number];

/** How a model is loaded. */
export interface LoadOptions {
  /**
   * What computes: "webgpu", a GPU, opened with the adapter's largest bindings and closed with the model; a GPUDevice of your
   * own; "wasm", the processor, which needs no GPU; "auto", a GPU where there is a real one that is large enough, else the
   * processor.
   * Default "auto".
   */
  device?: "auto" | DeviceName | GpuDevice;
  /**
   * How many threads a model on the processor runs on, 1 to 64: workers that share its memory, where the host lets them (of
   * pages, cross-origin isolated ones). Default: the processor's, at most 8.
   */
  threads?: number;
  /**
   * How quantised weights are multiplied on the processor: "exact", by activations in f32, as plain weights are; or "fast",
   * by activations that are rounded, in blocks of 32, to 16 bits, or to bytes where weights of at most 4 bits meet a block with
   * no number that is large beside its row. Default "fast".
   */
  precision?: Precision;
  /** Largest buffer a kernel may bind, in bytes; larger weights are split. Default: what the device allows. */
  maxBinding?: number;
  /**
   * Bytes of the device's memory that weights and all sessions together never exceed, uploads, scratch and what is mapped back included.
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
  /**
   * How generations go that do not say: "model", as its generation_config.json has it, or a GGUF file's `general.sampling`; or
   * "greedy", whatever they say. Default "model".
   */
  sampling?: Sampler;
  /**
   * Turns positions otherwise than the model's files say: "none", "linear", "dynamic" (NTK-aware) or "yarn", by `ropeFactor`, as
   * transformers does, over the files' `rope_theta`.
   */
  ropeScaling?: RopeScaling;
  /** The factor of `ropeScaling`, at least 1. */
  ropeFactor?: number;
  /**
   * How many tokens texts are to have, where rope depends on that: dynamic rope is fixed for this length, and longrope takes its long
   * factors beyond the model's first length. Keys that are cached keep their angles, so that one length holds for all. Default: the
   * length that the model was made for; longrope takes its short factors.
   */
  ropeLength?: number;
  /** Hears how many bytes of weights have been read. */
  onProgress?: (done: number, total: number) => void;
  /** Hears how many bytes of a file have been downloaded; total is null where the server does not say. */
  onDownload?: (file: string, done: number, total: number | null) => void;
  /**
   * Hears, in a line, that files go on to be read but are not kept as they should be, or ("model") what is odd about the model: a head of
   * its own where config.json says that it has none. Default: `console.warn`.
   */
  onWarning?: OnWarning;
  /** Whether files from the network are kept for the next time. Default true. */
  cache?: boolean;
  /** Base URL of the hub that `hf:` names mean. Default: $HF_ENDPOINT, or https://huggingface.co. */
  hub?: string | URL;
  /** The hub's token, sent to the hub alone. Default: $HF_TOKEN. */
  token?: string;
  /** Ends the loading with the signal's reason; what has come of a file stays in the cache, and the next loading goes on there. */
  signal?: AbortSignal;
}

const NAMES = ["auto", ...DEVICES] as const;
const named = oneOf(NAMES, `one of ${NAMES.join(", ")}, or a GPUDevice`);
const given = having<GpuDevice>("createComputePipeline", "a GPUDevice");
const device: Kind<"auto" | DeviceName | GpuDevice> = {
  written: "name",
  names: NAMES,
  check: (value, name, at) => (typeof value === "object" ? given : named).check(value, name, at),
};

/** One row each. */
export const LOAD = {
  device: { kind: device, default: "auto" },
  threads: { kind: whole(1, 64) },
  precision: { kind: oneOf(PRECISIONS), default: "fast" },
  maxBinding: { kind: bytes },
  memory: { kind: bytes },
  kv: { kind: oneOf(KV_TYPES), default: "f16" },
  weights: { kind: oneOf(WEIGHT_TYPES), default: null },
  sampling: { kind: oneOf(SAMPLERS), default: "model" },
  ropeScaling: { kind: oneOf(ROPE_SCALINGS) },
  ropeFactor: { kind: between(1, 1024) },
  ropeLength: { kind: whole(1, 2 ** 31 - 1) },
  onProgress: { kind: callback(), default: () => {} },
  onDownload: { kind: callback() },
  onWarning: { kind: callback() },
  cache: { kind: flag, default: true },
  hub: { kind: unchecked() },
  token: { kind: secret },
  signal: { kind: having("throwIfAborted", "an AbortSignal"), default: null },
} as const satisfies Table<LoadOptions>;

/** What is loaded with: every default filled in, and apart from the rest what reaches the network. */
export interface CheckedLoad {
  readonly device: "auto" | DeviceName | GpuDevice;
  readonly threads: number | undefined;
  readonly precision: Precision;
  readonly maxBinding: number;
  readonly memory: number;
  readonly kv: KvType;
  readonly weights: WeightType | null;
  readonly sampling: Sampler;
  readonly rope: RopeAsked;
  readonly onProgress: (done: number, total: number) => void;
  readonly signal: AbortSignal | null;
  readonly access: AccessOptions & { readonly cache: boolean };
}

/** Fills in the defaults of loading; what reaches the network is left for openAccess. @throws KvcapRangeError */
export function checkLoad(options: LoadOptions): CheckedLoad {
  type Found =
    & Omit<CheckedLoad, "access" | "rope">
    & CheckedLoad["access"]
    & CheckedLoad["rope"]
    & Pick<LoadOptions, "maxBinding" | "memory">;
  const found = checkAll(LOAD, options, { action: "load model" }) as unknown as Found;
  const { onDownload, onWarning, cache, hub, token, ropeScaling, ropeFactor, ropeLength, ...rest } = found;
  const { maxBinding = Infinity, memory = Infinity } = rest;
  if (ropeFactor === undefined ? ropeScaling && ropeScaling !== "none" : !ropeScaling || ropeScaling === "none") {
    const rule = "ropeFactor must go with a ropeScaling of linear, dynamic or yarn";
    refuse("load model", rule, ropeFactor ?? words(`${ropeScaling} without one`), {
      option: "ropeFactor",
      code: "bad-option",
    });
  }
  const rope = { ropeScaling, ropeFactor, ropeLength };
  const access = { onDownload, onWarning, cache, hub, token, signal: rest.signal };
  return { ...rest, maxBinding, memory, rope, access };
}
