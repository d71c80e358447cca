/** Options as text: on a command line, in a link, in a form. */
import type { Budget } from "./budget.ts";
import type { AnyKind } from "./kinds.ts";

const UNITS: Record<string, number> = { B: 1, KB: 1e3, MB: 1e6, GB: 1e9, KIB: 2 ** 10, MIB: 2 ** 20, GIB: 2 ** 30 };

/** A hundredth of a number, which loses no digit. */
const hundredth = (digits: string) => Number(`${digits}e-2`);

/**
 * Reads a budget as it is written on a command line: "128", "25%", "512KB", "1.5 MiB", "+48" for the prompt and 48 tokens more.
 * @returns null where it is none
 */
export function parseBudget(text: string): Budget | null {
  const more = /^\s*\+(\d+)\s*$/.exec(text);
  if (more) return { generated: Number(more[1]) };
  const match = /^\s*(-?\d+(?:\.\d+)?)\s*(%|[kmg]?i?b)?\s*$/i.exec(text);
  if (!match) return null;
  const value = Number(match[1]);
  const unit = match[2]?.toUpperCase();
  if (unit === undefined) return value;
  if (unit === "%") return { share: hundredth(match[1]) };
  return unit in UNITS ? { bytes: value * UNITS[unit] } : null;
}

/**
 * Reads a value of a kind that is written as one text. A name, or a share that is none, is left for its check.
 * @returns null where the text is none of the kind
 */
export function readText({ written }: AnyKind, text: string): unknown {
  if (written === "budget") return parseBudget(text);
  if (written === "bytes") {
    const read = parseBudget(text);
    return typeof read === "object" && read !== null && "bytes" in read ? Math.floor(read.bytes) : null;
  }
  if (written === "spans") {
    const span = /^\s*(\d+)\s*:\s*(\d+)\s*$/.exec(text);
    return span && [Number(span[1]), Number(span[2])];
  }
  if (written === "biases") {
    const [, id, bias] = /^\s*(\d+)\s*:\s*([+-]?(?:\d+(?:\.\d+)?|Infinity))\s*$/.exec(text) ?? [];
    return id === undefined ? null : [Number(id), Number(bias)];
  }
  if (written !== "number" && written !== "count") return text;
  const percent = written === "count" && /^\s*(\d+(?:\.\d+)?)\s*%\s*$/.exec(text);
  if (percent) return { share: hundredth(percent[1]) };
  return text.trim() === "" || Number.isNaN(Number(text)) ? null : Number(text);
}
