// From tokens back to text, token by token: every id stands for some bytes, and the text is the UTF-8 reading of the bytes
// of all ids. That is what the decoders of the byte-level and SentencePiece-style families say, and unlike the list-to-text
// functions of @huggingface/tokenizers it can be done as the ids come.
import { isRecord, refuseFile } from "../files/checks.ts";
import { bytesOfCharacters } from "./bytes.ts";

/** How a tokenizer.json turns tokens into text. */
export interface Decoding {
  /** UTF-8 bytes of a token, perhaps a part of a character. */
  bytes(token: string): Uint8Array;
  /** How many spaces are dropped at the very beginning of a text. */
  leadingSpaces: number;
}

/**
 * Reads `decoder` of a tokenizer.json: none, ByteLevel, Metaspace, or a Sequence with Replace, ByteFallback, Fuse and Strip.
 *
 * Where byte tokens in a row are no valid UTF-8, the Rust library puts U+FFFD for every one of them, the good ones too; we put
 * it for the bad ones alone, as the Encoding Standard and llama.cpp do, since a piece once sent cannot be taken back. A Metaspace drops every
 * space of the first token there, here the one that was put before the text.
 *
 * @throws RangeError for a decoder that works in another way.
 */
export function readDecoder(decoder: unknown): Decoding {
  const utf8 = new TextEncoder();
  if (decoder === null || decoder === undefined) { // tokens are joined by spaces
    return { leadingSpaces: 1, bytes: (token) => utf8.encode(` ${token}`) };
  }
  const steps = isRecord(decoder) && decoder.type === "Sequence" ? decoder.decoders : [decoder];
  const replaced: [from: string, to: string][] = [];
  let byteLevel = false, byteFallback = false, fused = false, leadingSpaces = 0;
  for (const step of Array.isArray(steps) ? steps : [steps]) {
    const { type, pattern, content } = isRecord(step) ? step : {};
    if (type === "ByteLevel") byteLevel = true;
    else if (type === "ByteFallback") byteFallback = true;
    else if (type === "Fuse") fused = true;
    else if (type === "Metaspace") {
      const { replacement = "▁", prepend_scheme: scheme, add_prefix_space: prefixed } = step;
      if (typeof replacement !== "string" || replacement === "") refuseDecoder(step);
      replaced.push([replacement, " "]);
      leadingSpaces = scheme === "never" || scheme === undefined && prefixed === false ? 0 : 1;
    } else if (
      type === "Replace" && isRecord(pattern) && typeof pattern.String === "string" && !byteFallback && !fused
    ) {
      if (typeof content !== "string" || pattern.String === "") refuseDecoder(step);
      replaced.push([pattern.String, content]);
    } else if (type === "Strip" && fused && content === " " && !step.stop && Number.isInteger(step.start ?? 0)) {
      leadingSpaces = step.start ?? 0;
    } else refuseDecoder(step);
  }
  return {
    leadingSpaces,
    bytes(token) {
      if (byteLevel) return bytesOfCharacters(token) ?? utf8.encode(token);
      const text = replaced.reduce((text, [from, to]) => text.replaceAll(from, to), token);
      const byte = byteFallback ? /^<0x([0-9A-Fa-f]{2})>$/.exec(text) : null;
      return byte ? Uint8Array.of(parseInt(byte[1], 16)) : utf8.encode(text);
    },
  };
}

function refuseDecoder(step: unknown): never {
  refuseFile("the decoder of tokenizer.json must be byte-level or SentencePiece-like", step, { code: "unsupported" });
}
