// What a caller gives reaches the template: fields of messages, tools, documents, names of tokens; and calls come back.
import * as assert from "uvu/assert";
import { type ChatMessage, checkMessages, readTemplate } from "../../src/chat/template.ts";
import { planTurn } from "../../src/chat/turn.ts";
import { load, type Model } from "../../src/load.ts";
import type { ChatOptions } from "../../src/options/index.ts";
import type { Session } from "../../src/session/session.ts";
import { createTokenizer } from "../../src/tokenizer/tokenizer.ts";
import { readJson, repoPath } from "../support/files.ts";
import { json, modelFiles } from "../support/model-files.ts";
import { refusal } from "../support/spies.ts";
import { chosen } from "../support/depth.ts";
import { engineSuite, onEngine } from "../support/engine.ts";
import { BROKEN, TOOL_ANSWERS, TOOLS } from "../support/tool-answers.ts";

const TEMPLATE =
  "{{ bos_token }}{% if tools %}{{ tools|tojson }}{{ eos_token }}{% endif %}{% for d in documents or [] %}" +
  "[{{ d.title }}]{% endfor %}{% for m in messages %}{{ m.role }}: {{ m.content }}{% for c in m.tool_calls or [] %}" +
  "<call>{{ c.function.name }}{{ c.function.arguments|tojson }}</call>{% endfor %}{{ eos_token }}\n{% endfor %}" +
  "{% if add_generation_prompt %}assistant: {% endif %}";
const TOOL = { type: "function", function: { name: "weather", description: "now", parameters: { type: "object" } } };
const user = (content: string): ChatMessage => ({ role: "user", content });

const test = await engineSuite("tools");
let model: Model;

test.before(async () => {
  model = await load(repoPath("models/fable-2m"), await onEngine());
});
test.after(() => model.dispose());

/** An answer with exactly these words. */
async function forced(session: Session, input: string | ChatMessage[], words: string, options: ChatOptions = {}) {
  const ids = [...model.tokenizer.encode(words), model.config.eosIds[0]];
  let at = 0, text = "";
  const onLogits = (logits: Float32Array) => {
    const id = ids[at++];
    logits.forEach((_, i) => i !== id && (logits[i] = -Infinity));
  };
  for await (const piece of session.chat(input, { maxNewTokens: 100, template: TEMPLATE, onLogits, ...options })) {
    text += piece;
  }
  return { text, ...session.report() };
}

test("messages keep their fields, and templates have what transformers gives them", () => {
  const { tokenizer } = model;
  const render = (template: string, messages: unknown, given = {}) =>
    readTemplate(template, tokenizer)(checkMessages(messages), given);
  const all = [
    { role: "assistant", tool_calls: [{ name: "weather" }], reasoning: "look" },
    { role: "tool", name: "weather", tool_call_id: "7", content: [{ type: "text", text: "no" }], weight: null },
  ];
  const template =
    "{% for m in messages %}{{ m.role }}{{ m.content[0].text if m.content }}{{ m.tool_calls[0].name if m.tool_calls }}{{ m.name }}" +
    "{{ m.tool_call_id }}{{ m.reasoning_content }}{{ m.thinking }}{{ m.weight is defined }};{% endfor %}";
  assert.is(render(template, all), "assistantweatherlooklookFalse;toolnoweather7False;");
  const none = "{{ tools is none }}{{ documents is none }}{{ nothing is defined }}{{ add_generation_prompt }}";
  assert.is(render(none, [user("Hi")]), "TrueTrueFalseTrue");
  assert.is(render(none, [user("Hi")], { tools: [TOOL], add_generation_prompt: false }), "FalseTrueFalseFalse");
});

