/** The Unigram model: of all ways to cut a text into tokens, the most likely one (Kudo, arXiv 1804.10959), by the Rust library's rules. */
import { refuseFile } from "../files/checks.ts";

/** What makes tokens of text. */
export interface TokenModel {
  /** Ids by token. */
  readonly vocab: ReadonlyMap<string, number>;
  /** The ids of a stretch. */
  ids(stretch: string): number[];
}

const PENALTY = 10; // of an unknown character, below the least likely token

/** @throws RangeError for a malformed vocabulary */
export function readUnigram({ vocab: list, unk_id, byte_fallback }: Readonly<Record<string, unknown>>): TokenModel {
  if (!Array.isArray(list)) refuseFile("vocab of a Unigram token model must be a list", list);
  const vocab = new Map<string, number>(), scores = new Float64Array(list.length);
  list.forEach((entry, id) => {
    const [token, score] = Array.isArray(entry) ? entry : [];
    if (typeof token !== "string" || !Number.isFinite(score)) {
      refuseFile("an entry of a Unigram's vocab must be [token, score]", entry);
    }
    vocab.set(token, id);
    scores[id] = score;
  });
  const unknown = unk_id ?? null;
  if (
    unknown !== null && !(Number.isInteger(unknown) && (unknown as number) >= 0 && (unknown as number) < list.length)
  ) {
    refuseFile("unk_id of a Unigram token model must be one of its ids", unknown);
  }
  const least = scores.reduce((a, b) => Math.min(a, b), Infinity) - PENALTY;
  const lengths = [...new Set([...vocab.keys()].map((token) => token.length))].filter((length) => length > 0).sort((
    a,
    b,
  ) => a - b);
  const bytes = byte_fallback === true ? bytesIn(vocab) : null;
  const utf8 = new TextEncoder();

  /** What stands for a stretch that is no token. */
  function other(stretch: string): number[] {
    const id = vocab.get(stretch);
    if (id !== undefined) return [id];
    if (bytes) return Array.from(utf8.encode(stretch), (byte) => bytes[byte]);
    if (unknown === null) refuseFile("a Unigram token model without unk_id must have every character", stretch);
    return [unknown as number];
  }

  return {
    vocab,
    ids(text) {
      const score = new Float64Array(text.length + 1).fill(-Infinity);
      const from = new Int32Array(text.length + 1), known = new Uint8Array(text.length + 1); // whether what ends there is known
      score[0] = 0;
      for (let at = 0, width = 1; at < text.length; at += width) {
        width = text.codePointAt(at)! > 0xffff ? 2 : 1;
        let alone = false; // whether this character is a token
        const enter = (end: number, found: number, isToken: boolean) => {
          if (found <= score[end]) return;
          [score[end], from[end], known[end]] = [found, at, isToken ? 1 : 0];
        };
        for (const length of lengths) {
          if (at + length > text.length) break;
          const id = vocab.get(text.slice(at, at + length));
          if (id === undefined) continue;
          enter(at + length, score[at] + scores[id], id !== unknown);
          alone ||= length === width;
        }
        if (!alone) enter(at + width, score[at] + least, false);
      }
      const out: number[][] = [];
      for (let end = text.length; end > 0;) {
        let begin = from[end];
        if (known[end]) out.push([vocab.get(text.slice(begin, end))!]);
        else { // unknown characters in a row are one
          while (begin > 0 && !known[begin]) begin = from[begin];
          out.push(other(text.slice(begin, end)));
        }
        end = begin;
      }
      return out.reverse().flat();
    },
  };
}

/** Tokens of bytes, by byte; null where one is missing. */
export function bytesIn(vocab: ReadonlyMap<string, number>): number[] | null {
  const found = Array.from(
    { length: 256 },
    (_, byte) => vocab.get(`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`),
  );
  return found.every((id) => id !== undefined) ? found as number[] : null;
}
