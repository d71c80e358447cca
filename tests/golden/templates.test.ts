// Recorded references of chat templates: what transformers makes of them, or that it refuses.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type ChatMessage, readTemplate } from "../../src/chat/template.ts";
import { KvcapError } from "../../src/errors.ts";
import { compile, TemplateError } from "../../src/jinja/index.ts";
import { createTokenizer } from "../../src/tokenizer/tokenizer.ts";
import { checkedCase, listGolden, readJson, repoPath } from "../support/files.ts";

interface Case {
  name: string;
  messages: ChatMessage[];
  tools?: unknown[];
  documents?: unknown[];
  variables?: Record<string, unknown>;
  add_generation_prompt?: boolean;
  continue_final_message?: boolean | string;
  text: string | null;
}

const SPECIAL = { bos_token: "<s>", eos_token: "</s>", unk_token: "<unk>", pad_token: "<pad>" };
const NOW = new Date(2026, 2, 7, 9, 5, 3);
const model = repoPath("models/fable-2m");
const tokenizer = createTokenizer(await readJson(`${model}/tokenizer.json`));

/** What is rendered, or why not. */
function rendered(render: () => string): { text: string } | { error: TemplateError | KvcapError } {
  try {
    return { text: render() };
  } catch (error) {
    if (error instanceof TemplateError || error instanceof KvcapError) return { error };
    throw error;
  }
}

const golden = suite("golden: templates");

golden("small templates of every kind are as Jinja renders them, or what we cannot is named", async () => {
  const { variables, probes } = await readJson<{ variables: Record<string, unknown>; probes: [string, string | null][] }>(
    repoPath("tests/golden/jinja.json"),
  );
  const messages = [{ role: "user", content: "Hi" }];
  const given = { ...SPECIAL, messages, tools: null, documents: null, add_generation_prompt: true, ...variables };
  let same = 0, refused = 0, unsupported = 0;
  for (const [template, text] of probes) {
    const found = rendered(() => compile(template)(given, { now: NOW }));
    if ("text" in found) {
      assert.is(found.text, text, template);
      same++;
    } else if (text === null) refused++;
    else {
      assert.is((found.error as TemplateError).why, "unsupported", `${template}: ${found.error.message}`);
      unsupported++;
    }
  }
  assert.ok(same > 1300 && refused > 900, `${same}, ${refused}`);
  assert.ok(unsupported < 0.05 * same, `${unsupported}`);
  checkedCase(`${same} small templates are the same, ${refused} refused by both, ${unsupported} refused by name`);
});

for (const { name, json } of await listGolden("templates")) {
  golden(name, async () => {
    const { template, cases } = await readJson<{ template: string; cases: Case[] }>(json);
    let same = 0, refused = 0;
    for (const one of cases) {
      const { tools, documents, variables, add_generation_prompt, continue_final_message: goesOn } = one;
      if (typeof goesOn === "string") continue; // we go on with what was said alone
      const given = {
        ...{ ...SPECIAL, ...variables, ...(tools ? { tools } : {}), ...(documents ? { documents } : {}) },
        ...(add_generation_prompt === undefined ? {} : { add_generation_prompt }),
      };
      const how = { continueFinal: goesOn ?? false, now: NOW };
      const found = rendered(() => readTemplate(template, tokenizer)(one.messages, given, how));
      if ("text" in found) assert.is(found.text, one.text, `${one.name} of ${name}`);
      else assert.is(one.text, null, `${one.name} of ${name}: ${found.error.message}`);
      one.text === null ? refused++ : same++;
    }
    assert.ok(same + refused > 20);
    checkedCase(`${name}: ${same} conversations are the same, ${refused} refused by both`);
  });
}

golden.run();
