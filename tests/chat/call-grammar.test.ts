// Calls that must be: of templates in each of the ways to write them, a grammar whose texts are found again as those calls.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { callFormat } from "../../src/chat/call-format.ts";
import { callables, callGrammar } from "../../src/chat/call-grammar.ts";
import { callsIn } from "../../src/chat/calls.ts";
import { readTemplate } from "../../src/chat/template.ts";
import { Automaton } from "../../src/grammar/automaton.ts";
import { textGrammar } from "../../src/grammar/grammar.ts";
import type { Tokenizer } from "../../src/tokenizer/tokenizer.ts";
import { repoPath } from "../support/files.ts";
import { TOOLS } from "../support/tool-answers.ts";

const test = suite("calls that must be");
const specialTokens = ["<s>", "</s>", "<|im_start|>", "<|im_end|>", "<|eot_id|>", "[TOOL_CALLS]"]
  .map((text, id) => ({ id, text }));
const tokenizer = { decode: () => "</s>", bosId: 0, eosId: 1, names: {}, specialTokens } as unknown as Tokenizer;
const { template: HERMES } = JSON.parse(await Deno.readTextFile(repoPath("tests/golden/templates/hermes.json")));
const say = (calls: string, text = "{{ m.content }}") =>
  `{% for m in messages %}{% if m.tool_calls %}${calls}</s>{% else %}{{ m.role }}: ${text}</s>{% endif %}{% endfor %}`;
const each = (call: string, between = "") =>
  `{% for c in m.tool_calls %}${call}{% if not loop.last %}${between}{% endif %}{% endfor %}`;
const NAME = "{{ c.function.name }}", GIVEN = "{{ c.function.arguments | tojson }}";

/** Templates, whether they may show several calls, and a text of the format. */
const TEMPLATES: [name: string, template: string, several: boolean, text: string][] = [
  [
    "hermes",
    HERMES,
    true,
    '<tool_call>\n{"name": "write_file", "arguments": {"path": "a", "text": "b"}}\n</tool_call>',
  ],
  [
    "mistral",
    say(`[TOOL_CALLS] [${each(`{"name": "${NAME}", "arguments": ${GIVEN}, "id": "{{ c.id }}"}`, ", ")}]`),
    true,
    '[TOOL_CALLS] [{"name": "write_file", "arguments": {"path": "a", "text": "b"}, "id": "Ab3456789"}]',
  ],
  [
    "newer mistral",
    say(each(`[TOOL_CALLS]${NAME}[ARGS]${GIVEN}`)),
    true,
    '[TOOL_CALLS]write_file[ARGS]{"path":"","text":""}',
  ],
  [
    "llama",
    say(
      '{% if m.tool_calls | length != 1 %}{{ raise_exception("one") }}{% endif %}' +
        each(`{"name": "${NAME}", "parameters": ${GIVEN}}`),
    ),
    false,
    '{"name": "write_file", "parameters": {"path": "a", "text": "b"}}',
  ],
];

function formatOf(template: string) {
  const render = readTemplate(template, tokenizer);
  return callFormat((messages) => render(messages, { tools: TOOLS, add_generation_prompt: false }), tokenizer);
}

/** Whether a text fits a grammar as a whole, and whether it must end there. */
function fits(source: string, text: string): [fits: boolean, over: boolean] {
  const { machine, root } = textGrammar(source), automaton = new Automaton(machine, root);
  let place = automaton.start();
  for (const byte of new TextEncoder().encode(text)) {
    place = automaton.step(place, automaton.classes[byte]);
    if (place < 0) return [false, false];
  }
  return [automaton.accepts(place), automaton.isOver(place)];
}

for (const [name, template, several, text] of TEMPLATES) {
  test(`${name}: what the template shows`, () => {
    const tools = callables(TOOLS)!, format = formatOf(template)!;
    assert.is(format.between !== null, several);
    const asked = (how = {}) => callGrammar(format, tools, { several: false, opened: false, thinks: false, ...how });
    assert.equal(fits(asked(), text), [true, true]);
    assert.equal(callsIn(text)?.tool_calls.map(({ function: { name } }) => name), ["write_file"]);
    for (const wrong of ["", "Hello.", text.replace("write_file", "remove_all"), text.slice(0, -1), ` ${text}`]) {
      assert.is(fits(asked(), wrong)[0], false, wrong);
    }
    assert.is(fits(asked(), text.replace(/"text": ?"b?"/, '"text": 1'))[0], false, "the schema holds");
    if (several) {
      const end = text.lastIndexOf(format.behind.replaceAll("kvcapsid0", "Ab3456789"));
      const one = text.slice(format.before.length, end < 0 ? undefined : end);
      const between = format.between!.replaceAll("kvcapsid0", "Zz3456789");
      const two = text.slice(0, format.before.length) + one + between + one + text.slice(end);
      const twice = format.behind === "" ? text + text : two;
      assert.is(callsIn(twice)?.tool_calls.length, 2, twice);
      assert.is(fits(asked({ several: true }), twice)[0], true, twice);
      assert.is(fits(asked(), twice)[0], false);
    }
    assert.is(fits(asked({ opened: true }), `Hm, a < b.\n</think>\n\n${text}`)[0], true);
    assert.is(fits(asked({ opened: true }), text)[0], false);
    assert.is(fits(asked({ thinks: true }), text)[0], true);
    assert.is(fits(asked({ thinks: true }), `<think>\nHm.\n</think>\n\n${text}`)[0], true);
  });
}

test("templates that show calls in other ways, or none, are known to", () => {
  const coder = say(
    each(
      `<tool_call><function=${NAME}>{% for k, v in c.function.arguments | items %}<parameter={{ k }}>{{ v }}</parameter>
{% endfor %}</function></tool_call>`,
    ),
  );
  for (const template of [coder, say("a call"), say(each(`call ${NAME} with ${GIVEN}`)), "{{ messages[0].content }}"]) {
    assert.is(formatOf(template), null, template);
  }
});

test("tools that cannot be held to", () => {
  assert.equal(callables([{ function: { name: "a" } }]), [{
    name: "a",
    parameters: { type: "object", additionalProperties: false },
  }]);
  for (
    const tool of [{}, { function: {} }, { function: { name: 'a"b' } }, {
      function: { name: "a", parameters: { type: "string" } },
    }]
  ) {
    assert.is(callables([tool]), null);
  }
});

test.run();
