/**
 * How a model's files say that it is sampled: generation_config.json of a folder, as transformers 5.24 goes by it, and
 * `general.sampling.…` of a GGUF file. What makes no sense is said in a note, and nothing of the file is taken then.
 */
import { KvcapError } from "../errors.ts";
import { isRecord } from "../files/checks.ts";
import type { Metadata } from "../formats/gguf/file.ts";
import { flag } from "../options/kinds.ts";
import { GENERATE, MOST_RECENT } from "../options/generate.ts";
import type { ModelSampling, Sampling } from "../options/sampling.ts";

const at = { action: "load model" };

/** A number of a file, by the name that it has there; undefined: it says nothing. */
type Read = (option: keyof Sampling, value: unknown, name: string) => number | undefined;

const number: Read = (option, value, name) =>
  value === undefined || value === null ? undefined : GENERATE[option].kind.check(value, name, at) as number;

/** Of options those that are said, and are not as they are anyway. @returns null where there are none */
function told(from: string, options: { readonly [K in keyof Sampling]: number | undefined }): ModelSampling | null {
  const said = Object.entries(options).filter(([name, value]) =>
    value !== undefined && value !== GENERATE[name as keyof Sampling].default
  );
  return said.length > 0 ? { from, options: Object.freeze(Object.fromEntries(said)) } : null;
}

/** @param notes hears of what makes no sense */
function orNote(from: string, notes: string[], read: () => ModelSampling | null): ModelSampling | null {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof KvcapError)) throw error;
    notes.push(`${from}: ${error.rule}, got ${error.got}: nothing that it says of sampling is taken`);
    return null;
  }
}

/**
 * What generation_config.json says. Temperature and shares hold where `do_sample` is true, and what it leaves out is then as in
 * transformers: temperature 1, the 50 likeliest. Its repetition penalty counts all tokens: as many as a session knows.
 */
export function folderSampling(generation: unknown, notes: string[]): ModelSampling | null {
  if (!isRecord(generation)) return null;
  const from = "generation_config.json";
  const { do_sample, temperature, top_k, top_p, min_p, typical_p, repetition_penalty } = generation;
  return orNote(from, notes, () => {
    const repetitionPenalty = number("repetitionPenalty", repetition_penalty, "repetition_penalty") ?? 1;
    const penalty = repetitionPenalty === 1 ? {} : { repetitionPenalty, penaltyWindow: MOST_RECENT };
    if (!flag.check(do_sample ?? false, "do_sample", at)) return told(from, penalty);
    return told(from, {
      temperature: number("temperature", temperature, "temperature") ?? 1,
      topK: number("topK", top_k, "top_k") ?? 50,
      topP: number("topP", top_p, "top_p"),
      minP: number("minP", min_p, "min_p"),
      typicalP: number("typicalP", typical_p, "typical_p"),
      ...penalty,
    });
  });
}

/** What a GGUF file says, as llama.cpp writes it. Without a temperature of the file nothing is drawn. */
export function ggufSampling(metadata: Metadata, notes: string[]): ModelSampling | null {
  const from = "general.sampling";
  const read = (option: keyof Sampling, name: string) => number(option, metadata.get(`${from}.${name}`), name);
  return orNote(`the file's ${from}`, notes, () => {
    const temperature = read("temperature", "temp");
    const repetitionPenalty = read("repetitionPenalty", "penalty_repeat") ?? 1;
    const last = metadata.get(`${from}.penalty_last_n`);
    // Of llama.cpp: −1 is all, and 64 where nothing is said.
    const penaltyWindow = last === -1 ? MOST_RECENT : read("penaltyWindow", "penalty_last_n");
    const penalty = repetitionPenalty === 1 ? {} : { repetitionPenalty, penaltyWindow };
    if (temperature === undefined) return told(from, penalty);
    return told(from, {
      temperature,
      topK: read("topK", "top_k"),
      topP: read("topP", "top_p"),
      minP: read("minP", "min_p"),
      ...penalty,
    });
  });
}
