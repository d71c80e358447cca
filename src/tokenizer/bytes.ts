/** How byte-level vocabularies write bytes: each as a printable character, itself where it is one, else the next of U+0100 and up. */
const BYTE_OF = new Map<string, number>(); // bytes_to_unicode in GPT-2's encoder.py
const CHARACTER_OF: string[] = [];
for (let byte = 0, hidden = 0; byte < 256; byte++) {
  const printable = byte > 0x20 && byte < 0x7f || byte > 0xa0 && byte !== 0xad;
  CHARACTER_OF[byte] = String.fromCharCode(printable ? byte : 0x100 + hidden++);
  BYTE_OF.set(CHARACTER_OF[byte], byte);
}

const utf8 = new TextEncoder();

/** A text as its UTF-8 bytes are written. */
export function spelt(text: string): string {
  return Array.from(utf8.encode(text), (byte) => CHARACTER_OF[byte]).join("");
}

/** The bytes that a byte-level token spells; null for one that spells none, such as an added token with a space. */
export function bytesOfCharacters(token: string): Uint8Array | null {
  const bytes = Uint8Array.from(token, (character) => BYTE_OF.get(character) ?? 0);
  for (let i = 0; i < token.length; i++) if (!BYTE_OF.has(token[i])) return null;
  return bytes;
}
