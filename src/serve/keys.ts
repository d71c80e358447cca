/** API keys: a file of them, of which only sums are kept. */
import { Buffer } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";
import { refuse, words } from "../errors.ts";

const LEAST = 16; // characters of a key
const FORM = /^sha256:[0-9a-f]{64}$/i;

/** Keys that may ask. */
export class Keys {
  readonly #sums: readonly Buffer[];

  /**
   * Reads a file of keys: a line each, as it is or as `sha256:` and its sum in 64 digits; empty lines and those that begin with # aside.
   * @throws KvcapError, which shows no key
   */
  constructor(text: string) {
    const lines = text.split(/\r?\n/).map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#"));
    const more = { code: "bad-file", kind: "plain" } as const;
    if (lines.length === 0) refuse("read the API keys", "there must be one at least", words("none"), more);
    this.#sums = lines.map((line, i) => {
      if (FORM.test(line)) return Buffer.from(line.slice("sha256:".length), "hex");
      if (line.length < LEAST) {
        const rule = `a key must have ${LEAST} characters at least, or be sha256: and 64 digits`;
        refuse("read the API keys", rule, words(`${line.length} in key ${i + 1}`), more);
      }
      return sumOf(line);
    });
  }

  /** Whose a key is: a name that does not give it away. null: nobody's. Takes as long for every key. */
  owner(key: string): string | null {
    const sum = sumOf(key);
    let found = false;
    for (const one of this.#sums) found = timingSafeEqual(one, sum) || found;
    return found ? sum.toString("hex").slice(0, 16) : null;
  }
}

function sumOf(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}
