// Answers of a form: calls that must be, thoughts that the template opens, several answers to one question.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Api, openApi, refusal } from "../support/api.ts";

const test = suite("serve: forms of answers");
let api: Api;
test.before(async () => void (api = await openApi({ session: { budget: 256 } })));
test.after(() => api.stop());

const CALLS = "{% for c in m.tool_calls %}<tool_call>\n" +
  '{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson }}}' +
  "\n</tool_call>{% if not loop.last %}\n{% endif %}{% endfor %}";
const talk = (end: string) =>
  "{{ bos_token }}{% if tools %}{{ tools | length }} tools{{ eos_token }}{% endif %}{% for m in messages %}{{ m.role + ': ' }}" +
  `{% if m.tool_calls %}${CALLS}{% else %}{{ m.content }}{% endif %}{{ eos_token }}{% endfor %}` +
  `{% if add_generation_prompt %}{{ 'assistant: ${end}' }}{% endif %}`;
const TALK = talk(""), THINK = talk("<think>\\n");
const tool = (name: string, properties: object) => {
  const parameters = { type: "object", properties, required: Object.keys(properties), additionalProperties: false };
  return { type: "function", function: { name, parameters } };
};
const tools = [
  tool("look", { at: { enum: ["door", "garden"] } }),
  tool("count", { to: { type: "integer", minimum: 1, maximum: 9 } }),
];
const messages = [{ role: "user", content: "Tell me of a dog." }];
const ASKED = { messages, max_tokens: 120, temperature: 0.9, seed: 1, chat_template: TALK };

// deno-lint-ignore no-explicit-any
async function ask(body: object): Promise<any> {
  const answer = await (await api.post("/chat/completions", { ...ASKED, ...body })).json();
  if (answer.error) throw new Error(answer.error.message);
  return answer;
}

/** The choices of a stream, put together. */
async function streamed(body: object) {
  const asked = { ...ASKED, ...body, stream: true, stream_options: { include_usage: true } };
  const text = await (await api.post("/chat/completions", asked)).text();
  const chunks = text.split("\n\n").filter((line) => line.startsWith("data: {")).map((line) =>
    JSON.parse(line.slice(6))
  );
  // deno-lint-ignore no-explicit-any
  const all: any[] = [];
  for (const { choices } of chunks) {
    for (const { index, delta, finish_reason } of choices) {
      const one = all[index] ??= { content: "", reasoning: "", calls: [], role: delta.role, reason: null };
      one.content += delta.content ?? "";
      one.reasoning += delta.reasoning_content ?? "";
      one.calls.push(...delta.tool_calls ?? []);
      one.reason = finish_reason ?? one.reason;
    }
  }
  return { all, usage: chunks.at(-1).usage };
}

test("a call that must be is one of the tools', and what it is given fits", async () => {
  for (
    const [tool_choice, names] of [
      ["required", ["look", "count"]],
      [{ type: "function", function: { name: "count" } }, ["count"]],
    ] as const
  ) {
    for (const seed of [1, 2, 3]) {
      const body = { tools, tool_choice, seed, ...(seed === 1 ? { parallel_tool_calls: false } : {}) };
      const { choices: [{ message, finish_reason }] } = await ask(body);
      assert.equal([message.content, finish_reason, message.tool_calls.length], [null, "tool_calls", 1]);
      const { name, arguments: given } = message.tool_calls[0].function, said = JSON.parse(given);
      assert.ok((names as readonly string[]).includes(name), name);
      assert.ok(name === "look" ? ["door", "garden"].includes(said.at) : said.to >= 1 && said.to <= 9, given);
      const { all: [one] } = await streamed(body);
      assert.equal([one.calls[0].function, one.reason], [{ name, arguments: given }, "tool_calls"]);
    }
  }
  const bare = { type: "function", function: { name: "stop" } }; // says nothing of what it is given: nothing
  const { choices: [{ message: { tool_calls: [{ function: stop }] } }] } = await ask({
    tools: [bare],
    tool_choice: "required",
  });
  assert.equal(stop, { name: "stop", arguments: "{}" });
  const many = await ask({ tools, tool_choice: "required", parallel_tool_calls: true, max_tokens: 250 });
  const { message: { tool_calls: calls = [] }, finish_reason } = many.choices[0];
  assert.ok(calls.length >= 1 && calls.length <= 8 && finish_reason === "tool_calls", `${calls.length}`);
  // and it goes on: the call is known again
  const first = (await ask({ tools, tool_choice: "required", parallel_tool_calls: false })).choices[0].message;
  const result = { role: "tool", tool_call_id: first.tool_calls[0].id, content: "A cat." };
  const { usage } = await ask({ tools, messages: [...messages, first, result] });
  assert.ok(usage.prompt_tokens_details.cached_tokens > 20);
});

