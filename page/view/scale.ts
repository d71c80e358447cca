/** From a value to a level of the ramp, and the legend's words for it. */
import { type Score, SCORE_ROWS } from "../../src/core/rule.ts";
import type { RunInfo, Scores } from "../protocol.ts";
import { LEVELS } from "./colour.ts";

export type Measure = "score" | "mean" | "spread";

/** A scale over [low, high]. */
export interface Scale {
  readonly log: boolean;
  readonly low: number;
  readonly high: number;
}

/** What the scale is of, in words. */
export const scaleWords = (measure: Measure, run: RunInfo): string =>
  unitOf(measure, run) + (isLog(measure, run.score) ? ", logarithmic" : "");

/** What is coloured, in words. */
export function unitOf(measure: Measure, { score, scope, window, pool }: RunInfo): string {
  if (measure === "mean") return "attention per query, mean";
  if (measure === "spread") {
    return scope === "peak" ? "attention of a query, peak" : "attention per query, standard deviation";
  }
  if (!isNamed(score)) return score;
  const pooled = pool === "none" ? "" : `, ${pool} among neighbours`;
  return SCORE_ROWS[score].unit.replace("{window}", String(window)) + pooled;
}

const isNamed = (score: string): score is Score => Object.hasOwn(SCORE_ROWS, score);

const isLog = (measure: Measure, score: string) => measure !== "score" || isNamed(score) && SCORE_ROWS[score].attention; // attention is shown in decades

/** The scale that shows these values: whole decades where attention is shown, else from the least to the largest. */
export function scaleOf(values: Float32Array, measure: Measure, score: string): Scale {
  const every = Math.max(1, Math.floor(values.length / 2000));
  const sample = values.filter((_, i) => i % every === 0).sort();
  const [least, most] = [sample[0] ?? 0, sample.at(-1) ?? 1];
  if (!isLog(measure, score)) return { log: false, low: Math.min(0, least), high: most > 0 ? most : 1 };
  const above = sample.filter((value) => value > 0);
  if (above.length === 0) return { log: true, low: 1e-4, high: 1 };
  const low = Math.floor(Math.log10(above[Math.floor(above.length * 0.02)]));
  const high = Math.max(low + 1, Math.ceil(Math.log10(most)));
  return { log: true, low: 10 ** Math.max(low, high - 6), high: 10 ** high };
}

/** The level of a value, 1 … LEVELS: 0 is for cells that have no value. */
export function levelOf(value: number, { log, low, high }: Scale): number {
  const part = log ? Math.log10(value / low) / Math.log10(high / low) : (value - low) / (high - low);
  return 1 + Math.round((LEVELS - 1) * (part > 0 ? Math.min(1, part) : 0)); // a value of 0 has no logarithm: the least
}

/** What is marked on the legend, with the part of its length where it stands. */
export function ticksOf({ log, low, high }: Scale): { at: number; text: string }[] {
  if (!log) return [{ at: 0, text: number(low) }, { at: 1, text: number(high) }];
  const decades = Math.round(Math.log10(high / low));
  return Array.from({ length: decades + 1 }, (_, i) => ({ at: i / decades, text: number(low * 10 ** i) }))
    .filter((_, i) => decades < 4 || i % 2 === decades % 2);
}

/** A number in few characters: `digits` of it count. */
export function number(value: number, digits = 2): string {
  if (value === 0 || !Number.isFinite(value)) return value === 0 ? "0" : "–";
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e6) return String(value);
  if (size >= 1e-3 && size < 1e5) return String(Number(value.toPrecision(size >= 100 ? 4 : digits)));
  const [mantissa, power] = value.toExponential(1).split("e");
  return `${mantissa.replace(/\.0$/, "")}e${power.replace("+", "").replace("-", "−")}`;
}

/** The values of a measure. */
export const valuesOf = (scores: Scores, measure: Measure): Float32Array<ArrayBuffer> => scores[measure];
