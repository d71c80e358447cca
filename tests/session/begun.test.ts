// A prompt's beginning that was read once: what goes on from there is as if all had been read at once, to the last bit.
import * as assert from "uvu/assert";
import { load } from "../../src/load.ts";
import type { ChatOptions } from "../../src/options/generate.ts";
import type { Evicted } from "../../src/options/events.ts";
import type { SessionOptions } from "../../src/options/index.ts";
import type { Session } from "../../src/session/session.ts";
import { talkingModel } from "../support/api.ts";
import { depth } from "../support/depth.ts";
import { engineSuite, fewOnGpu, onEngine } from "../support/engine.ts";

const test = await engineSuite("prompts that were begun");
const FEW: SessionOptions[] = [
  { budget: 48, policy: "roco" },
  { budget: 300, policy: "h2o", pinPrompt: true },
  { policy: "full" },
  { budget: 48, policy: "crest", positions: "cache", remainder: 2 },
];
const MORE: SessionOptions[] = [
  { budget: 48, policy: "tova", evict: "prompt" },
  { budget: 32, policy: "random", seed: 7, stride: 5 },
  { budget: 64, policy: "snapkv", allocation: "adaptive" },
  { budget: 40, policy: "gkv", positions: "cache" },
  { budget: 64, policy: "streaming", positions: "cache", stride: 64, spare: 3 },
  { budget: 48, policy: "keydiff", countFrom: "eviction", kv: "q8" },
];
const CASES = fewOnGpu(depth(FEW, [...FEW, ...MORE]), () => "", 1);

const system = { role: "system", content: "You tell stories of animals, briefly, and never of people. ".repeat(5) };
const asked = (content: string) => [system, { role: "user", content }];
const OPTIONS: ChatOptions = { maxNewTokens: 30, temperature: 0.9, seed: 3, stopAtEnd: false, pinSystem: false };

/** What a session says, and all that can be seen of how it came to that. */
async function told(session: Session, content: string, events: Evicted[], options = OPTIONS) {
  let text = "";
  for await (const piece of session.chat(asked(content), options)) text += piece;
  const { stepMs: _, prefillMs: __, tokensPerSecond: ___, promptTokens, ...report } = session.report();
  const books = structuredClone(session.laneViews());
  return { text, report, books, live: session.livePositions(), events, promptTokens };
}

test(`as if all had been read at once, whatever the policy: ${CASES.length} caches`, async () => {
  using model = await load(await talkingModel(), await onEngine());
  for (const options of CASES) {
    const shown = JSON.stringify(options);
    const plain = async (content: string) => {
      const events: Evicted[] = [];
      using session = model.session({ ...options, onEvict: (event) => events.push(event) });
      return await told(session, content, events);
    };
    const before: Evicted[] = [];
    using first = model.session({ ...options, onEvict: (event) => before.push(event), onWarning: () => {} });
    await first.begin(asked("Tell me of a dog."), OPTIONS, 100);
    const { seen } = first, then = before.slice();
    assert.ok(seen > 30 && seen <= 100, `${seen}: ${shown}`);
    await first.begin(asked("Tell me of a dog."), OPTIONS, 101);
    assert.is(first.seen, seen); // the next chunk does not end by then
    for (const content of ["Tell me of a dog.", "And of a cat, who was old? ".repeat(6)]) {
      const events = then.slice();
      using session = await first.fork({ onEvict: (event) => events.push(event) });
      const { promptTokens, ...shared } = await told(session, content, events);
      const { promptTokens: all, ...wanted } = await plain(content);
      assert.equal(shared, wanted, shown);
      assert.is(promptTokens, all - seen, shown);
    }
    await first.begin(asked("And of a cat, who was old? ".repeat(6)), OPTIONS, 1000); // further, another way
    assert.ok(first.seen > seen, shown);
    const { promptTokens: _, ...shared } = await told(first, "And of a cat, who was old? ".repeat(6), before);
    const { promptTokens: __, ...wanted } = await plain("And of a cat, who was old? ".repeat(6));
    assert.equal(shared, wanted, shown);
  }
});

test("another beginning, or what was pinned of it, is read anew", async () => {
  using model = await load(await talkingModel(), await onEngine());
  using first = model.session({ budget: 200 });
  await first.begin(asked("Tell me of a dog."), OPTIONS, 100);
  const { seen } = first;
  for (
    const [messages, options] of [
      [asked("Tell me of a dog."), { ...OPTIONS, pinSystem: true, maxNewTokens: 2 }],
      [[{ role: "user", content: "Tell me of a dog." }], { ...OPTIONS, maxNewTokens: 2 }],
    ] as const
  ) {
    using session = await first.fork();
    for await (const _ of session.chat(messages, options));
    const { promptTokens } = session.report();
    assert.is(session.seen, promptTokens + 1);
    using other = model.session({ budget: 200 });
    for await (const _ of other.chat(messages, options));
    assert.equal(session.livePositions(), other.livePositions());
  }
  await first.begin(asked("Tell me of a cat."), { ...OPTIONS, pinSystem: true }, 1000);
  assert.is(first.seen, seen); // it was begun otherwise
});

test.run();
