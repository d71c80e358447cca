/** Patterns of tokenizer.json, and how a text is cut at what they match, as the Rust library's `split` does (normalizer.rs). */
import { SplitPreTokenizer } from "@huggingface/tokenizers";
import { messageOf, words } from "../errors.ts";
import { isRecord, refuseFile } from "../files/checks.ts";

/** An entry of a normalizer, pre-tokenizer or decoder. */
export type Step = Readonly<Record<string, unknown>>;

/** A stretch of text. */
export interface Piece {
  readonly text: string;
  /** Whether it stands at the very beginning. */
  readonly first: boolean;
}

export type Normalize = (text: string) => string;
export type PreTokenize = (piece: Piece) => Piece[];

/** What becomes of the stretches that a pattern matches. */
export const BEHAVIORS = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"] as const;
export type Behavior = (typeof BEHAVIORS)[number];

/** @throws RangeError for a behavior that there is not */
export function checkBehavior(step: Step): Behavior {
  const { behavior = "Isolated" } = step; // older files have names in lower case with underscores
  const found = BEHAVIORS.find((one) => one.toLowerCase() === String(behavior).replaceAll("_", "").toLowerCase());
  return found ??
    refuseFile(`the behavior of a ${step.type} of tokenizer.json must be one of ${BEHAVIORS.join(", ")}`, behavior, {
      code: "unsupported",
    });
}

/** The library's words for where a line or a text begins or ends: they match inside of surrogate pairs, and behind a text's last newline. */
const EDGES = [
  ["(?:(?<![\\s\\S])|(?<=\\n))", "(?:^|(?<=\\n)(?!$))"],
  ["(?:(?=\\n)|(?![\\s\\S]))", "(?:(?=\\n)|$)"],
  ["(?<![\\s\\S])", "^"],
  ["(?![\\s\\S])", "$"],
] as const;

/**
 * What finds every match of a pattern: `{ String }`, or `{ Regex }` in Oniguruma's language, which the library translates.
 * @throws RangeError for one that is no pattern of this language, or none that JavaScript has the like of
 */
export function matches(pattern: unknown): RegExp {
  if (!isRecord(pattern)) refuseFile("a pattern of tokenizer.json must be { String } or { Regex }", pattern);
  if (typeof pattern.String === "string") {
    return new RegExp(pattern.String.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&") || "(?!)", "gu");
  }
  if (typeof pattern.Regex !== "string") {
    refuseFile("a pattern of tokenizer.json must be { String } or { Regex }", pattern);
  }
  try {
    const { pattern: made } = new SplitPreTokenizer({
      ...{ type: "Split", pattern: { Regex: pattern.Regex }, behavior: "Isolated", invert: false },
    });
    const source = EDGES.reduce((source, [from, to]) => source.replaceAll(from, () => to), made!.source);
    return new RegExp(source, made!.flags);
  } catch (error) {
    refuseFile("a pattern of tokenizer.json must be one that JavaScript has the like of", words(messageOf(error)), {
      cause: error,
    });
  }
}

/** Where a text matches, nowhere with nothing right behind another match, as the Rust library goes through it. */
export function* found(text: string, of: RegExp): Generator<{ from: number; to: number }> {
  let end = -1;
  for (const { 0: match, index: from } of text.matchAll(of)) {
    const to = from + match.length;
    if (from === to && from === end) continue;
    yield { from, to };
    end = to;
  }
}

/** How many white spaces stand before `end`; a pattern would look at the whole text before it, and try every one of its spaces. */
export function spacesBefore(text: string, end: number): number {
  let begin = end;
  while (begin > 0 && /\p{White_Space}/u.test(text[begin - 1])) begin--;
  return end - begin;
}

/** Cuts a piece. @param invert whether what does not match counts as what does */
export function cut({ text, first }: Piece, of: RegExp, behavior: Behavior, invert = false): Piece[] {
  type Stretch = { from: number; to: number; hit: boolean };
  const all: Stretch[] = [];
  let done = 0;
  const add = (from: number, to: number, hit: boolean) => all.push({ from, to, hit: hit !== invert });
  for (const { from, to } of found(text, of)) {
    if (from > done) add(done, from, false);
    done = to;
    add(from, to, true);
  }
  if (done < text.length) add(done, text.length, false);

  let kept: Stretch[] = [];
  const joining = (those: Stretch[], joins: (one: Stretch, before: boolean) => boolean) => {
    let before = false;
    for (const one of those) {
      const last = kept.at(-1);
      if (last && joins(one, before)) {
        kept[kept.length - 1] = { ...last, from: Math.min(last.from, one.from), to: Math.max(last.to, one.to) };
      } else kept.push(one);
      before = one.hit;
    }
  };
  if (behavior === "Isolated") kept = all;
  else if (behavior === "Removed") kept = all.filter(({ hit }) => !hit);
  else if (behavior === "Contiguous") joining(all, ({ hit }, before) => hit === before);
  else if (behavior === "MergedWithPrevious") joining(all, ({ hit }, before) => hit && !before);
  else {
    joining(all.reverse(), ({ hit }, before) => hit && !before);
    kept.reverse();
  }
  return kept.filter(({ from, to }) => to > from)
    .map(({ from, to }) => ({ text: text.slice(from, to), first: first && from === 0 }));
}
