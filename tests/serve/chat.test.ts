// POST /v1/chat/completions, asked by the package `openai`: answers whole and streamed, tools, thoughts, tokens, and what is refused.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import OpenAI from "openai";
import { answerOf } from "../../src/chat/answer.ts";
import { Deltas, type Part } from "../../src/openai/deltas.ts";
import { essence } from "../../src/openai/messages.ts";
import { type Api, openApi, refusal } from "../support/api.ts";
import { TOOL_ANSWERS, TOOLS } from "../support/tool-answers.ts";
import { seed } from "../support/depth.ts";
import { randomFrom } from "../support/trio.ts";

const test = suite("serve: chat");
let api: Api;
test.before(async () => void (api = await openApi()));
test.after(() => api.stop());
const MESSAGES: OpenAI.ChatCompletionMessageParam[] = [
  { role: "developer", content: "You tell stories." },
  { role: "user", content: [{ type: "text", text: "Tell me" }, { type: "text", text: "of a dog." }] },
];
const ASKED = { model: "fable", messages: MESSAGES, max_tokens: 40, temperature: 0.8, seed: -5 };

test("an answer is what the library says, whole and streamed", async () => {
  using session = api.hosted.model.session(api.hosted.session);
  let wanted = "";
  const messages = [{ role: "system", content: "You tell stories." }, { role: "user", content: "Tell me\nof a dog." }];
  const options = { maxNewTokens: 40, temperature: 0.8, seed: -5 >>> 0 };
  for await (const piece of session.chat(messages, options)) wanted += piece;
  const whole = await api.client.chat.completions.create(ASKED);
  assert.is(whole.choices[0].message.content, wanted);
  assert.is(whole.object, "chat.completion");
  const spoken = await api.client.chat.completions.create({ ...ASKED, modalities: ["text"] });
  assert.is(spoken.choices[0].message.content, wanted);
  const stream = await api.client.chat.completions.create({
    ...ASKED,
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = "", role: string | undefined, reason: string | null = null, usage: unknown = null;
  for await (const chunk of stream) {
    const [choice] = chunk.choices;
    role ??= choice?.delta.role;
    text += choice?.delta.content ?? "";
    reason = choice?.finish_reason ?? reason;
    usage = chunk.usage ?? usage;
  }
  assert.equal([text, role, reason, usage], [wanted, "assistant", whole.choices[0].finish_reason, whole.usage]);
});

test("tokens, and how likely each was held", async () => {
  const { choices: [{ message, logprobs }] } = await api.client.chat.completions.create({
    ...ASKED,
    logprobs: true,
    top_logprobs: 3,
  });
  const tokens = logprobs!.content!;
  const bytes = tokens.flatMap(({ bytes }) => bytes!);
  assert.is(new TextDecoder().decode(Uint8Array.from(bytes)).trimStart(), message.content!.trimStart());
  for (const { logprob, top_logprobs: top } of tokens) {
    assert.is(top.length, 3);
    assert.ok(logprob <= 0 && top[0].logprob >= top[1].logprob && top[0].logprob >= logprob);
  }
});

test("an answer that is broken off leaves the server free", async () => {
  const stop = new AbortController();
  const stream = await api.client.chat.completions.create({ ...ASKED, max_tokens: 256, stream: true }, {
    signal: stop.signal,
  });
  await assertRejects(async () => {
    for await (const _ of stream) stop.abort();
    throw new Error("aborted"); // the package may end the loop in place of an error
  });
  for (let i = 0; i < 500 && api.service.queue.running > 0; i++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.is(api.service.queue.running, 0);
  assert.ok((await api.client.chat.completions.create({ ...ASKED, max_tokens: 1 })).usage);
});

test("an answer is JSON of a schema where it is to be", async () => {
  const schema = {
    type: "object",
    properties: { animal: { enum: ["dog", "cat"] }, years: { type: "integer", minimum: 0, maximum: 99 } },
    required: ["animal", "years"],
    additionalProperties: false,
  };
  for (const [seed, strict] of [true, false].entries()) {
    const response_format = { type: "json_schema" as const, json_schema: { name: "pet", strict, schema } };
    const { choices } = await api.client.chat.completions.create({ ...ASKED, seed, response_format });
    const { animal, years } = JSON.parse(choices[0].message.content!);
    assert.ok(["dog", "cat"].includes(animal) && Number.isInteger(years) && years >= 0 && years <= 99);
    assert.is(choices[0].finish_reason, "stop");
  }
  const body = { ...ASKED, response_format: { type: "json_schema", json_schema: { schema: { type: "nonsense" } } } };
  const { status, message } = await refusal(await api.post("/chat/completions", body));
  assert.is(status, 400, message);
});

test("a call, whole and streamed, and its result gone on with in the same cache", async () => {
  const call = '<tool_call>{"name": "look", "arguments": {"at": "the garden"}}</tool_call>';
  const grammar = `root ::= ${JSON.stringify(call)}`; // so that this model writes one
  const tools = [{ type: "function" as const, function: { name: "look", parameters: { type: "object" } } }];
  const asked = { ...ASKED, tools, max_tokens: 100 };
  const whole = await api.client.chat.completions.create({ ...asked, grammar } as typeof asked);
  const { message, finish_reason: reason } = whole.choices[0];
  const [told] = message.tool_calls!;
  assert.equal([reason, message.content, message.tool_calls!.length], ["tool_calls", null, 1]);
  assert.ok(told.type === "function" && /^\w{9}$/.test(told.id));
  assert.equal([told.function.name, JSON.parse(told.function.arguments)], ["look", { at: "the garden" }]);
  const stream = await api.client.chat.completions.create({ ...asked, grammar, seed: 9, stream: true } as never);
  const streamed: OpenAI.ChatCompletionChunk.Choice.Delta.ToolCall[] = [];
  let ended: string | null = null;
  for await (const { choices: [choice] } of stream as unknown as AsyncIterable<OpenAI.ChatCompletionChunk>) {
    streamed.push(...choice?.delta.tool_calls ?? []);
    ended = choice?.finish_reason ?? ended;
    assert.not.ok(choice?.delta.content);
  }
  assert.equal([ended, streamed.map((one) => [one.index, one.function])], ["tool_calls", [[0, told.function]]]);
  const messages: OpenAI.ChatCompletionMessageParam[] = [
    ...MESSAGES,
    { ...message, refusal: undefined } as OpenAI.ChatCompletionMessageParam,
    { role: "tool", tool_call_id: told.id, content: "A dog." },
  ];
  const { usage } = await api.client.chat.completions.create({ ...asked, messages });
  const { cached_tokens: cached } = usage!.prompt_tokens_details!;
  assert.ok(
    cached! > whole.usage!.prompt_tokens && cached! < usage!.prompt_tokens,
    `${cached} of ${usage!.prompt_tokens}`,
  );
});

test("what is refused says what is wrong, with its number", async () => {
  const refused = async (body: Record<string, unknown>, status: number, words: string) => {
    const { status: got, message } = await refusal(await api.post("/chat/completions", { ...ASKED, ...body }));
    assert.is(got, status, message);
    assert.match(message, words);
    assert.match(message, /^Cannot [^\n]+$/);
  };
  await refused({ model: "gpt-4" }, 404, 'model must be one of fable, got "gpt-4"');
  await refused({ messages: [] }, 400, "messages must be a list of { role, content }");
  await refused(
    { messages: [{ role: "user", content: [{ type: "image_url", image_url: {} }] }] },
    400,
    "a part of a message must be of text",
  );
  await refused({ temperature: -1 }, 400, "temperature must be a number from 0 to 100, got -1");
  await refused({ budget: 30, sinks: 30 }, 400, "budget must be above sinks + newest");
  await refused({ policy: "./evil.ts" }, 400, "policy must be one of");
  await refused({ max_tokens: 1000 }, 400, "max_tokens must be at most 256, got 1000");
  await refused({ documents: "one" }, 400, 'documents must be a list, got "one"');
  await refused({ n: 9 }, 400, "n must be a whole number from 1 to 8, got 9");
  await refused({ n: 2, conversation: "one" }, 400, "n must be 1 where a conversation has an id, got 2");
  await refused({ top_logprobs: 2 }, 400, "top_logprobs must stand beside logprobs");
  await refused({ temprature: 1 }, 400, "did you mean temperature?");
  await refused(
    { messages: [{ role: "user", content: "x ".repeat(9000) }] },
    413,
    "messages must have at most 4096 tokens",
  );
  for (const depth of [300, 100_000]) {
    const deep = `${"[".repeat(depth)}${"]".repeat(depth)}`;
    const body = `{ "messages": [{ "role": "user", "content": "x", "more": ${deep} }] }`;
    const { status } = await refusal(await api.post("/chat/completions", body));
    assert.is(status, 400, `${depth} deep`);
  }
  const tools = [{ type: "function", function: { name: "look" } }];
  await refused({ tools, chat_template: "{{ messages }}" }, 400, "tools must stand in the model's chat template");
  await refused({ modalities: ["text", "audio"] }, 400, 'modalities must be ["text"]');
  await refused({ append: true }, 400, "append must stand beside a conversation");
  const wrong = await api.client.chat.completions.create({ ...ASKED, model: "none" }).catch((error) => error);
  assert.instance(wrong, OpenAI.NotFoundError);
  assert.equal(api.failures, []);
});

const ANSWERS = [
  "Hello there. ",
  "  spaces first",
  "<think>\nHm, a dog.\n</think>\n\nA dog it is.",
  "<think></think>Yes.",
  'I look.\n<tool_call>\n{"name": "look", "arguments": {"at": "x"}}\n</tool_call>',
  '<tool_call>{"name": "a", "arguments": {}}</tool_call>\n<tool_call>{"name": "b", "arguments": {"c": 1}}</tool_call>',
  '<tool_call>{"name": "a", "arg',
  '[TOOL_CALLS][{"name": "look", "arguments": {"at": "x"}}]',
  '[TOOL_CALLS]look[ARGS]{"at": "x"}',
  '{"name": "look", "parameters": {"at": "x"}}',
  '{"name": "look"} and more',
  '<|python_tag|>{"name": "look", "parameters": {}}',
  "less < than, [TOOL and {braces}",
  ...TOOL_ANSWERS.map(({ text }) => text),
  '<think>call it</think>{"name": "look", "parameters": {}}',
  '[I look.] <tool_call>{"name": "look", "arguments": {"at": "x"}}</tool_call>',
];

test("an answer that comes back as a client heard it is known again, whatever of it was thought", () => {
  const more = [
    "<think>broken off in the mid",
    "no opening</think>Yes.",
    "twice</think> or</think> more",
    "<think>a</think>b",
  ];
  for (const text of [...ANSWERS, ...more]) {
    for (const [calls, opened] of [[TOOLS, false], [TOOLS, true], [false, false], [false, true]] as const) {
      const deltas = new Deltas(calls, opened),
        parts = deltas.push(text),
        { parts: rest, calls: called } = deltas.end();
      const of = (kind: string) =>
        [...parts, ...rest].filter((part) => part.kind === kind).map(({ text }) => text).join("");
      const told = called.length > 0 ? { tool_calls: called.map((call, i) => ({ ...call, id: `call-${i}` })) } : {};
      const back = { role: "assistant", content: of("content"), reasoning_content: of("reasoning"), ...told };
      assert.is(essence(back), essence(answerOf(text, calls, opened)), text);
    }
  }
});

test("however an answer is cut into pieces, its parts come to the same", () => {
  const random = randomFrom(seed);
  for (const text of ANSWERS) {
    for (
      const [calls, opened] of [[true, false], [TOOLS, false], [TOOLS, true], [false, false], [false, true]] as const
    ) {
      for (let i = 0; i < 40; i++) {
        const deltas = new Deltas(calls, opened), parts: Part[] = [];
        for (let at = 0; at < text.length;) {
          const length = 1 + Math.floor(random() * 8);
          parts.push(...deltas.push(text.slice(at, at + length)));
          at += length;
        }
        const { parts: rest, calls: called } = deltas.end();
        const of = (kind: string) =>
          [...parts, ...rest].filter((part) => part.kind === kind).map(({ text }) => text).join("");
        const wanted = answerOf(text, calls, opened);
        const told = [of("content"), of("reasoning"), called];
        assert.equal(told, [wanted.content, wanted.reasoning_content ?? "", wanted.tool_calls ?? []], text);
      }
    }
  }
});

test("a thought that is broken off keeps the spaces within it", () => {
  const deltas = new Deltas(false),
    parts = ["<think>", "\n", "I think of ", "</thi"].flatMap((one) => deltas.push(one));
  assert.is([...parts, ...deltas.end().parts].map(({ text }) => text).join(""), "I think of </thi");
});

async function assertRejects(work: () => Promise<void>): Promise<void> {
  const failed = await work().then(() => null, (error) => error);
  assert.match(String(failed), /abort/i);
}

test.run();