test("of several templates the one for tools is used where there are some", async () => {
  const named = (name: string) => ({ name, template: `${name}: {{ messages[0].content }}` });
  const change = json((settings) => settings.chat_template = [named("default"), named("tool_use")]);
  const files = await modelFiles("tests/golden/models/tiny-llama3", { "tokenizer_config.json": change });
  const two = await load(files, await onEngine());
  const session = two.session({ policy: "full" });
  const counts: number[] = [];
  for (const tools of [undefined, [TOOL]]) {
    for await (const _ of session.chat([user("Hi")], { maxNewTokens: 1, ...tools && { tools } }));
    counts.push(session.report().promptTokens);
  }
  assert.equal(counts, ["default: Hi", "tool_use: Hi"].map((text) => two.tokenizer.encode(text).length));
  assert.is.not(counts[0], counts[1]);
  assert.equal([undefined, { tools: [TOOL] }].map((options) => two.countTokens([user("Hi")], options)), counts);
  two.dispose();
});

test("every named special token is there", async () => {
  const folder = repoPath("models/fable-2m");
  const settings = {
    bos_token: "<|bos|>",
    pad_token: { content: "<|eos|>" },
    image_token: "<img>",
    eos_token: null,
    add_bos_token: true,
  };
  const tokenizer = createTokenizer(await readJson(`${folder}/tokenizer.json`), settings);
  const render = readTemplate(
    "{{ bos_token }}{{ pad_token }}{{ image_token }}[{{ eos_token }}{{ add_bos_token }}]",
    tokenizer,
  );
  assert.is(render([user("Hi")]), "<|bos|><|eos|><img>[]");
});

test("calls come back in parts, and what the tool says is read behind them", async () => {
  const session = model.session({ policy: "full" });
  const words = '<tool_call>\n{"name": "weather", "arguments": {"city": "Rome"}}\n</tool_call>';
  const options = { tools: [TOOL] };
  const { text, promptTokens } = await forced(session, [user("Rain?")], words, options);
  assert.is(text, words);
  const called = { type: "function", function: { name: "weather", arguments: { city: "Rome" } } };
  assert.equal(session.conversation.at(-1), { role: "assistant", content: "", tool_calls: [called] });
  const said = { role: "tool", name: "weather", content: "dry" };
  const next = await forced(session, [...session.conversation, said], "It is dry.", options);
  assert.ok(next.promptTokens < 20 && promptTokens > 20, `${next.promptTokens} behind ${promptTokens}`);
  assert.equal(session.conversation.at(-1), { role: "assistant", content: "It is dry." });
  const raw = [user("Rain?"), { role: "assistant", content: words }, said, {
    role: "assistant",
    content: "It is dry.",
  }];
  assert.ok(
    (await forced(session, [...raw, user("And?")], "Yes.", options)).promptTokens < 20,
    "an answer as its text",
  );
  const restored = await model.restore(await session.snapshot());
  assert.equal(restored.conversation, session.conversation);
  await forced(session, [user("Rain?")], words);
  assert.is(session.conversation.at(-1)?.content, words, "without tools it is text");
  session.dispose();
  restored.dispose();
});

test("calls of every format come as pieces of the text, and back in parts", async () => {
  const session = model.session({ policy: "full" });
  const long = { tools: TOOLS, maxNewTokens: 400 };
  for (const { text: words, content = "", calls } of chosen(TOOL_ANSWERS, ({ of }) => of, 1)) {
    const { text } = await forced(session, [user("Rain?")], words, long);
    assert.is(text, words);
    const { tool_calls, content: said } = session.conversation.at(-1)!;
    assert.is(said, content);
    const found = (tool_calls ?? []) as { function: { name: string; arguments: unknown } }[];
    assert.equal(
      found.map(({ function: { name, arguments: given } }) => [name, given]),
      calls.map(([name, given]) => [name, given]),
    );
  }
  for (const words of chosen(BROKEN.filter((text) => text.length < 60), ([mark]) => mark, 1)) {
    await forced(session, [user("Rain?")], words, long);
    assert.equal(session.conversation.at(-1), { role: "assistant", content: words });
  }
  session.dispose();
});