test("what cannot be held to is refused", async () => {
  const refused = async (body: object, says: RegExp) => {
    const { status, message } = await refusal(await api.post("/chat/completions", { ...ASKED, ...body }));
    assert.is(status, 400, message);
    assert.match(message, says);
  };
  await refused({ tool_choice: "required" }, /tool_choice required must stand beside tools/);
  await refused(
    { tools, tool_choice: "any" },
    /tool_choice must be auto, none, required or a function by its name, got "any"/,
  );
  const other = { type: "function", function: { name: "lok" } };
  await refused({ tools, tool_choice: other }, /tool_choice must be one of the tools, got "lok"; did you mean look/);
  await refused({ tools, parallel_tool_calls: false }, /parallel_tool_calls must be true or left out where/);
  const shows = "{% if tools %}{{ tools | length }}{% endif %}{% for m in messages %}{{ m.content }}{% endfor %}";
  await refused(
    { tools, tool_choice: "required", chat_template: shows },
    /template shows no calls in a way that is known/,
  );
  await refused(
    { tools, tool_choice: "required", response_format: { type: "json_object" } },
    /response_format must not stand beside a tool_choice that asks for a call, got both/,
  );
  const grammar = 'root ::= "a"';
  await refused({ tools, tool_choice: "required", grammar }, /grammar must not stand beside a tool_choice that asks/);
  await refused({ tools: [tool('a"', {})], tool_choice: "required" }, /must have names of letters/);
  const bad = tool("look", { at: { type: "strin" } });
  await refused({ tools: [bad], tool_choice: "required" }, /Cannot read a schema of tools: type must be one of/);
  const format = { type: "json_schema", json_schema: { schema: { type: "strin" } } };
  await refused({ response_format: format, chat_template: THINK }, /read a schema of response_format: type must be/);
});

test("a thought that the template opens is no content, whole, streamed, and when it comes back", async () => {
  const body = { chat_template: THINK, max_tokens: 30, ignore_eos: true };
  const { choices: [{ message }] } = await ask(body);
  assert.is(message.content, "");
  assert.ok(message.reasoning_content.length > 10);
  const { all: [one] } = await streamed(body);
  assert.equal([one.reasoning, one.content], [message.reasoning_content, ""]);
  const said = [...messages, { role: "assistant", content: message.content }, { role: "user", content: "Go on." }];
  assert.ok((await ask({ ...body, messages: said })).usage.prompt_tokens_details.cached_tokens > 20);
  const format = { type: "json_schema", json_schema: { schema: { enum: ["yes", "no"] } } };
  for (let seed = 0; seed < 3; seed++) {
    const grammar = undefined, logit_bias = { [api.hosted.model.tokenizer.encode("<")[0]]: 30 }; // thoughts end soon
    const { choices: [{ message, finish_reason }] } = await ask({
      ...body,
      grammar,
      logit_bias,
      seed,
      response_format: format,
    });
    if (finish_reason === "stop") assert.ok(["yes", "no"].includes(JSON.parse(message.content)), message.content);
    else assert.is(message.content, "");
  }
});

test("several answers are those of seeds one after the other, whole and streamed, from a prompt that is read once", async () => {
  const long = [{ role: "system", content: "You tell stories of animals, briefly. ".repeat(12) }, ...messages];
  const body = { messages: long, max_tokens: 20, ignore_eos: true };
  const alone = [];
  for (const seed of [7, 8, 9]) alone.push((await ask({ ...body, seed, budget: 255 })).choices[0].message.content);
  const { choices, usage } = await ask({ ...body, seed: 7, n: 3 });
  // deno-lint-ignore no-explicit-any
  assert.equal(choices.map((one: any) => [one.index, one.message.content]), alone.map((text, i) => [i, text]));
  assert.equal([usage.completion_tokens, usage.prompt_tokens_details.cached_tokens], [60, 0]);
  const again = await streamed({ ...body, seed: 7, n: 3 });
  assert.equal(
    again.all.map(({ content, role, reason }) => [content, role, reason]),
    alone.map((text) => [
      ...[text, "assistant", "length"],
    ]),
  );
  assert.is(again.usage.completion_tokens, 60);
  for (const content of alone) { // each goes on in its cache
    const more = [...long, { role: "assistant", content }, { role: "user", content: "Go on." }];
    const { usage: { prompt_tokens_details: { cached_tokens } } } = await ask({ ...body, messages: more, n: 2 });
    assert.ok(cached_tokens > 100, `${cached_tokens}`);
  }
  const drawn = await ask({ ...body, seed: null, n: 3 });
  // deno-lint-ignore no-explicit-any
  assert.is(new Set(drawn.choices.map((one: any) => one.message.content)).size, 3);
  const texts =
    await (await api.post("/completions", { prompt: ["One", "Two"], n: 2, max_tokens: 8, seed: 3, temperature: 0.9 }))
      .json();
  // deno-lint-ignore no-explicit-any
  assert.equal(texts.choices.map((one: any) => one.index), [0, 1, 2, 3]);
  const lone = await (await api.post("/completions", { prompt: "Two", max_tokens: 8, seed: 4, temperature: 0.9 }))
    .json();
  assert.is(texts.choices[3].text, lone.choices[0].text);
});

test.run();
