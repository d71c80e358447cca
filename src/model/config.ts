// config.json and generation_config.json of a Hugging Face folder, checked and put in our own words.
// Defaults are those of transformers' configuration classes (configuration_llama.py and its like).
import { type Architecture, ARCHITECTURES, type ModelConfig } from "../engine/config.ts";
import { isRecord, refuseFile } from "../files/checks.ts";
import type { Norms } from "../engine/norms.ts";
import type { RopeAsked } from "../engine/rope.ts";
import { readRope, readRotaryDim } from "./rope.ts";
import { readScales, type Scaling } from "./scales.ts";
import { storedAs } from "./stored-as.ts";

/** What a family is, and what it takes for granted where config.json is silent. */
interface Family {
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
  /** Which layers have a window: none, every one, or where use_sliding_window says so those that the file names. */
  windows: "none" | "every layer" | "named layers";
  scaling: Scaling;
  /** Where the file does not say which layers turn nothing by positions, every one of so many does not; 0: all turn. */
  unturned: number;
  /** How a GGUF file of this name orders the rows of q and k in a head: by rotary pairs, or in halves, as here; null: there is none. */
  ggufRows: "pairs" | "halves" | null;
}

const LLAMA: Family = {
  ...{ kvHeads: null, headDim: null, window: null, maxPositions: 2048, rmsEps: 1e-6, bosId: 1, eosId: 2 },
  ...{ partialRope: false, attentionBias: "asked", mlpBias: true, qkNorm: "none", norms: "before", windows: "none" },
  ...{ scaling: "none", unturned: 0, ggufRows: "pairs" },
};
const QWEN2: Family = {
  ...{ kvHeads: 32, headDim: null, window: 4096, maxPositions: 32768, rmsEps: 1e-6, bosId: null, eosId: null },
  ...{
    partialRope: false,
    attentionBias: "q, k, v",
    mlpBias: false,
    qkNorm: "none",
    norms: "before",
    windows: "named layers",
  },
  ...{ scaling: "none", unturned: 0, ggufRows: "halves" },
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
  phi3: { // fused.ts takes its matrices apart
    ...LLAMA,
    ...{ maxPositions: 4096, rmsEps: 1e-5, eosId: 32000, partialRope: true, attentionBias: "none", mlpBias: false },
    ...{ windows: "every layer", ggufRows: "halves" },
  },
  smollm3: {
    ...LLAMA,
    ...{ kvHeads: 4, maxPositions: 32768, bosId: 128000, eosId: 128001, windows: "named layers", unturned: 4 },
  },
  granite: { ...LLAMA, scaling: "named" },
  olmo2: {
    ...LLAMA,
    ...{ rmsEps: 1e-5, bosId: null, eosId: 50279, mlpBias: false },
    ...{ qkNorm: "all heads", norms: "behind", ggufRows: "halves" },
  },
};

/**
 * Reads a model's configuration.
 *
 * @param config Parsed config.json.
 * @param generation Parsed generation_config.json; null or undefined where there is none.
 * @param asked What is to hold of rope in place of what the file says.
 * @throws RangeError, one sentence, for a model that we cannot run or numbers that make no sense.
 */
