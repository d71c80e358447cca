// Schemas of the kinds that public suites have: whatever is written under one, by whatever model, fits it, as another validator says.
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { schemaGrammar } from "../../src/grammar/grammar.ts";
import { createTokenizer } from "../../src/tokenizer/tokenizer.ts";
import { Random } from "../../src/session/random.ts";
import { depth, few, full, seed } from "../support/depth.ts";
import { readJson, repoPath } from "../support/files.ts";
import { Walker } from "../support/walk.ts";
import { SCHEMAS } from "./schemas.ts";

const test = suite("schemas: what is written fits");
const folder = repoPath("models/fable-2m");
const tokenizer = createTokenizer(
  await readJson(`${folder}/tokenizer.json`),
  await readJson(`${folder}/tokenizer_config.json`),
);
const walker = new Walker(tokenizer);
const SEEDS = depth(3, 20);
const MOST = 400; // ids

const all = Object.entries(SCHEMAS).flatMap(([kind, list]) => list.map((schema) => ({ kind, schema })));

test("there are 200 of them", () => {
  assert.ok(all.length >= 200 && new Set(all.map(({ schema }) => JSON.stringify(schema))).size === all.length);
});

let [written, ended] = [0, 0];
for (const kind of Object.keys(SCHEMAS)) {
  test(kind, () => {
    const mine = all.filter((one) => one.kind === kind);
    for (const { schema } of full ? mine : few(mine, () => kind, 8)) {
      const ajv = new Ajv2020({ strict: false, allErrors: true });
      (addFormats as unknown as (ajv: Ajv2020) => void)(ajv);
      const validate = ajv.compile(schema as object);
      const grammar = schemaGrammar(schema as object | true);
      for (let round = 0; round < SEEDS; round++) {
        const { text, ended: whole } = walker.walk({ grammar, bannedStrings: [] }, new Random(seed + round).next, MOST);
        written++;
        if (!whole) continue;
        ended++;
        let value: unknown;
        try {
          value = JSON.parse(text);
        } catch (error) {
          throw new Error(`${JSON.stringify(schema)}: ${JSON.stringify(text)}: ${error}`);
        }
        assert.ok(validate(value), `${JSON.stringify(schema)}: ${text}: ${JSON.stringify(validate.errors)}`);
      }
    }
  });
}

test("nearly all of them came to an end", () => {
  console.log(`    ${ended} of ${written} texts`);
  assert.ok(ended > 0.9 * written, `${ended} of ${written}`);
});

test.run();
