// Callers' functions that throw: their own error is said, nobody else misses anything, and the session goes on as if nothing was.
import * as assert from "uvu/assert";
import { load, type Model } from "../../src/load.ts";
import type { Evicted } from "../../src/options/events.ts";
import type { GenerateOptions, SessionOptions } from "../../src/options/index.ts";
import { readRecording } from "../../src/recording/read.ts";
import type { Session } from "../../src/session/session.ts";
import { engineSuite, onEngine } from "../support/engine.ts";
import { repoPath } from "../support/files.ts";
import { PROMPT, say } from "../support/say.ts";

const test = await engineSuite("listeners");
let model: Model;

test.before(async () => {
  model = await load(repoPath("models/fable-2m"), await onEngine());
});
test.after(() => model.dispose());

const TOKENS = 24;
const fault = { name: "none of the errors that there are" };

/** All that a session told and wrote. */
interface Heard {
  text: string;
  ids: number[];
  victims: Evicted[];
  steps: { ids: readonly number[]; victims: readonly Evicted[] }[];
  tokens: number[];
  prefill: number[];
  thrown: unknown[];
  session: Session;
}

/** Who throws, at which of its calls. */
interface Thrower {
  readonly who: "onEvict" | "onStep" | "onToken" | "onPrefill" | "record";
  readonly at: number;
}

/** Reads PROMPT and writes, and goes on after each error until all is written. */
async function run(options: SessionOptions, generate: GenerateOptions, thrower?: Thrower): Promise<Heard> {
  let calls = 0;
  const told = (who: Thrower["who"]) => {
    if (who === thrower?.who && ++calls === thrower.at) throw fault;
  };
  const heard = { text: "", ids: [], victims: [], steps: [], tokens: [], prefill: [], thrown: [] } as unknown as Heard;
  const session = heard.session = model.session({
    ...options,
    onEvict: (victim) => (heard.victims.push(victim), told("onEvict")),
    onStep: ({ ids, victims }) => (heard.steps.push({ ids: [...ids], victims }), told("onStep")),
    ...thrower?.who === "record" ? { record: () => told("record") } : {},
  });
  let prompt = PROMPT;
  for (let left = TOKENS, rounds = 0; left > 0 && rounds < 3; rounds++) {
    try {
      const pieces = session.generate(prompt, {
        ...generate,
        ...prompt === "" ? { seed: undefined } : {},
        maxNewTokens: left,
        onToken: (id) => (heard.tokens.push(id), told("onToken")),
        onPrefill: (done) => (heard.prefill.push(done), told("onPrefill")),
      });
      for await (const piece of pieces) heard.text += piece;
    } catch (error) {
      heard.thrown.push(error);
    }
    const { ids } = session.report();
    heard.ids.push(...ids);
    left -= ids.length;
    prompt = "";
  }
  return heard;
}

const OPTIONS = { budget: 32, stride: 24, newest: 2 } as const; // the prompt is one chunk

test("each hears all, and text and ids are those of a session in which nothing was thrown", async () => {
  for (const generate of [{}, { temperature: 1, seed: 5 }] as GenerateOptions[]) {
    const sound = await run(OPTIONS, { ...generate, stopAtEnd: false });
    assert.ok(sound.victims.length > 50 && sound.thrown.length === 0);
    for (
      const thrower of [
        { who: "onEvict", at: 1 },
        { who: "onEvict", at: 31 },
        { who: "onStep", at: 1 },
        { who: "onStep", at: 5 },
        { who: "onToken", at: 1 },
        { who: "onToken", at: TOKENS },
        { who: "onPrefill", at: 1 },
        { who: "record", at: 2 },
        { who: "record", at: 7 },
      ] as Thrower[]
    ) {
      const which = JSON.stringify([thrower, generate]);
      const heard = await run(OPTIONS, { ...generate, stopAtEnd: false }, thrower);
      assert.equal(heard.thrown.length, 1, which);
      assert.is(heard.thrown[0], fault, which);
      for (const what of ["text", "ids", "victims", "steps", "tokens"] as const) {
        assert.equal(heard[what], sound[what], `${what}: ${which}`);
      }
      assert.equal(heard.session.livePositions(), sound.session.livePositions(), which);
      heard.session.dispose();
    }
    sound.session.dispose();
  }
});

