// Inverse frequencies of the rotary embedding, in float32 steps as Hugging Face transformers computes them
// (modeling_rope_utils.py), so that long positions turn by the same angles.
import { log, power } from "../engine/elementary.ts";
import type { Rope, RopeAsked } from "../engine/rope.ts";
import { isRecord, refuseFile } from "../files/checks.ts";

/** What the settings of a file are read with. */
interface Reading {
  readonly given: Record<string, unknown>;
  readonly base: number;
  readonly headDim: number;
  /** Tokens that the model was made for, and those it was first trained on. */
  readonly most: number;
  readonly original: number;
  readonly length: number | undefined;
}

const f = Math.fround;
const LENGTHENED = ["dynamic", "longrope", "su"]; // whose frequencies depend on the length

function number(name: string, value: unknown, least: number): number {
  if (typeof value === "number" && Number.isFinite(value) && value >= least && value > 0) return value;
  refuseFile(`${name} must be a number ${least > 0 ? `of at least ${least}` : "above 0"}`, value);
}

/** base^(2i/d), of which frequencies are the inverse, [headDim / 2]. */
function wavesOf(base: number, headDim: number): Float32Array<ArrayBuffer> {
  const waves = new Float32Array(headDim / 2);
  for (let i = 0; i < waves.length; i++) waves[i] = power(base, f(2 * i / headDim));
  return waves;
}

/** Frequencies without scaling. */
const inverses = (base: number, headDim: number) => wavesOf(base, headDim).map((wave) => 1 / wave);

/** What config.json says of rope, apart from what stands beside it. */
function parametersOf(config: Record<string, unknown>): Record<string, unknown> {
  const own = config.rope_scaling ?? config.rope_parameters ?? {}; // transformers 5 prefers the first where a file has both
  if (!isRecord(own)) refuseFile("rope_parameters must be an object", own);
  return own;
}

/**
 * How many numbers of a head turn with positions.
 * @param partial whether the family may have some that do not
 */
export function readRotaryDim(config: Record<string, unknown>, headDim: number, partial: boolean): number {
  const share = parametersOf(config).partial_rotary_factor ?? config.partial_rotary_factor ?? 1;
  if (share === 1) return headDim;
  if (!partial) refuseFile("partial_rotary_factor must be 1", share, { code: "unsupported" });
  const dim = Math.trunc(headDim * number("partial_rotary_factor", share, 0));
  if (share as number > 1 || dim % 2 !== 0 || dim < 4) {
    refuseFile(`partial_rotary_factor must leave an even number from 4 to ${headDim} of a head's ${headDim}`, share);
  }
  return dim;
}

/**
 * Reads the rotary settings of a config.json: `rope_parameters` (transformers 5) or `rope_theta` and `rope_scaling` (before).
 * @param headDim how many numbers of a head turn
 * @param most tokens that the model was made for
 * @throws RangeError for a type other than default, linear, llama3, dynamic, yarn and longrope, or numbers that make no sense.
 */
export function readRope(
  config: Record<string, unknown>,
  headDim: number,
  most: number,
  asked: RopeAsked = {},
): Rope {
  const own = parametersOf(config);
  const { ropeScaling, ropeFactor, ropeLength: length } = asked;
  const instead = ropeScaling === "none" ? {} : { rope_type: ropeScaling, factor: ropeFactor };
  const given: Record<string, unknown> = ropeScaling === undefined ? own : instead;
  const base = number("rope_theta", own.rope_theta ?? config.rope_theta ?? 10000, 1);
  const type = given.rope_type ?? given.type ?? "default";
  if (length !== undefined && !LENGTHENED.includes(type as string)) {
    const more = { code: "bad-option", option: "ropeLength" } as const;
    refuseFile("ropeLength must go with a rope that depends on it, dynamic or longrope", type, more);
  }
  const before = given.original_max_position_embeddings ?? config.original_max_position_embeddings ?? most;
  const reading = {
    given,
    base,
    headDim,
    most,
    length,
    original: number("original_max_position_embeddings", before, 1),
  };
  const rope = ropeOf(type, reading);
  if (!rope.frequencies.every(Number.isFinite)) refuseFile("the settings of rope must give finite frequencies", given);
  return rope;
}

function ropeOf(type: unknown, reading: Reading): Rope {
  const { given, base, headDim } = reading;
  switch (type) {
    case "default":
      return plain(reading);
    case "linear": {
      const factor = f(number("rope factor", given.factor, 1));
      return { frequencies: inverses(base, headDim).map((one) => one / factor), scale: 1 };
    }
    case "llama3":
      return llama3(reading);
    case "dynamic":
      return dynamic(reading);
    case "yarn":
      return yarn(reading);
    case "longrope":
    case "su": // as the first files of Phi 3 call it
      return longrope(reading);
    default: {
      const rule = "rope type must be default, linear, llama3, dynamic, yarn or longrope";
      refuseFile(rule, type, { code: "unsupported" });
    }
  }
}

