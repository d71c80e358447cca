// Texts of a given form, written by a model: how they end, go on, and stand beside the other options.
import * as assert from "uvu/assert";
import { KvcapError } from "../../src/errors.ts";
import { load, type Model } from "../../src/load.ts";
import type { GenerateOptions } from "../../src/options/index.ts";
import type { Session } from "../../src/session/session.ts";
import { engineSuite, onEngine } from "../support/engine.ts";
import { modelFolder, repoPath } from "../support/files.ts";

const test = await engineSuite("texts of a given form");
let model: Model;
test.before(async () => {
  model = await load(repoPath("models/fable-2m"), await onEngine());
});
test.after(() => model.dispose());

const PROMPT = "Once upon a time";

/** Writes a text. */
async function write(options: GenerateOptions, prompt: string | number[] = PROMPT, session?: Session) {
  const own = session ?? model.session({ budget: 64 });
  let text = "";
  for await (const piece of own.generate(prompt, { maxNewTokens: 120, ...options })) text += piece;
  const { ended, newTokens, ids } = own.report();
  if (!session) own.dispose();
  return { text, ended, newTokens, ids };
}

/** The sentence that something is refused with. */
async function said(use: () => unknown): Promise<string> {
  try {
    await use();
  } catch (error) {
    assert.instance(error, KvcapError);
    return (error as Error).message;
  }
  return "nothing";
}

const FOX = {
  properties: {
    name: { type: "string", maxLength: 12 },
    age: { type: "integer", minimum: 0, maximum: 20 },
    red: { type: "boolean" },
  },
  required: ["name", "age", "red"],
};

for (
  const sampling of [{}, { temperature: 1, seed: 3 }, {
    temperature: 1.5,
    topK: 20,
    topP: 0.9,
    minP: 0.01,
    typicalP: 0.9,
    seed: 4,
  }]
) {
  test(`a schema is kept to, and the text ends with it: ${JSON.stringify(sampling)}`, async () => {
    const { text, ended, newTokens } = await write({ jsonSchema: FOX, ...sampling });
    const value = JSON.parse(text);
    assert.equal(Object.keys(value), ["name", "age", "red"]);
    assert.ok(
      Array.from(value.name).length <= 12 && value.age >= 0 && value.age <= 20 && typeof value.red === "boolean",
    );
    assert.is(ended, "end");
    assert.ok(newTokens < 120);
  });
}

test("the same text with the same seed, however often masks have been used", async () => {
  const options = { jsonSchema: FOX, temperature: 1, seed: 7 };
  const session = model.session({ budget: 64 });
  const first = await write(options, PROMPT, session);
  session.reset();
  assert.equal(await write(options, PROMPT, session), first);
  assert.equal(await write(options), first);
  session.dispose();
});

test("a greedy text is the likeliest fitting id at every step", async () => {
  const best: number[] = [];
  const onLogits = (logits: Float32Array) => {
    const fits = Array.from(logits.keys()).filter((id) =>
      /^[0-9]+$/.test(new TextDecoder().decode(model.tokenizer.bytes(id)))
    );
    best.push(fits.reduce((best, id) => logits[id] > logits[best] ? id : best));
  };
  const { ids } = await write({ grammar: "root ::= [0-9]+", maxNewTokens: 12, onLogits, stopAtEnd: false });
  assert.equal(ids, best);
});

test("the report says that a text was cut, and an empty prompt goes on with it", async () => {
  const options = { jsonSchema: FOX, temperature: 1, seed: 11 };
  const whole = await write(options);
  const session = model.session({ budget: 64 });
  let text = "";
  let ended = "length", rounds = 0;
  for (; ended === "length"; rounds++) {
    const part = await write(
      { ...options, seed: rounds === 0 ? 11 : undefined, maxNewTokens: 3 },
      rounds === 0 ? PROMPT : "",
      session,
    );
    text += part.text;
    ended = part.ended;
    if (ended === "length") assert.is(part.newTokens, 3);
  }
  assert.equal([text, ended], [whole.text, "end"]);
  assert.ok(rounds > 3);
  const { text: next } = await write(options, "", session); // a new one: the first is whole
  JSON.parse(next);
  session.dispose();
});

test("another form, or none, begins anew", async () => {
  const session = model.session({ budget: 64 });
  await write({ jsonSchema: FOX, maxNewTokens: 3 }, PROMPT, session);
  const { text } = await write({ jsonSchema: { enum: ["yes", "no"] } }, "", session);
  assert.ok(["yes", "no"].includes(JSON.parse(text)));
  await write({ jsonSchema: FOX, maxNewTokens: 3 }, "", session);
  await write({ maxNewTokens: 3 }, "", session);
  JSON.parse((await write({ jsonSchema: FOX, temperature: 1, seed: 1 }, "", session)).text);
  session.dispose();
});

test("the model may end a text where it is whole, and nowhere else", async () => {
  const eos = model.config.eosIds[0];
  const eager = { logitBias: [[eos, 100] as const] };
  assert.is((await write({ grammar: 'root ::= "ab" "c"*', ...eager })).text, "ab");
  assert.is(
    (await write({ grammar: 'root ::= "ab" "c"*', ...eager, stopAtEnd: false, maxNewTokens: 5 })).ended,
    "length",
  );
  const c = model.tokenizer.encode("c").slice(-1);
  const { text } = await write({ grammar: 'root ::= "a" "c"{2,5} "b"?', stopIds: c, logitBias: [[c[0], 50]] });
  assert.match(text, /^acc+b?$/); // an id that ends the text is no part of it
});

