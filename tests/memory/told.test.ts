// Memory is told as it is, and kept small: what README's examples, a chat and the lab's run hold is used ≤ reserved ≤ 1.25 × what the
// slots of the budget take, from the first step to the last, and report, memory and the line of the command line and the lab add up.
import * as assert from "uvu/assert";
import { DEFAULTS, FIRST, optionsOf } from "../../page/settings.ts";
import { cacheLine } from "../../src/cli/report-lines.ts";
import { load, type Model } from "../../src/load.ts";
import { slotsOf } from "../../src/memory/fit.ts";
import { checkSession, type GenerateOptions, type SessionOptions } from "../../src/options/index.ts";
import type { Session } from "../../src/session/session.ts";
import { engine, engineSuite, onEngine } from "../support/engine.ts";
import { repoPath } from "../support/files.ts";
import { PROMPT } from "../support/say.ts";

const test = await engineSuite("memory, as it is told");
const NEW = engine() === "wasm" ? 200 : 60; // tokens: the figures do not depend on how many
let model: Model;
test.before(async () => {
  model = await load(repoPath("models/fable-2m"), await onEngine());
});
test.after(() => model.dispose());

/** Bytes of K and V of a slot of every lane, in f16. */
const slot = () => model.config.layers * model.config.kvHeads * 2 * model.config.headDim * 2;

const LINE = /^(\d+) of (\d+) slots used, (\d+) KiB; reserved (\d+) KiB; a full cache passes that at token (\d+)$/;

/** Checks all that is said of what a session holds. @returns its line */
function addsUp(session: Session): string {
  const report = session.report();
  const { budget, liveSlots, kvBytes, usedKvBytes, fullKvBytes } = report;
  assert.is(budget, session.options.budget);
  assert.is(liveSlots, session.livePositions()[0].length);
  assert.equal([usedKvBytes, fullKvBytes], [liveSlots * slot(), session.seen * slot()]);
  assert.is(kvBytes, session.memory().kv);
  assert.ok(usedKvBytes <= kvBytes, `${usedKvBytes} bytes used of ${kvBytes}`);
  assert.ok(kvBytes <= 1.25 * budget * slot(), `${kvBytes} bytes for ${budget} slots`);
  const line = cacheLine(report);
  const [live, of, used, reserved, token] = LINE.exec(line)!.slice(1).map(Number);
  assert.equal([live, of], [liveSlots, budget]);
  assert.equal([used, reserved], [usedKvBytes, kvBytes].map((bytes) => Math.round(bytes / 1024)));
  assert.ok((token - 1) * slot() <= kvBytes && token * slot() > kvBytes, line);
  return line;
}

/** Takes a turn; at no time more is held than at its end. */
async function turn(session: Session, pieces: (options: GenerateOptions) => AsyncIterable<string>): Promise<string> {
  const held: number[] = [];
  const look = () => void held.push(session.report().kvBytes, model.gpuBytes);
  for await (const _ of pieces({ stopAtEnd: false, onPrefill: look, onToken: look }));
  const line = addsUp(session);
  assert.equal([...new Set(held)], [session.report().kvBytes, model.gpuBytes]);
  return line;
}

test("README's first example: npm start, whose line is this one", async () => {
  const readme = await Deno.readTextFile(repoPath("README.md"));
  const [, policy, budget] = /^policy +(\w+), budget (\d+) slots per lane$/m.exec(readme)!;
  const session = model.session({ policy: policy as "crest", budget: Number(budget) });
  const line = await turn(session, (how) => session.generate(PROMPT, { ...how, maxNewTokens: Math.max(NEW, 100) }));
  assert.is(/^KV cache +(.+)$/m.exec(readme)![1], line);
  session.dispose();
});

test("README's first example of the library", async () => {
  const session = model.session({ budget: 128 });
  await turn(session, (how) => session.generate("Once upon a time", { ...how, maxNewTokens: 1 }));
  await turn(session, (how) => session.generate("", { ...how, maxNewTokens: NEW }));
  session.dispose();
});

test("a chat's turns, prompts that are longer than the budget among them", async () => {
  const template = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant: ";
  for (const positions of ["absolute", "cache"] as const) {
    const session = model.session({ budget: 40, positions });
    const lines: string[] = [];
    for (const said of ["Who are you?", `${PROMPT} ${PROMPT} ${PROMPT}`, "And then?"]) {
      lines.push(await turn(session, (how) => session.chat(said, { ...how, template, maxNewTokens: 12 })));
    }
    assert.is(new Set(lines.slice(1)).size, 1, lines.join("\n")); // full, and as large as it was
    assert.ok(session.seen > 3 * 40);
    session.dispose();
  }
});