function plain({ given, base, headDim }: Reading): Rope {
  // Scaling without a type, or one list of settings per kind of layer, belongs to models that we do not know.
  const strange = Object.keys(given).find((key) => key === "factor" || isRecord(given[key]));
  if (strange !== undefined) {
    refuseFile("rope of type default must have no scaling", { [strange]: given[strange] }, { code: "unsupported" });
  }
  return { frequencies: inverses(base, headDim), scale: 1 };
}

/** Long waves are stretched by the factor, short ones stay, those between go smoothly from one to the other. */
function llama3({ given, base, headDim }: Reading): Rope {
  const factor = f(number("rope factor", given.factor, 1));
  const low = number("low_freq_factor", given.low_freq_factor, 0);
  const high = number("high_freq_factor", given.high_freq_factor, 0);
  const context = number("original_max_position_embeddings", given.original_max_position_embeddings, 1); // tokens
  if (high <= low) refuseFile(`high_freq_factor must be above low_freq_factor ${low}`, high);
  const frequencies = wavesOf(base, headDim).map((wave) => {
    const frequency = f(1 / wave);
    const wavelength = f(f(1 / frequency) * f(2 * Math.PI)); // tokens a turn
    if (wavelength > f(context / low)) return f(frequency / factor);
    if (wavelength < f(context / high)) return frequency;
    const smooth = f(f(f(f(1 / wavelength) * f(context)) - f(low)) / f(high - low));
    return f(f(f(f(1 - smooth) * frequency) / factor) + f(smooth * frequency));
  });
  return { frequencies, scale: 1 };
}

/** NTK-aware: a larger base, by how much longer than the model's own the text is to be. Cached keys keep their angles: one length for all. */
function dynamic({ given, base, headDim, most, length = most }: Reading): Rope {
  const factor = number("rope factor", given.factor, 1);
  const times = factor * Math.max(length, most) / most - (factor - 1);
  const stretched = base * power(times, headDim / (headDim - 2));
  return { frequencies: inverses(stretched, headDim), scale: 1 };
}

/** YaRN (arXiv 2309.00071): as llama3, by turns within the first training's length; and sharper attention. */
function yarn({ given, base, headDim, most, original }: Reading): Rope {
  const factor = number("rope factor", given.factor ?? most / original, 1);
  const optional = (name: string, absent: number) => number(name, given[name] ?? absent, 0);
  const [fast, slow] = [optional("beta_fast", 32), optional("beta_slow", 1)];
  const round = given.truncate !== false;
  const dimension = (turns: number) => headDim * log(original / (turns * 2 * Math.PI)) / (2 * log(base));
  const [from, to] = [dimension(fast), dimension(slow)];
  const low = Math.max(round ? Math.floor(from) : from, 0);
  let high = Math.min(round ? Math.ceil(to) : to, headDim - 1);
  if (low === high) high += 0.001;
  const frequencies = wavesOf(base, headDim).map((wave, i) => {
    const ramp = Math.min(1, Math.max(0, f(f(i - low) / f(high - low))));
    const stays = f(1 - ramp);
    return f(f(f(1 / f(f(factor) * wave)) * f(1 - stays)) + f(f(1 / wave) * stays));
  });
  const sharper = (scale: number, by = 1) => scale <= 1 ? 1 : 0.1 * by * log(scale) + 1;
  const { mscale, mscale_all_dim: all } = given;
  const inferred = mscale && all
    ? sharper(factor, number("mscale", mscale, 0)) / sharper(factor, number("mscale_all_dim", all, 0))
    : sharper(factor);
  return { frequencies, scale: number("attention_factor", given.attention_factor ?? inferred, 0) };
}

/** LongRoPE (arXiv 2402.13753): factors of every wave, those for short texts or those for long ones. */
function longrope({ given, base, headDim, most, original, length = 0 }: Reading): Rope {
  const name = length > original ? "long_factor" : "short_factor";
  const factors = given[name];
  const good = (value: unknown) => typeof value === "number" && Number.isFinite(value) && value > 0;
  if (!Array.isArray(factors) || factors.length !== headDim / 2 || !factors.every(good)) {
    refuseFile(`${name} must be ${headDim / 2} numbers above 0`, factors);
  }
  const factor = number("rope factor", given.factor ?? most / original, 0);
  const inferred = factor <= 1 ? 1 : Math.sqrt(1 + log(factor) / log(original));
  return {
    frequencies: wavesOf(base, headDim).map((wave, i) => 1 / f(f(factors[i]) * wave)),
    scale: number("attention_factor", given.attention_factor ?? inferred, 0),
  };
}