test("a prompt that was half read stays so, and the rest may be read", async () => {
  let wrong = true;
  const onPrefill = () => {
    if (wrong) throw fault;
  };
  const options = { policy: "full", stride: 8 } as const;
  const [torn, whole] = [model.session(options), model.session(options)];
  const ids = model.tokenizer.encode(PROMPT, { bos: true });
  const read = (session: Session, prompt: number[]) => say(session, { maxNewTokens: 8, onPrefill }, prompt);
  assert.is(await read(torn, ids).catch((error) => error), fault);
  assert.is(torn.seen, 8);
  wrong = false;
  assert.equal((await read(torn, ids.slice(8))).ids, (await read(whole, ids)).ids);
  for (const session of [torn, whole]) session.dispose();
});

test("leaving the loop after the piece says the error, too, and says it once", async () => {
  const session = model.session({
    ...OPTIONS,
    onStep: () => {
      throw fault;
    },
  });
  const leave = async () => {
    for await (const _ of session.generate(PROMPT, { maxNewTokens: 5 })) break;
  };
  assert.is(await leave().catch((error) => error), fault);
  session.reset();
  session.dispose();
});

test("logits that a caller cannot change are chosen from by nobody, and what was read stays", async () => {
  let calls = 0;
  const onLogits = () => {
    if (++calls === 4) throw fault;
  };
  const options = { policy: "full" } as const;
  const [torn, whole] = [model.session(options), model.session(options)];
  assert.is(await say(torn, { onLogits }).catch((error) => error), fault);
  const { ids } = torn.report();
  assert.is(ids.length, 3);
  const behind = model.tokenizer.encode(" and then");
  const prompt = [...model.tokenizer.encode(PROMPT, { bos: true }), ...ids, ...behind];
  const further = { maxNewTokens: 6, stopAtEnd: false };
  assert.equal((await say(torn, further, behind)).ids, (await say(whole, further, prompt)).ids);
  for (const session of [torn, whole]) session.dispose();
});

test("a recording that cannot be written is said once, is refused as torn, and keeps no session from anything", async () => {
  const before = model.gpuBytes;
  for (const at of [1, 2, 4]) { // of the pieces: the head, a prompt, a step
    let calls = 0;
    const written: number[] = [];
    const record = (piece: Uint8Array) => {
      if (++calls === at) throw fault;
      written.push(...piece);
    };
    const open = () => model.session({ ...OPTIONS, record });
    if (at === 1) {
      try {
        open();
        assert.unreachable();
      } catch (error) {
        assert.is(error, fault);
      }
      assert.is(model.gpuBytes, before);
      continue;
    }
    const session = open();
    assert.is(await say(session, { maxNewTokens: 9, stopAtEnd: false }).catch((error) => error), fault);
    session.reset();
    const again = await say(session, { maxNewTokens: 9, stopAtEnd: false });
    const fresh = model.session(OPTIONS);
    assert.equal(again.ids, (await say(fresh, { maxNewTokens: 9, stopAtEnd: false })).ids);
    fresh.dispose();
    session.dispose();
    assert.throws(() => readRecording(new Uint8Array(written)), /^Cannot read the recording/);
  }
  let calls = 0;
  const session = model.session({
    ...OPTIONS,
    record: () => {
      if (++calls === 3) throw fault; // head, prompt, what resetting writes
    },
  });
  const read = { maxNewTokens: 1, stopAtEnd: false };
  await say(session, read);
  try {
    session.reset();
    assert.unreachable();
  } catch (error) {
    assert.is(error, fault);
  }
  const fresh = model.session(OPTIONS);
  const more = { maxNewTokens: 9, stopAtEnd: false };
  const wanted = (await say(fresh, more)).ids;
  assert.equal((await say(session, more)).ids, wanted);
  for (const one of [session, fresh]) one.dispose();
});

test("measuring says the caller's error, and gives everything back", async () => {
  const before = model.gpuBytes;
  const wrong = () => {
    throw fault;
  };
  for (const options of [{ onEvict: wrong }, { onStep: wrong }, { onProgress: wrong }, { record: wrong }]) {
    const measured = model.perplexity(PROMPT, { budget: 14, stride: 4, newest: 2, ...options });
    assert.is(await measured.then(() => null, (error) => error), fault, Object.keys(options)[0]);
  }
  assert.is(model.gpuBytes, before);
});

test.run();
