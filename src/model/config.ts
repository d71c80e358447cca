// config.json and generation_config.json of a Hugging Face folder, checked and put in our own words.
// Defaults are those of transformers' configuration classes (configuration_llama.py and its like).
import { type Architecture, ARCHITECTURES, type ModelConfig } from "../engine/config.ts";
import { isRecord, refuseFile } from "../files/checks.ts";
import type { RopeAsked } from "../engine/rope.ts";
import { readExperts } from "./experts.ts";
import { FAMILIES, type Family } from "./families.ts";
import { isInteger, readLayers } from "./layers.ts";
import { readRotaryDim } from "./rope.ts";
import { readScales } from "./scales.ts";
import { storedAs } from "./stored-as.ts";

/**
 * Reads a model's configuration.
 *
 * @param described Parsed config.json.
 * @param generation Parsed generation_config.json; null or undefined where there is none.
 * @param asked What is to hold of rope in place of what the file says.
 * @throws RangeError, one sentence, for a model that we cannot run or numbers that make no sense.
 */
export function parseConfig(described: unknown, generation?: unknown, asked: RopeAsked = {}): ModelConfig {
  if (!isRecord(described)) refuseFile("config.json must be an object", described);
  if (generation !== null && generation !== undefined && !isRecord(generation)) {
    refuseFile("generation_config.json must be an object", generation);
  }
  const own = textOf(described);
  const architecture = readArchitecture(own);
  const family = FAMILIES[architecture];
  const config: Record<string, unknown> = { ...family.absent, ...own };
  storedAs(config); // what it refuses is said before anything else is read
  checkActivation(config, family);

  if (config.use_bidirectional_attention === true) {
    refuseFile("use_bidirectional_attention must be false", true, { code: "unsupported" });
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

  return {
    architecture,
    layers,
    hidden,
    ...readExperts(config, family, { layers, integer, flag }),
    heads,
    kvHeads,
    headDim,
    vocab,
    rmsEps,
    ...readLayers(config, family, { layers, headDim, rotaryDim, maxPositions, asked }),
    rotaryDim,
    ...readScales(config, family.scaling, { hidden, headDim }),
    tied: flag("tie_word_embeddings"),
    qkNorm: family.qkNorm,
    norms: family.norms,
    activation: family.activation,
    qkvBias: family.attentionBias === "q, k, v" || attentionBias,
    oBias: attentionBias,
    mlpBias: family.mlpBias && flag("mlp_bias"),
    maxPositions: Math.max(maxPositions, asked.ropeLength ?? 0),
    ...readEnds(config, generation ?? {}, family, vocab),
  };
}

/** What of a model of texts and images is said of the first. */
function textOf(config: Record<string, unknown>): Record<string, unknown> {
  if (config.model_type !== "gemma3" || !isRecord(config.text_config)) return config;
  return { ...config, architectures: undefined, model_type: "gemma3_text", ...config.text_config };
}

function checkActivation(config: Record<string, unknown>, { activation }: Family): void {
  const silu = activation === "silu";
  const [name, ...known] = silu ? ["hidden_act", "silu", "swish"] : ["hidden_activation", "gelu_pytorch_tanh"];
  const value = config[name] ?? known[0];
  if (!known.includes(value as string)) refuseFile(`${name} must be ${known[0]}`, value, { code: "unsupported" });
}

/** `model_type` decides; `architectures` must agree with it, or decides alone. */
function readArchitecture(config: Record<string, unknown>): Architecture {
  const type = config.model_type, listed = Array.isArray(config.architectures) ? config.architectures[0] : undefined;
  const rule = `the architecture must be one of ${ARCHITECTURES.slice(0, -1).join(", ")} and ${ARCHITECTURES.at(-1)}`;
  const classOf = (name: Architecture) => `${name.replace(/_text$|_/, "")}forcausallm`;
  const named = (name: Architecture) => typeof listed === "string" && listed.toLowerCase() === classOf(name);
  if (listed !== undefined && !ARCHITECTURES.some(named)) refuseFile(rule, listed, { code: "unsupported" });
  const found = ARCHITECTURES.find((name) => type === undefined ? named(name) : type === name);
  if (found === undefined) refuseFile(rule, type ?? listed, { code: "unsupported" });
  if (listed !== undefined && !named(found)) refuseFile(`architectures must agree with model_type ${found}`, listed);
  return found;
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
