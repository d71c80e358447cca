// Random grammars over small vocabularies: what the mask leaves is exactly what a naive reading, letter by letter, says can be gone on with.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { textGrammar } from "../../src/grammar/grammar.ts";
import { Guide } from "../../src/grammar/guide.ts";
import { Random } from "../../src/session/random.ts";
import type { Tokenizer } from "../../src/tokenizer/tokenizer.ts";
import { depth, seed } from "../support/depth.ts";
import { drawGrammar, naive, written } from "../support/grammars.ts";
import { allowed } from "../support/walk.ts";

const test = suite("grammars beside a naive twin");
const utf8 = new TextEncoder(), text = new TextDecoder();

/** Letters, some of them together, and parts of them. */
const TOKENS: Uint8Array[] = [
  ...["a", "b", "é", "🦊", "aa", "ab", "ba", "aé", "éa", "🦊🦊", "bab", "aaaa", "c", "abé", " a", " "].map((one) =>
    utf8.encode(one)
  ),
  ...[[0xc3], [0xa9], [0xf0, 0x9f], [0xa6, 0x8a], [0xa9, 0x61], [0xf0], [0x9f, 0xa6], [0x8a]].map((one) =>
    Uint8Array.from(one)
  ),
];
const END = TOKENS.length, OTHER = END + 1;
const tokenizer = (): Tokenizer => ({
  ...{ vocab: OTHER + 1, names: {}, bosId: null, eosId: END, leadingSpaces: 0, encode: () => [], decode: () => "" },
  specialTokens: [{ id: END, text: "<end>" }, { id: OTHER, text: "ab" }],
  bytes: (id) => TOKENS[id] ?? utf8.encode(id === END ? "<end>" : "ab"),
});
const vocabulary = tokenizer();

const join = (parts: readonly Uint8Array[]) => Uint8Array.from(parts.flatMap((part) => [...part]));

/** Letters of bytes that begin a text, and what of the last is missing; null: they are the beginning of no text. */
function lettersOf(bytes: Uint8Array): { whole: string; rest: Uint8Array } | null {
  for (let cut = bytes.length; cut >= Math.max(0, bytes.length - 3); cut--) {
    try {
      return {
        whole: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.subarray(0, cut)),
        rest: bytes.subarray(cut),
      };
    } catch {
      continue;
    }
  }
  return null;
}

/** Letters that begin with some bytes: those of the grammars, and others. */
function completions(rest: Uint8Array): string[] {
  const length = rest[0] >= 0xf0 ? 4 : rest[0] >= 0xe0 ? 3 : 2;
  const more = (bytes: number[]): string[] => {
    const tries = bytes.length < length ? [0x80, 0x8a, 0x90, 0x9f, 0xa6, 0xa9, 0xbf] : [];
    if (tries.length > 0) return tries.flatMap((byte) => more([...bytes, byte]));
    try {
      return [new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(bytes))];
    } catch {
      return [];
    }
  };
  return more([...rest]);
}

test("masks are what a naive reading says", () => {
  let looked = 0, refused = 0;
  for (let round = 0; round < depth(90, 1000); round++) {
    const random = new Random(seed + round).next;
    const rules = drawGrammar(random), source = written(rules);
    const grammar = textGrammar(source);
    const way = { grammar, bannedStrings: [], ends: [END], spaces: round % 3 === 0 ? 1 : 0 };
    const guide = new Guide(vocabulary, OTHER + 1, way);
    guide.begin(way, false);
    const bytes: Uint8Array[] = [];
    for (let step = 0; step < 8 && !guide.isOver; step++) {
      const left = allowed(guide, OTHER + 1);
      const wanted: number[] = [];
      const seen = (token: Uint8Array) => {
        const all = join([...bytes, token]);
        return way.spaces && all[0] === 0x20 ? all.subarray(1) : all;
      };
      TOKENS.forEach((token, id) => {
        const letters = lettersOf(seen(token));
        if (!letters) return;
        const { whole, rest } = letters;
        const texts = rest.length === 0 ? [whole] : completions(rest).map((letter) => whole + letter);
        if (texts.some((text) => naive(rules, text).begins)) wanted.push(id);
      });
      const now = lettersOf(seen(new Uint8Array(0)))!;
      if (now.rest.length === 0 && naive(rules, now.whole).whole) wanted.push(END);
      looked += wanted.length;
      refused += TOKENS.length - wanted.length;
      assert.equal(left, wanted, `${source}behind ${JSON.stringify(text.decode(join(bytes)))}, round ${round}`);
      const next = left[Math.floor(random() * left.length)];
      if (next === END) break;
      guide.take(next);
      bytes.push(TOKENS[next]);
      if (step === 5) assert.is(guide.isOver, isOver(rules, seen(new Uint8Array(0))), source);
    }
  }
  console.log(`    ${looked} tokens that may come, ${refused} that may not`);
  assert.ok(looked > 1000 && refused > 1000);
});

