// What a schema allows can be written: values that another validator takes, in the forms that JSON is usually written in, however a
// tokenizer cuts them; and what it does not take is not whole.
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Automaton } from "../../src/grammar/automaton.ts";
import { schemaGrammar } from "../../src/grammar/grammar.ts";
import { Guide } from "../../src/grammar/guide.ts";
import { Random } from "../../src/session/random.ts";
import { createTokenizer } from "../../src/tokenizer/tokenizer.ts";
import { depth, seed } from "../support/depth.ts";
import { readJson, repoPath } from "../support/files.ts";
import { Instances } from "../support/instances.ts";
import { SCHEMAS } from "./schemas.ts";

const test = suite("schemas: what fits can be written");
const tokenizer = createTokenizer(await readJson(repoPath("models/fable-2m/tokenizer.json")));
const ROUNDS = depth(15, 300);
const utf8 = new TextEncoder();

/** Whether a grammar takes all of a text. */
function takes({ machine, root }: ReturnType<typeof schemaGrammar>, text: string): boolean {
  const automaton = new Automaton(machine, root);
  let place = automaton.start();
  for (const byte of utf8.encode(text)) {
    place = automaton.step(place, machine.classes[byte]);
    if (place < 0) return false;
  }
  return automaton.accepts(place);
}

const bare = new Set<unknown>();
for (const [kind, schemas] of Object.entries(SCHEMAS)) {
  test(kind, () => {
    for (const schema of schemas) {
      const ajv = new Ajv2020({ strict: false });
      (addFormats as unknown as (ajv: Ajv2020) => void)(ajv);
      const validate = ajv.compile(schema as object);
      const grammar = schemaGrammar(schema as object | true);
      const random = new Random(seed).next, instances = new Instances(schema, random);
      let fits = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const value = instances.of(schema);
        const compact = JSON.stringify(value), what = `${JSON.stringify(schema)}: ${compact}`;
        if (!validate(value)) {
          assert.not.ok(takes(grammar, compact), `${what}, which does not fit`);
          continue;
        }
        fits++;
        for (const text of [compact, JSON.stringify(value, null, 2), JSON.stringify(value, null, "\t")]) {
          const tooDeep = /\n[ \t]{25}/.test(text); // as docs/structured.md says
          assert.ok(tooDeep || takes(grammar, text), `${what} as ${text}`);
        }
        if (round % 8 === 0) assert.ok(guided(grammar, compact), `${what}, token by token`);
      }
      if (fits === 0) bare.add(schema);
    }
  });
}

/** Whether each token of a text is allowed behind those before it, and the end behind all. */
function guided(grammar: ReturnType<typeof schemaGrammar>, text: string): boolean {
  const rules = { grammar, bannedStrings: [], ends: [tokenizer.vocab], spaces: 0 }; // an id of the model's own
  const guide = new Guide(tokenizer, tokenizer.vocab + 1, rules);
  guide.begin(rules, false);
  const logits = new Float32Array(tokenizer.vocab + 1);
  for (const id of [...tokenizer.encode(text), tokenizer.vocab]) {
    logits.fill(0);
    guide.mask(logits);
    if (logits[id] !== 0) return false;
    guide.take(id);
  }
  return true;
}

test("of nearly every schema some were tried", () => {
  console.log(`    none of ${bare.size}`);
  assert.ok(bare.size <= 6, JSON.stringify([...bare]));
});

test.run();
