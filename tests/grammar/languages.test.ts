// Patterns beside the host's own regular expressions, and bounds of numbers beside plain comparison: on random ones.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { explore, holds, type Language, ofLength, ofTexts, together } from "../../src/grammar/language.ts";
import { numberLanguage } from "../../src/grammar/numbers.ts";
import { languageOf } from "../../src/grammar/pattern.ts";
import { FORMATS } from "../../src/grammar/formats.ts";
import { inverted, MOST_CODE, type Range, shared, united } from "../../src/grammar/utf8.ts";
import { Random } from "../../src/session/random.ts";
import { depth, seed } from "../support/depth.ts";

const test = suite("languages");
const random = new Random(seed).next;
const below = (most: number) => Math.floor(random() * most);
const one = <T>(list: readonly T[]): T => list[below(list.length)];
const refuse = (rule: string): never => {
  throw new Error(rule);
};

const ATOMS = [
  "a",
  "b",
  "1",
  "é",
  "🦊",
  " ",
  ".",
  "\\d",
  "\\D",
  "\\w",
  "\\W",
  "\\s",
  "\\S",
  "[ab]",
  "[^ab]",
  "[a-c1]",
  "[\\d_-]",
  "\\.",
  "\\x61",
  "\\u00e9",
  "\\u{1f98a}",
  "\\ud83e\\udd8a",
  "\\n",
  "[^\\s]",
];
const LETTERS = ["a", "b", "c", "1", "2", "é", "🦊", " ", "_", "-", ".", "\n", "A", "\u2028", "ÿ"];

function pattern(deep: number): string {
  const part = (): string => {
    const kind = below(deep > 1 ? 2 : 4);
    const atom = kind < 3 ? one(ATOMS) : `${one(["(", "(?:", "(?<n" + below(1e6) + ">"])}${pattern(deep + 1)})`;
    return atom + one(["", "", "", "*", "+", "?", "{2}", "{1,}", "{0,2}", "+?", "*?"]);
  };
  const row = () => Array.from({ length: 1 + below(3) }, part).join("");
  const rows = Array.from({ length: 1 + below(2) }, row);
  return deep === 0 ? rows.map((row) => one(["", "", "^"]) + row + one(["", "", "$"])).join("|") : rows.join("|");
}

/** What a pattern comes to; null where that is too large. */
function tried(source: string): Language | null {
  try {
    return languageOf(source, refuse);
  } catch (error) {
    if ((error as Error).message === "patterns must be simpler") return null;
    throw error;
  }
}

test("patterns hold what the host's regular expressions find", () => {
  let [yes, no, large] = [0, 0, 0];
  for (let round = 0; round < depth(120, 3000); round++) {
    const source = random() < 0.1 ? `(${pattern(0)})` : pattern(0);
    const host = new RegExp(source, "u"), ours = tried(source);
    if (!ours) {
      large++;
      continue;
    }
    for (let i = 0; i < 20; i++) {
      const text = Array.from({ length: below(7) }, () => one(LETTERS)).join("");
      const wanted = host.test(text);
      wanted ? yes++ : no++;
      assert.is(holds(ours, text), wanted, `${source} and ${JSON.stringify(text)}`);
    }
  }
  console.log(`    ${yes} found, ${no} not; ${large} patterns were too large`);
  assert.ok(yes > 500 && no > 500 && large < depth(20, 300));
});

test("formats are patterns that can be read", () => {
  for (const [name, source] of Object.entries(FORMATS)) assert.ok(languageOf(source, refuse).edges.length > 1, name);
});

test("sets of texts are put together as sets are", () => {
  const full = () => refuse("too large");
  for (let round = 0; round < 60; round++) {
    const sources = [pattern(1), pattern(1)].map((source) => `^(?:${source})$`);
    const [a, b] = sources.map(tried);
    if (!a || !b) continue;
    const texts = Array.from({ length: 4 }, () => Array.from({ length: below(4) }, () => one(LETTERS)).join(""));
    const [both, but, some, short] = [together(a, b, full), together(a, b, full, true), ofTexts(texts), ofLength(1, 2)];
    for (let i = 0; i < 30; i++) {
      const text = i < 4 ? texts[i] : Array.from({ length: below(4) }, () => one(LETTERS)).join("");
      const [inA, inB] = [holds(a, text), holds(b, text)];
      assert.equal(
        [holds(both, text), holds(but, text)],
        [inA && inB, inA && !inB],
        `${sources} and ${JSON.stringify(text)}`,
      );
      assert.is(holds(some, text), texts.includes(text));
      assert.is(holds(short, text), [1, 2].includes(Array.from(text).length));
    }
  }
});

test("numbers hold what lies between their bounds", () => {
  let [yes, no] = [0, 0];
  for (let round = 0; round < depth(250, 6000); round++) {
    const scale = one([1, 10, 1000, 1e6]), places = below(4);
    const draw = () => Number(((2 * random() - 1) * scale).toFixed(places));
    const [x, y] = [draw(), draw()];
    const least = random() < 0.2 ? -Infinity : Math.min(x, y), most = random() < 0.2 ? Infinity : Math.max(x, y);
    const [above, below_, whole] = [random() < 0.3, random() < 0.3, random() < 0.4];
    const step = whole && random() < 0.4 ? 1 + below(12) : 1;
    const ours = numberLanguage({ whole, least, most, above, below: below_, step }, () => refuse("too large"));
    for (let i = 0; i < 20; i++) {
      const value = one([draw(), draw(), x, y, Math.round(draw()), Math.trunc(x), Math.trunc(y) + 1, x + 0.001]);
      const text = Number(value.toFixed(3)).toString();
      const number = Number(text);
      const wanted = (above ? number > least : number >= least) && (below_ ? number < most : number <= most) &&
        (!whole || Number.isInteger(number)) && (step === 1 || number % step === 0);
      wanted ? yes++ : no++;
      assert.is(holds(ours, text), wanted, JSON.stringify({ least, most, above, below_, whole, step, text }));
    }
  }
  assert.ok(yes > 1000 && no > 1000, `${yes} and ${no}`);
});

test("numbers have no other form than JSON's", () => {
  const ours = numberLanguage(
    { whole: false, least: -1000, most: 1000, above: false, below: false, step: 1 },
    () => refuse("too large"),
  );
  for (const text of ["", "-", "01", "1.", ".5", "-.5", "00", "--1", "1..2", "+1", "1e2"]) {
    assert.not.ok(holds(ours, text), text);
  }
  for (const text of ["0", "-0.5", "1000", "999.99999", "1000.0", "-1000"]) assert.ok(holds(ours, text), text);
});

test("ranges of code points are sets", () => {
  for (let round = 0; round < 200; round++) {
    const draw = (): Range[] =>
      Array.from({ length: below(4) }, () => {
        const low = below(60);
        return [low, low + below(20)];
      });
    const [a, b] = [draw(), draw()];
    const has = (ranges: readonly Range[], code: number) => ranges.some(([low, high]) => low <= code && code <= high);
    for (let code = 0; code < 90; code++) {
      assert.is(has(united(a), code), has(a, code));
      assert.is(has(inverted(a), code), !has(a, code));
      assert.is(has(shared(a, b), code), has(a, code) && has(b, code));
    }
    assert.ok(has(inverted(a), MOST_CODE));
  }
});

test("too many states are told of", () => {
  const endless = { first: 0, key: String, accepts: () => true, ways: (n: number) => [{ low: 1, high: 1, to: n + 1 }] };
  assert.throws(() => explore(endless, () => refuse("too large")), /too large/);
});

test.run();