/** Letters that grammars tell apart, and some that they do not. */
const SOME = ["a", "b", "é", "🦊", "c", " "];

test("beside banned strings: what would have to end in one is not begun", () => {
  let [fewer, ends] = [0, 0];
  for (let round = 0; round < depth(90, 250); round++) {
    const random = new Random(seed + round).next;
    const rules = drawGrammar(random), grammar = textGrammar(written(rules));
    const letters = () =>
      Array.from({ length: 1 + Math.floor(random() * 3) }, () => SOME[Math.floor(random() * 4)]).join("");
    const banned = [letters(), letters()].slice(Math.floor(random() * 2));
    /** Whether a text is without any, and can go on until it is whole, or none is begun. */
    const open = (text: string, more = 6): boolean => {
      if (banned.some((one) => text.includes(one)) || !naive(rules, text).begins) return false;
      const begun = banned.some((one) =>
        Array.from(one).some((_, i, all) => i > 0 && text.endsWith(all.slice(0, i).join("")))
      );
      return !begun || naive(rules, text).whole || more > 0 && SOME.some((letter) => open(text + letter, more - 1));
    };
    const way = { grammar, bannedStrings: banned, ends: [END], spaces: 0 };
    const guide = new Guide(vocabulary, OTHER + 1, way);
    guide.begin(way, false);
    let text = "";
    for (let step = 0; step < 5 && !guide.isOver; step++) {
      const whole = TOKENS.slice(0, 16).map((token) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(token));
      const wanted = whole.flatMap((token, id) => open(text + token) ? [id] : []);
      if (naive(rules, text).whole) wanted.push(END);
      if (wanted.length === 0) break; // the grammar asks for nothing else
      const left = allowed(guide, OTHER + 1).filter((id) => id < 16 || id === END);
      // Where rules go round, a way out may be looked for without end: there is then taken to be one.
      const same = !goesRound(rules) ? left : left.filter((id) => wanted.includes(id));
      assert.equal(same, wanted, `${written(rules)}behind ${JSON.stringify(text)}, without ${banned}, round ${round}`);
      if (whole.some((token, id) => naive(rules, text + token).begins && !wanted.includes(id))) fewer++;
      const next = left[Math.floor(random() * left.length)];
      if (next === END) {
        ends++;
        break;
      }
      guide.take(next);
      text += whole[next];
    }
    assert.not.ok(banned.some((one) => text.includes(one)));
  }
  console.log(`    ${fewer} times fewer tokens than without, ${ends} texts ended`);
  assert.ok(fewer > 30);
});

/** Whether a rule comes back to itself. */
function goesRound(rules: ReturnType<typeof drawGrammar>): boolean {
  const bodies = new Map([...rules].map(([name, part]) => [name, written(new Map([["x", part]]))]));
  const from = (name: string, way: string[]): boolean =>
    way.includes(name) ||
    [...bodies.keys()].some((next) => bodies.get(name)!.includes(next) && from(next, [...way, name]));
  return [...bodies.keys()].some((name) => from(name, []));
}

/** Whether no letter goes on. */
function isOver(rules: ReturnType<typeof drawGrammar>, bytes: Uint8Array): boolean {
  const letters = lettersOf(bytes)!;
  if (letters.rest.length > 0) return false;
  return ["a", "b", "é", "🦊", "c", "😀"].every((letter) => !naive(rules, letters.whole + letter).begins);
}

test.run();