export function parseConfig(config: unknown, generation?: unknown, asked: RopeAsked = {}): ModelConfig {
  if (!isRecord(config)) refuseFile("config.json must be an object", config);
  if (generation !== null && generation !== undefined && !isRecord(generation)) {
    refuseFile("generation_config.json must be an object", generation);
  }
  const architecture = readArchitecture(config);
  const family = FAMILIES[architecture];
  storedAs(config); // what it refuses is said before anything else is read
  const activation = config.hidden_act ?? "silu";
  if (activation !== "silu" && activation !== "swish") {
    refuseFile("hidden_act must be silu", activation, { code: "unsupported" });
  }

  const integer = (name: string, most: number, absent: number | null = null): number => {
    const value = config[name] === undefined ? absent ?? undefined : config[name];
    if (isInteger(value, 1, most)) return value;
    refuseFile(`${name} must be a positive integer up to ${most}`, value);
  };
  const flag = (name: string): boolean => {
    const value = config[name] ?? false;
    if (typeof value !== "boolean") refuseFile(`${name} must be true or false`, value);
    return value;
  };

  const layers = integer("num_hidden_layers", 1024);
  const hidden = integer("hidden_size", 1 << 20);
  const intermediate = integer("intermediate_size", 1 << 24);
  const heads = integer("num_attention_heads", 4096);
  const kvHeads = config.num_key_value_heads === null
    ? heads
    : integer("num_key_value_heads", 4096, family.kvHeads ?? heads);
  if (heads % kvHeads !== 0) refuseFile(`num_key_value_heads must divide num_attention_heads ${heads}`, kvHeads);
  let headDim: number;
  if (config.head_dim === null || config.head_dim === undefined && family.headDim === null) {
    if (hidden % heads !== 0) refuseFile(`num_attention_heads must divide hidden_size ${hidden}`, heads);
    headDim = hidden / heads;
  } else headDim = integer("head_dim", 4096, family.headDim);
  // What the attention shaders can split among their threads.
  if (headDim % 4 !== 0 || headDim > 256) {
    refuseFile("head_dim must be a multiple of 4 up to 256", headDim, { code: "unsupported" });
  }
  const vocab = integer("vocab_size", 1 << 24);
  const rmsEps = config.rms_norm_eps ?? family.rmsEps;
  if (typeof rmsEps !== "number" || !(rmsEps >= 0 && rmsEps < 1)) {
    refuseFile("rms_norm_eps must be a number in [0, 1)", rmsEps);
  }
  const attentionBias = family.attentionBias === "asked" && flag("attention_bias");
  const maxPositions = integer("max_position_embeddings", 2 ** 31 - 1, family.maxPositions);
  const rotaryDim = readRotaryDim(config, headDim, family.partialRope);
  const { frequencies: turning, scale } = readRope(config, rotaryDim, maxPositions, asked);
  const frequencies = new Float32Array(headDim / 2);
  frequencies.set(turning);
  const layerRopes = readLayerRopes(config, family, layers);
  const ropes = [{ frequencies, scale }, { frequencies: new Float32Array(headDim / 2), scale: 1 }]; // the second turns nothing

  return {
    architecture,
    layers,
    hidden,
    intermediate,
    heads,
    kvHeads,
    headDim,
    vocab,
    rmsEps,
    ropes: ropes.slice(0, Math.max(...layerRopes) + 1),
    layerRopes,
    rotaryDim,
    ...readScales(config, family.scaling, headDim),
    tied: flag("tie_word_embeddings"),
    qkNorm: family.qkNorm,
    norms: family.norms,
    qkvBias: family.attentionBias === "q, k, v" || attentionBias,
    oBias: attentionBias,
    mlpBias: family.mlpBias && flag("mlp_bias"),
    windows: readWindows(config, family, layerRopes),
    maxPositions: Math.max(maxPositions, asked.ropeLength ?? 0),
    ...readEnds(config, generation ?? {}, family, vocab),
  };
}

/** `model_type` decides; `architectures` must agree with it, or decides alone. */
function readArchitecture(config: Record<string, unknown>): Architecture {
  const type = config.model_type, listed = Array.isArray(config.architectures) ? config.architectures[0] : undefined;
  const rule = `the architecture must be one of ${ARCHITECTURES.slice(0, -1).join(", ")} and ${ARCHITECTURES.at(-1)}`;
  const classOf = (name: Architecture) => `${name.replaceAll("_", "")}forcausallm`;
  const named = (name: Architecture) => typeof listed === "string" && listed.toLowerCase() === classOf(name);
  if (listed !== undefined && !ARCHITECTURES.some(named)) refuseFile(rule, listed, { code: "unsupported" });
  const found = ARCHITECTURES.find((name) => type === undefined ? named(name) : type === name);
  if (found === undefined) refuseFile(rule, type ?? listed, { code: "unsupported" });
  if (listed !== undefined && !named(found)) refuseFile(`architectures must agree with model_type ${found}`, listed);
  return found;
}

