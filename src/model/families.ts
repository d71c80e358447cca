/** What the families are, as data; config.ts reads them. Defaults are those of transformers' configuration classes. */
import type { Architecture, ModelConfig } from "../engine/config.ts";
import type { Norms } from "../engine/norms.ts";
import type { Scaling } from "./scales.ts";

/** What a family is, and what it takes for granted where config.json is silent. */
export interface Family {
  /** null: as many as query heads. */
  kvHeads: number | null;
  /** null: hidden / heads. */
  headDim: number | null;
  /** Positions that a query sees where the file has no sliding_window; null: all. */
  window: number | null;
  maxPositions: number;
  rmsEps: number;
  bosId: number | null;
  eosId: number | null;
  /** Whether some numbers of a head may stay as they are, whatever the position. */
  partialRope: boolean;
  /** q, k, v: these have biases; asked: these and o have them where attention_bias says so. */
  attentionBias: "none" | "q, k, v" | "asked";
  /** Whether mlp_bias may ask for biases. */
  mlpBias: boolean;
  qkNorm: ModelConfig["qkNorm"];
  norms: Norms;
  /**
   * Which layers have a window: none, every one, or every one or those that the file names where use_sliding_window says so, or the
   * local ones.
   */
  windows: "none" | "every layer" | "asked" | "named layers" | "local layers";
  scaling: Scaling;
  /** What is made of the gate before it meets the rest of the feed-forward part. */
  activation: ModelConfig["activation"];
  /** Whether norms hold how far they are from 1. */
  aroundOne: boolean;
  /** How the file speaks of experts; null: there are none. */
  experts: ExpertWords | null;
  /** What else is taken for granted where config.json does not say it. */
  absent: Readonly<Record<string, unknown>>;
  /** Whether local layers turn by a base of their own. */
  localRope: boolean;
  /** Where the file does not say which layers turn nothing by positions, every one of so many does not; 0: all turn. */
  unturned: number;
  /** How a GGUF file of this name orders the rows of q and k in a head: by rotary pairs, or in halves, as here; null: there is none. */
  ggufRows: "pairs" | "halves" | null;
  /** Its name in such a file; null: its own. */
  ggufName: string | null;
}

/** What a family with experts has in config.json beside their number and how many are used. */
export interface ExpertWords {
  /** The width of one. */
  width: "intermediate_size" | "moe_intermediate_size";
  /** Whether the shares of those that are used always sum to 1; else norm_topk_prob says it. */
  normed: boolean;
  /** Whether layers may have none: mlp_only_layers, or those between every decoder_sparse_step. */
  mixed: boolean;
}

const LLAMA: Family = {
  ...{ kvHeads: null, headDim: null, window: null, maxPositions: 2048, rmsEps: 1e-6, bosId: 1, eosId: 2 },
  ...{ partialRope: false, attentionBias: "asked", mlpBias: true, qkNorm: "none", norms: "before", windows: "none" },
  ...{
    scaling: "none",
    activation: "silu",
    aroundOne: false,
    experts: null,
    absent: {},
    localRope: false,
    unturned: 0,
    ggufRows: "pairs",
    ggufName: null,
  },
};
const QWEN2: Family = {
  ...LLAMA,
  ...{ kvHeads: 32, window: 4096, maxPositions: 32768, bosId: null, eosId: null },
  ...{ attentionBias: "q, k, v", mlpBias: false, windows: "named layers", ggufRows: "halves" },
};

const GEMMA: Family = {
  ...LLAMA,
  ...{ kvHeads: 4, headDim: 256, window: 4096, maxPositions: 8192, bosId: 2, eosId: 1, mlpBias: false },
  ...{
    norms: "both",
    scaling: "gemma",
    activation: "gelu",
    aroundOne: true,
    windows: "local layers",
    ggufRows: "halves",
  },
  absent: {
    ...{
      num_attention_heads: 8,
      vocab_size: 256000,
      hidden_activation: "gelu_pytorch_tanh",
      tie_word_embeddings: true,
    },
    ...{ query_pre_attn_scalar: 256, sliding_window_pattern: 2 },
  },
};

/** Every family. */
export const FAMILIES: Readonly<Record<Architecture, Family>> = {
  llama: LLAMA,
  mistral: {
    ...LLAMA,
    ...{
      kvHeads: 8,
      window: 4096,
      maxPositions: 131072,
      attentionBias: "none",
      mlpBias: false,
      windows: "every layer",
      ggufRows: null, // such files are a llama's
    },
  },
  qwen2: QWEN2,
  qwen3: { ...QWEN2, headDim: 128, attentionBias: "asked", qkNorm: "each head" },
  mixtral: {
    ...LLAMA,
    ...{
      kvHeads: 8,
      maxPositions: 131072,
      rmsEps: 1e-5,
      attentionBias: "none",
      mlpBias: false,
      windows: "every layer",
    },
    ggufRows: null, // such files are a llama's, too
    experts: { width: "intermediate_size", normed: true, mixed: false },
    absent: { rope_theta: 1000000, num_local_experts: 8, num_experts_per_tok: 2 },
  },
  qwen3_moe: {
    ...QWEN2,
    ...{ kvHeads: 4, attentionBias: "asked", qkNorm: "each head", windows: "asked", ggufName: "qwen3moe" },
    experts: { width: "moe_intermediate_size", normed: false, mixed: true },
    absent: { num_local_experts: 128, num_experts_per_tok: 8, moe_intermediate_size: 768, decoder_sparse_step: 1 },
  },
  phi3: { // fused.ts takes its matrices apart
    ...LLAMA,
    ...{ maxPositions: 4096, rmsEps: 1e-5, eosId: 32000, partialRope: true, attentionBias: "none", mlpBias: false },
    ...{ windows: "every layer", ggufRows: "halves" },
  },
  smollm3: {
    ...LLAMA,
    ...{ kvHeads: 4, maxPositions: 32768, bosId: 128000, eosId: 128001, windows: "named layers", unturned: 4 },
    absent: { rope_theta: 2000000, tie_word_embeddings: true },
  },
  granite: { ...LLAMA, scaling: "named" },
  olmo2: {
    ...LLAMA,
    ...{ rmsEps: 1e-5, bosId: null, eosId: 50279, mlpBias: false },
    ...{ qkNorm: "all heads", norms: "behind", ggufRows: "halves" },
  },
  gemma3_text: {
    ...GEMMA,
    ...{ maxPositions: 131072, qkNorm: "each head", localRope: true, ggufName: "gemma3" },
    absent: { ...GEMMA.absent, vocab_size: 262208, sliding_window_pattern: 6 },
  },
  gemma2: {
    ...GEMMA,
    absent: { ...GEMMA.absent, attn_logit_softcapping: 50, final_logit_softcapping: 30 },
  },
};