test("what else forbids ids stands beside it", async () => {
  const grammar = 'root ::= [a-z ]{5,30} "."';
  const { text: plain } = await write({ grammar });
  const { text: less } = await write({ grammar, bannedStrings: [plain.slice(0, 3)] });
  assert.not.ok(less.includes(plain.slice(0, 3)));
  const { text, ended } = await write({ grammar, stop: plain.slice(2, 5) });
  assert.equal([text, ended], [plain.slice(0, 2), "stop"]);
  const told: number[] = [];
  await write({
    grammar,
    logprobs: 2,
    repetitionPenalty: 1.5,
    onToken: (_, logprobs) => void told.push(logprobs!.logprob),
  });
  assert.ok(told.length > 0 && told.every((one) => one <= 0 && Number.isFinite(one)));
});

test("an abort ends it, and the next call goes on", async () => {
  const session = model.session({ budget: 64 });
  const stopper = new AbortController();
  let text = "", count = 0;
  const onToken = () => {
    if (++count === 4) stopper.abort();
  };
  try {
    const all = { jsonSchema: FOX, temperature: 1, seed: 5, onToken, signal: stopper.signal };
    for await (const piece of session.generate(PROMPT, all)) text += piece;
    assert.unreachable("it was aborted");
  } catch (error) {
    assert.is((error as Error).name, "AbortError");
  }
  text += (await write({ jsonSchema: FOX, temperature: 1 }, "", session)).text;
  JSON.parse(text);
  session.dispose();
});

test("banned strings are never there, whatever the tokens", async () => {
  const options = { temperature: 1, seed: 9, maxNewTokens: 200, stopAtEnd: false };
  const { text: plain } = await write(options);
  const words = [...new Set(plain.match(/[a-z]{3,}/g))].slice(0, 12);
  const banned = [...words, " a ", "e,"];
  assert.ok(banned.filter((word) => plain.includes(word)).length > 8);
  const session = model.session({ budget: 64 });
  let text = "";
  for (let part = 0; part < 20; part++) { // strings that two calls make together, too
    const prompt = part === 0 ? PROMPT : "";
    text += (await write(
      { ...options, seed: part === 0 ? 9 : undefined, maxNewTokens: 10, bannedStrings: banned },
      prompt,
      session,
    )).text;
  }
  for (const word of banned) assert.not.ok(text.includes(word), word);
  assert.ok(text.length > 200);
  session.dispose();
});

test("what cannot be is refused before anything is read", async () => {
  const session = model.session({ budget: 64 });
  const refused = (options: GenerateOptions) => said(() => session.generate(PROMPT, options));
  assert.is(
    await refused({ jsonSchema: { not: {} } }),
    'Cannot read the schema: a schema must have keywords that can be held while it is written, got "not"',
  );
  assert.match(await refused({ grammar: "root" }), /^Cannot read the grammar: line 1: there must be a ::=/);
  assert.match(
    await refused({ grammar: 'root ::= "a"', jsonSchema: true }),
    /^Cannot generate: grammar must not stand beside jsonSchema/,
  );
  assert.match(await refused({ jsonSchema: "x" as never }), /^Cannot generate: jsonSchema must be a JSON schema/);
  assert.match(await refused({ bannedStrings: [""] }), /^Cannot generate: a bannedStrings string must not be empty/);
  assert.match(
    await refused({ bannedStrings: ["x".repeat(20_000)] }),
    /^Cannot generate: bannedStrings must come to at most 10000/,
  );
  const circle: Record<string, unknown> = {};
  circle.properties = { a: circle };
  assert.match(await refused({ jsonSchema: circle }), /^Cannot read the schema: it must be JSON/);
  assert.is(session.seen, 0);
  session.dispose();
});

test("a chat answers in a form", async () => {
  const session = model.session({ budget: 64 });
  const template = "{% for m in messages %}{{ m.content }}\n{% endfor %}";
  let text = "";
  for await (
    const piece of session.chat("A fox?", { template, jsonSchema: FOX, temperature: 1, seed: 2, maxNewTokens: 100 })
  ) text += piece;
  assert.equal(Object.keys(JSON.parse(text)), ["name", "age", "red"]);
  assert.is(session.conversation.at(-1)!.content, text);
  session.dispose();
});

test("tokenizers that put a space before a text: it is no part of it", async () => {
  for (const name of ["stories260K", "tiny-llama3", "TinyStories-656K"]) {
    const folder = await modelFolder(name);
    if (!folder) continue;
    const other = await load(folder, await onEngine());
    const { bosId } = other.tokenizer;
    for (const prompt of [bosId === null ? "Once" : [bosId], "Once"]) {
      const session = other.session({ policy: "full" });
      let text = "";
      const all = { grammar: 'root ::= "once" [a-z]{3} " end"', maxNewTokens: 40, temperature: 1, seed: 1 };
      for await (const piece of session.generate(prompt, all)) text += piece;
      assert.match(text, /^once[a-z]{3} end$/, `${name}, ${prompt}`);
      session.dispose();
    }
    other.dispose();
  }
});

test.run();
