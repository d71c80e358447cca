import process from "node:process";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Random } from "../../src/session/random.ts";
import { TextStream } from "../../src/session/text.ts";
import { createTokenizer, type Tokenizer } from "../../src/tokenizer/tokenizer.ts";
import { modelFolder, readJson } from "../support/files.ts";
import { refused } from "../support/refused.ts";

/** Every kind of tokenizer that this machine has. */
const tokenizers: [string, Tokenizer][] = [];
for (const name of ["fable-2m", "tiny-llama3", "TinyStories-656K", "stories260K"]) {
  const folder = await modelFolder(name);
  if (folder) tokenizers.push([name, createTokenizer(await readJson(`${folder}/tokenizer.json`))]);
}

/** A tokenizer of single bytes. */
const bytes: Tokenizer = {
  vocab: 256,
  names: {},
  bosId: null,
  eosId: null,
  specialTokens: [],
  leadingSpaces: 0,
  encode: (text) => [...new TextEncoder().encode(text)],
  decode: (ids) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(Array.from(ids))),
  bytes: (id) => Uint8Array.of(id),
};

/** The pieces that ids give, the flushed one last. */
function stream(tokenizer: Tokenizer, ids: number[], stop: string[] = [], continues = false) {
  const text = new TextStream(tokenizer, stop, continues);
  const pieces: string[] = [];
  let used = 0;
  for (const id of ids) {
    const { piece, stopped } = text.push(id);
    pieces.push(piece);
    used++;
    if (stopped) return { pieces, joined: pieces.join(""), used, rest: text.flush() };
  }
  pieces.push(text.flush());
  return { pieces, joined: pieces.join(""), used, rest: text.flush() };
}

/** What a text says before the stop string that is complete first, the longest of those that end together. */
function cut(text: string, stop: string[]): string {
  for (let end = 1; end <= text.length; end++) {
    const found = stop.filter((one) => text.slice(0, end).endsWith(one));
    if (found.length) return text.slice(0, end - Math.max(...found.map((one) => one.length)));
  }
  return text;
}

const pieces = suite("text: pieces");

pieces("a character comes whole, with its last byte", () => {
  const { pieces } = stream(bytes, bytes.encode("é€😀!"));
  assert.equal(pieces, ["", "é", "", "", "€", "", "", "", "😀", "!", ""]);
});

pieces("a character that never becomes whole is said once, when that is certain", () => {
  assert.equal(stream(bytes, [0xe2, 0x82, 0x41]).pieces, ["", "", "\ufffdA", ""]);
  assert.equal(stream(bytes, [0x41, 0xf0, 0x9f]).pieces, ["A", "", "", "\ufffd"]);
  assert.equal(stream(bytes, [0xff, 0x41]).pieces, ["\ufffd", "A", ""]);
});

pieces("a byte-order mark is text", () => assert.is(stream(bytes, bytes.encode("\ufeffa")).joined, "\ufeffa"));

pieces("text that may begin a stop string is held back, no more than that", () => {
  const { pieces, used, rest } = stream(bytes, bytes.encode("a\n\nb\n\nUser: x"), ["\n\nUser:"]);
  assert.equal(pieces, ["a", "", "", "\n\nb", "", "", "", "", "", "", ""]);
  assert.equal([used, rest], ["a\n\nb\n\nUser:".length, ""]);
  assert.equal(stream(bytes, bytes.encode("ab"), ["abc"]).pieces, ["", "", "ab"], "flush gives what was held back");
});

pieces("the stop string that is complete first ends the text, the longest of several", () => {
  assert.is(stream(bytes, bytes.encode("xabcd"), ["abcd", "bc"]).joined, "xa");
  assert.is(stream(bytes, bytes.encode("xabcd"), ["bc", "abc"]).joined, "x");
  assert.is(stream(bytes, bytes.encode("aaab"), ["aab"]).joined, "a");
  assert.is(stream(bytes, bytes.encode("ababac"), ["abac"]).joined, "ab");
});

pieces("several characters of one id, and what comes after the end", () => {
  const words: Tokenizer = { ...bytes, bytes: (id) => new TextEncoder().encode(["one STOP two", " three"][id]) };
  const text = new TextStream(words, ["STOP"]);
  assert.equal(text.push(0), { piece: "one ", stopped: true });
  assert.equal(text.push(1), { piece: "", stopped: true });
  assert.is(text.flush(), "");
});

pieces("a stop string may hold U+FFFD", () => assert.is(stream(bytes, [0x61, 0xe2, 0x82], ["\ufffd"]).joined, "a"));

pieces("the first space of a text is dropped where decode drops it, unless the text goes on", () => {
  const spaced = { ...bytes, leadingSpaces: 1 };
  assert.is(stream(spaced, bytes.encode("  a b")).joined, " a b");
  assert.is(stream(spaced, bytes.encode("a b")).joined, "a b");
  assert.is(stream(spaced, bytes.encode(" a"), [], true).joined, " a");
  assert.is(stream(spaced, bytes.encode(" a"), [" "]).joined, "a", "a dropped space stops nothing");
});

pieces(
  "an empty stop string is refused",
  () => refused(() => new TextStream(bytes, ["a", ""]), 'Cannot generate: a stop string must not be empty, got ""'),
);

pieces("a long text costs its own length", () => {
  const ids = bytes.encode("ab".repeat(200_000));
  const begun = process.cpuUsage();
  assert.is(stream(bytes, ids, ["abababababababababababx"]).joined.length, 400_000);
  assert.ok(process.cpuUsage(begun).user < 5e6, "microseconds");
});

pieces.run();

const random = suite("text: random ids, against decoding all at once");

const random32 = new Random(7).next;
const below = (end: number) => Math.floor(random32() * end);

for (const [name, tokenizer] of tokenizers) {
  random(name, () => {
    let stopped = 0;
    for (let round = 0; round < 1500; round++) {
      const ids = Array.from({ length: 1 + below(40) }, () => below(tokenizer.vocab + 2));
      const text = tokenizer.decode(ids);
      // Stop strings from the text itself, some with a wrong end, as whole characters.
      const characters = [...text];
      const stop = Array.from({ length: below(4) }, () => {
        const from = below(characters.length), to = from + 1 + below(6);
        return characters.slice(from, to).join("") + (below(2) ? "" : "~");
      }).filter((one) => one !== "");
      const { joined, used } = stream(tokenizer, ids, stop);
      const wanted = cut(text, stop);
      assert.is(joined, wanted, JSON.stringify({ ids, stop }));
      if (wanted !== text) {
        stopped++;
        // It stops as soon as the text decoded so far holds the stop string.
        const before = tokenizer.decode(ids.slice(0, used - 1)).replace(/\ufffd+$/, "");
        assert.is(cut(before, stop), before, "not later than need be");
      }
      for (const piece of stream(tokenizer, ids).pieces) assert.ok(piece.isWellFormed());
    }
    assert.ok(stopped > 100 && stopped < 1400, `${stopped} of 1500 stopped`);
  });
}

random.run();
