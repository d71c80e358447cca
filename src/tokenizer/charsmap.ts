/** SentencePiece's compiled normalisation: a double-array trie of what is replaced, by spm_precompiled's rules, as the Rust library has them. */
import { refuseFile } from "../files/checks.ts";
import type { Normalize } from "./patterns.ts";

/**
 * @param base64 a count of bytes in 32 bits, the trie in so many of them, then what stands in place of texts, each up to a zero byte
 * @throws RangeError for what is none
 */
export function readCharsmap(base64: unknown): Normalize {
  if (base64 === null || base64 === undefined || base64 === "") return (text) => text;
  const bytes = bytesOf(base64);
  const size = bytes.length < 4 ? NaN : new DataView(bytes.buffer).getUint32(0, true);
  if (!(size % 4 === 0 && size <= bytes.length - 4)) {
    refuseFile("the precompiled_charsmap of tokenizer.json must have a trie of its length", size);
  }
  const trie = new Uint32Array(bytes.slice(4, 4 + size).buffer), texts = bytes.subarray(4 + size);
  const known = new Map<string, string | null>(); // of few bytes each
  const utf8 = new TextEncoder(), text = new TextDecoder("utf-8", { ignoreBOM: true });

  /** What stands for the shortest beginning of a stretch that is in the trie: it takes the place of the whole stretch. */
  function found(stretch: string): string | null {
    let node = offset(trie[0]);
    for (const byte of utf8.encode(stretch)) {
      node = (node ^ byte) >>> 0;
      const unit = trie[node];
      if (byte === 0 || unit === undefined || (unit & 0x800000ff) >>> 0 !== byte) return null;
      node = (node ^ offset(unit)) >>> 0;
      if ((unit >>> 8 & 1) === 0) continue;
      const from = (trie[node] ?? 0) & 0x7fffffff, to = texts.indexOf(0, from);
      return text.decode(texts.subarray(from, to < 0 ? undefined : to));
    }
    return null;
  }
  const of = (stretch: string): string | null => {
    if (!known.has(stretch)) known.set(stretch, found(stretch));
    return known.get(stretch)!;
  };
  const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });
  return (whole) => {
    let out = "";
    for (const { segment } of graphemes.segment(whole)) {
      const short = segment.length < 6 && utf8.encode(segment).length < 6;
      out += (short ? of(segment) : null) ?? Array.from(segment, (one) => of(one) ?? one).join("");
    }
    return out;
  };
}

/** How far a node's children lie from it. */
const offset = (unit = 0) => (unit >>> 10 << ((unit & 0x200) >>> 6)) >>> 0;

function bytesOf(base64: unknown): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(String(base64)), (one) => one.charCodeAt(0));
  } catch {
    return refuseFile("the precompiled_charsmap of tokenizer.json must be base64", base64);
  }
}
