// Recorded texts and ids, as an independent tokenizer gave them.
import * as assert from "uvu/assert";
import type { Tokenizer } from "../../src/tokenizer/tokenizer.ts";

/** A text, its ids with special tokens read as such and as plain text, and what the former decode to. */
export interface TokenizerCase {
  text: string;
  ids: number[];
  plain: number[];
  decoded: string;
}

/** Checks at least twenty recorded cases. */
export function checkCases(tokenizer: Tokenizer, cases: readonly TokenizerCase[]): void {
  assert.ok(cases.length >= 20);
  for (const { text, ids, plain, decoded } of cases) {
    const what = JSON.stringify(text);
    assert.equal(tokenizer.encode(text), ids, what);
    assert.equal(tokenizer.encode(text, { special: false }), plain, `${what} as plain text`);
    assert.is(tokenizer.decode(ids), decoded, what);
  }
}