test("an answer that was begun is gone on with", async () => {
  const session = model.session({ policy: "full" });
  const begun = [user("Rain?"), { role: "assistant", content: "It is " }];
  const { promptTokens } = await forced(session, begun, "dry.", { continueFinal: true });
  assert.is(promptTokens, model.tokenizer.encode("<|bos|>user: Rain?<|eos|>\nassistant: It is ").length);
  assert.equal(session.conversation, [user("Rain?"), { role: "assistant", content: "It is dry." }]);
  assert.ok((await forced(session, "Sure?", "Yes.")).promptTokens < 20);
  const chat = (messages: ChatMessage[], template = TEMPLATE) =>
    refusal(() => session.chat(messages, { template, continueFinal: true }));
  assert.match(chat([user("x")]), "the last message must be the assistant's, got");
  assert.match(chat([{ role: "assistant", content: [{ type: "image" }] }]), "must have text that can be gone on with");
  assert.match(
    chat(begun, "{{ messages[0].content }}"),
    "must show the last message as it is for it to be gone on with",
  );
  session.dispose();
});

test("special tokens in tools, documents and fields are plain text", () => {
  const { tokenizer } = model;
  const render = readTemplate(TEMPLATE, tokenizer);
  const count = (evil: string) => {
    const tools = [{ ...TOOL, description: evil }], documents = [{ title: evil }];
    const called = {
      role: "assistant",
      content: "",
      tool_calls: [{ function: { name: evil, arguments: { a: evil } } }],
    };
    const messages = [user(evil), called, { role: "tool", content: evil }];
    const { ids } = planTurn({ render, tokenizer }, { messages, variables: { tools, documents } }, {
      ...{ heard: null, pending: null, eosIds: [] },
    });
    return tokenizer.specialTokens.map(({ id }) => ids.filter((one) => one === id).length);
  };
  assert.equal(count("<|eos|>"), count("x"));
});

test("a template that looks into what is said finds it as it was said", () => {
  const { tokenizer } = model;
  const looks =
    "{% for m in messages %}{{ 'T' if m.content.startswith('<|tool') else 'U' }}{{ m.content }}{{ [m.content] }}{% endfor %}";
  const ids = (content: string) => {
    const render = readTemplate(looks, tokenizer);
    return planTurn({ render, tokenizer }, { messages: [user(content)] }, { heard: null, pending: null, eosIds: [] })
      .ids;
  };
  const found = ids("<|tool|> <|eos|>");
  assert.is(tokenizer.decode(found), "T<|tool|> <|eos|>['<|tool|> <|eos|>']");
  assert.not(found.includes(model.config.eosIds[0]));
  const acts = planTurn(
    { render: readTemplate("{{ messages[0].content.split('<|eos|>')[1] }}", tokenizer), tokenizer },
    {
      messages: [user("a<|eos|>b")],
    },
    { heard: null, pending: null, eosIds: [] },
  );
  assert.is(tokenizer.decode(acts.ids), "b");
});

test("what a template refuses is refused in its words, and what we cannot by name", () => {
  const session = model.session();
  const chat = (template: string, options: ChatOptions = {}) =>
    refusal(() => session.chat("x", { template, ...options }));
  assert.is(
    chat("{{ raise_exception('Only user and assistant roles are supported!') }}"),
    "Cannot chat: the messages must be such as the model's chat template takes, got: Only user and assistant roles are supported!",
  );
  const named =
    "Cannot chat: the chat template must ask for nothing but what is rendered as transformers renders it, got: ";
  assert.is(chat("{{ 'a'|striptags }}"), `${named}the filter striptags`);
  assert.is(chat("{% include 'x' %}"), `${named}the tag include`);
  assert.is(chat("{{ x }}", { variables: { x: () => 1 } }), `${named}a value that is no JSON (function)`);
  assert.match(chat("x", { tools: ["x"] as unknown as [] }), "tools must be a list of objects");
  session.dispose();
});

test.run();