/** Window of every layer, [layers] in positions, 0 where a layer sees everything. */
function readWindows(config: Record<string, unknown>, family: Family, layerRopes: readonly number[]): number[] {
  const layers = layerRopes.length;
  const all = new Array<number>(layers).fill(0);
  const named = family.windows === "named layers";
  if (family.windows === "none") return all;
  if (named && (config.use_sliding_window ?? false) !== true) {
    if (typeof (config.use_sliding_window ?? false) === "boolean") return all;
    refuseFile("use_sliding_window must be true or false", config.use_sliding_window);
  }
  const window = config.sliding_window === undefined ? family.window : config.sliding_window;
  if (window === null) return all;
  if (!isInteger(window, 1, 2 ** 31 - 1)) refuseFile("sliding_window must be a positive integer or null", window);
  if (!named) return all.fill(window);

  const types = config.layer_types;
  if (types !== undefined && types !== null) {
    const known = (type: unknown) => type === "sliding_attention" || type === "full_attention";
    if (!Array.isArray(types) || types.length !== layers || !types.every(known)) {
      refuseFile(`layer_types must name sliding_attention or full_attention for each of ${layers} layers`, types);
    }
    return types.map((type) => type === "sliding_attention" ? window : 0);
  }
  if (family.unturned > 0) return layerRopes.map((rope) => rope === 1 ? window : 0);
  const first = config.max_window_layers ?? 28; // the layers below it see everything
  if (!isInteger(first, 0, 2 ** 31 - 1)) refuseFile("max_window_layers must be a non-negative integer", first);
  return all.map((_, layer) => layer >= first ? window : 0);
}

/** Which of two ways of turning is a layer's, [layers]: 0 by positions, 1 not at all. */
function readLayerRopes(config: Record<string, unknown>, { unturned }: Family, layers: number): number[] {
  const all = new Array<number>(layers).fill(0);
  if (unturned === 0) return all;
  const turned = config.no_rope_layers; // 1 where positions turn
  if (turned === undefined || turned === null) {
    const every = config.no_rope_layer_interval ?? unturned;
    if (!isInteger(every, 1, 2 ** 31 - 1)) refuseFile("no_rope_layer_interval must be a positive integer", every);
    return all.map((_, layer) => (layer + 1) % every === 0 ? 1 : 0);
  }
  if (!Array.isArray(turned) || turned.length < layers || !turned.every((one) => one === 0 || one === 1)) {
    refuseFile(`no_rope_layers must have 0 or 1 for each of ${layers} layers`, turned);
  }
  return all.map((_, layer) => 1 - turned[layer]);
}

/** Ids that begin and end a text. Both files may name several ends; all of them count. */
function readEnds(
  config: Record<string, unknown>,
  generation: Record<string, unknown>,
  family: Family,
  vocab: number,
): { bosId: number | null; eosIds: number[] } {
  const id = (name: string, value: unknown): number => {
    if (isInteger(value, 0, vocab - 1)) return value;
    refuseFile(`${name} must be an id below vocab_size ${vocab}`, value);
  };
  let bos = config.bos_token_id;
  if (bos === undefined) bos = generation.bos_token_id;
  if (bos === undefined) bos = family.bosId;
  const given = [config.eos_token_id, generation.eos_token_id].filter((ends) => ends !== undefined);
  const ends = (given.length ? given : [family.eosId]).flat().filter((end) => end !== null);
  return {
    bosId: bos === null ? null : id("bos_token_id", bos),
    eosIds: [...new Set(ends.map((end) => id("eos_token_id", end)))].sort((a, b) => a - b),
  };
}

function isInteger(value: unknown, least: number, most: number): value is number {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}