test("the lab's run, as the page opens", async () => {
  const { session: options, generate } = optionsOf(DEFAULTS);
  const session = model.session({ ...options, exactBudget: true, onStep: () => {} });
  const maxNewTokens = Math.min(NEW, FIRST.max);
  await turn(session, (how) => session.generate(FIRST.text, { ...generate, ...how, maxNewTokens }));
  await turn(session, (how) => session.generate(PROMPT, { ...generate, ...how, maxNewTokens: 9 }));
  session.dispose();
});

test("a session that protects other tokens keeps its size, and so does what is restored from it", async () => {
  const session = model.session({ budget: 48 });
  await turn(session, (how) => session.generate(PROMPT, { ...how, maxNewTokens: 30 }));
  const { kv } = session.memory();
  session.protect({ newest: 20 });
  const again = await model.restore(await session.snapshot());
  const fork = await session.fork();
  const said: number[][] = [];
  for (const one of [session, again, fork]) {
    await turn(one, (how) => one.generate(`${PROMPT} ${PROMPT}`, { ...how, maxNewTokens: 9 }));
    assert.is(one.memory().kv, kv);
    said.push(one.report().ids);
    one.dispose();
  }
  assert.equal(said[1], said[0]);
  assert.equal(said[2], said[0]);
});

test("no budget of four slots or more has slots beside it for more than a quarter of it, but where that is asked for", () => {
  const each: SessionOptions[] = [{}, { allocation: "pyramid" }, { allocation: "adaptive" }, { evict: "prompt" }];
  for (const options of each) {
    for (let budget = 4; budget < 400; budget++) {
      const checked = checkSession({ ...options, budget });
      assert.ok(slotsOf(checked) <= 1.25 * budget && checked.spare >= 1, `${JSON.stringify(options)} ${budget}`);
    }
  }
  for (let slots = 6; slots < 400; slots++) {
    const checked = checkSession({ budget: { bytes: slots } }, {
      kv: "f16",
      slotBytes: () => 1,
      remainderBytes: () => 0,
    });
    assert.ok(slotsOf(checked) === slots && slots <= 1.25 * checked.budget + 1, `${slots}`);
  }
  assert.is(slotsOf(checkSession({ budget: 300 })), 364);
  assert.is(slotsOf(checkSession({ budget: 96, stride: 64 })), 160);
  assert.is(slotsOf(checkSession({ budget: 96, stride: 64, spare: 8 })), 104);
  assert.is(slotsOf(checkSession({ budget: { share: 0.5 } }, undefined, 192)), 120);
});

test("a prompt that fits is read as if there were room for more; beyond, in chunks that there is room for", async () => {
  const ids = Array.from({ length: 120 }, (_, i) => 3 + (i * 37) % 500);
  const taken = async (options: SessionOptions, prompt: readonly number[]) => {
    const chunks: number[] = [], gone: string[] = [], logits: number[] = [];
    const session = model.session({
      ...{ budget: 96, ...options },
      onStep: ({ ids }) => void (ids.length > 1 && chunks.push(ids.length)),
      onEvict: ({ layer, head, position, score }) => void gone.push(`${layer} ${head} ${position} ${score}`),
    });
    const onLogits = (all: Float32Array) => void logits.push(...all.subarray(0, 9));
    for await (const _ of session.generate([...prompt], { maxNewTokens: 20, stopAtEnd: false, onLogits }));
    session.dispose();
    return { chunks, gone, logits };
  };
  for (const length of [90, 120]) {
    const [usual, wide] = [await taken({}, ids.slice(0, length)), await taken({ stride: 64 }, ids.slice(0, length))];
    assert.equal(usual, wide);
    assert.equal(usual.chunks, [64, length - 64]);
  }
  assert.equal((await taken({}, [...ids, ...ids])).chunks, [64, 56, 24, 24, 24, 24, 24]);
  assert.equal((await taken({ stride: 64, spare: 60 }, [...ids, ...ids])).chunks, [64, 64, 60, 52]);
  assert.equal((await taken({ stride: 10 }, [...ids, ...ids])).chunks, Array(24).fill(10));
});
test.run();
