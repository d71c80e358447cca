// Contexts that take in a token together: what their words say is looked at before anything is touched. Books that lie where another of
// them is written to or read from are refused, as are members that meet; what is right is taken, and writes nowhere else.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as abi from "../../assembly/forward/abi.ts";
import { gatheringShape } from "../../src/wasm/gathering.ts";
import { contextWords, layoutOf } from "../../src/wasm/layout.ts";
import { Arena, CONFIG, LANES, OWN, type PlacedContext } from "../support/arena.ts";
import { seed } from "../support/depth.ts";
import { randomFrom } from "../support/trio.ts";

const test = suite("passes together");

/** A context that gathers four, and three that it may: each takes in its token behind the three that it has. */
async function gathered() {
  const arena = await Arena.make("SIMD", randomFrom(seed));
  const { heap, models: [model] } = arena;
  const contexts = arena.contexts.filter(({ model: { at }, shape }) => at === model.at && !shape.hidden);
  const shape = gatheringShape(CONFIG.layers, 4), layout = layoutOf(CONFIG, shape, 1);
  const at = heap.take("gathering", layout.bytes), words = contextWords(CONFIG, shape, layout, at);
  heap.words.set(words, at / 4);
  const block = [at, at + layout.bytes] as const;
  const gathering: PlacedContext = { at, words: words.length, open: abi.CONTEXT_OPEN, model, shape, block };
  arena.seal(gathering);
  for (const { at } of contexts) {
    heap.words[at / 4 + abi.CONTEXT_TOKENS] = 1;
    heap.words.fill(3, heap.words[at / 4 + abi.CONTEXT_SLOTS] / 4, heap.words[at / 4 + abi.CONTEXT_SLOTS] / 4 + LANES);
  }
  const members = heap.words[at / 4 + abi.CONTEXT_SLOTS] / 4;
  heap.words[at / 4 + abi.CONTEXT_TOKENS] = contexts.length;
  contexts.forEach((one, i) => heap.words[members + i] = one.at);
  return { arena, gathering, contexts, members };
}

test("what is right is taken, and writes to its members and books alone", async () => {
  const { arena, gathering, contexts } = await gathered();
  const { heap, wasm, books } = arena;
  const before = heap.bytesOf.slice();
  assert.is(contexts.length, 3);
  assert.is(wasm.runTogether(gathering.model.at, gathering.at), abi.OK);
  const team = heap.words[gathering.model.at / 4 + abi.MODEL_TEAM];
  const spans = [...[gathering, ...contexts].map(({ block }) => block), books, OWN, [team, team + 4 * abi.TEAM_WORDS]];
  for (const [from, to] of spans) before.set(heap.bytesOf.subarray(from, to), from);
  assert.ok(heap.bytesOf.every((byte, i) => byte === before[i]));
});

test("members that meet, and books that lie where others do, are refused, and nothing is touched", async () => {
  const { arena, gathering, contexts: [first, second, third], members } = await gathered();
  const { heap, wasm, books } = arena;
  const isRefused = (what: string) => {
    const before = heap.bytesOf.slice();
    const code = wasm.runTogether(gathering.model.at, gathering.at);
    assert.ok([abi.BAD_CONTEXT, abi.BAD_PASS, abi.BAD_MODEL].includes(code), `${what}: ${code}`);
    before.set(heap.bytesOf.subarray(...OWN), OWN[0]);
    assert.ok(heap.bytesOf.every((byte, i) => byte === before[i]), what);
  };
  const lies = (one: PlacedContext, at: number, what: string) => {
    const word = one.at / 4 + abi.CONTEXT_OBSERVED, own = heap.words[word];
    heap.words[word] = at;
    arena.seal(one);
    isRefused(what);
    heap.words[word] = own;
    arena.seal(one);
  };
  for (const other of [second, third, gathering]) {
    lies(first, other.at, "books on another's words");
    lies(first, other.block[1] - 4, "books that begin at another's end");
    lies(first, other.at - 4, "books that end in another");
  }
  lies(second, first.at, "books on one before");
  lies(second, books[0], "books that are another's");
  lies(second, books[1] - 4, "books that begin in another's");
  for (const [i, at] of [[1, first.at], [2, gathering.at], [0, third.at]]) {
    const own = heap.words[members + i];
    heap.words[members + i] = at;
    isRefused(`member ${i} twice`);
    heap.words[members + i] = own;
  }
  for (const count of [0, 4, 5, abi.MOST_MEMBERS, 2 ** 32 - 1]) {
    heap.words[gathering.at / 4 + abi.CONTEXT_TOKENS] = count;
    isRefused(`${count} members`);
  }
  heap.words[gathering.at / 4 + abi.CONTEXT_TOKENS] = 3;
  assert.is(wasm.runTogether(gathering.model.at, gathering.at), abi.OK);
});

test.run();
