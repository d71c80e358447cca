// kvcap/ai under the AI SDK itself, in Node: texts, streams, objects, tools and vectors; and its types, as the SDK has them.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { repoPath } from "../support/files.ts";
import { Installed } from "../support/installed.ts";
import { tools } from "../support/tools.ts";

const packages = await tools();
const installed = await Installed.make();
await Deno.symlink(`${packages}/ai`, `${installed.folder}/node_modules/ai`);

const test = suite("the package under the AI SDK");
test.after(() => installed.remove());

const CALL = `<tool_call>{"name": "look", "arguments": {"at": "the garden"}}</tool_call>`;
const PROGRAM = `import { embed, generateObject, generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";
import { load } from "kvcap";
import { provider } from "kvcap/ai";
import { openai } from "kvcap/openai";

const model = await load("node_modules/kvcap/models/fable-2m", { device: "wasm" });
const client = openai({ fable: model }, { session: { budget: 64 } });
const kvcap = provider(client);
const chat_template = "{{ bos_token }}{% if tools %}{{ tools | length }}{% endif %}{% for m in messages %}{{ m.role + ': ' + m.content + eos_token }}{% endfor %}assistant: ";
const own = (more = {}) => ({ kvcap: { chat_template, ...more } });
const asked = { model: kvcap("fable"), prompt: "Tell me of a dog.", temperature: 0.8, seed: 4, maxOutputTokens: 80, maxRetries: 0 };
const heard: Record<string, unknown> = {};

const whole = await generateText({ ...asked, system: "You tell stories.", providerOptions: own() });
heard.whole = whole.text;
heard.usage = whole.usage.inputTokens! + whole.usage.outputTokens!;
heard.evicted = whole.providerMetadata!.kvcap.evicted;
heard.reason = whole.finishReason;
const direct = await client.chat.completions.create({
  messages: [{ role: "system", content: "You tell stories." }, { role: "user", content: "Tell me of a dog." }],
  chat_template, temperature: 0.8, seed: 4, max_tokens: 80,
});
heard.direct = direct.choices[0].message.content;
heard.total = direct.usage.total_tokens;

heard.streamed = "";
const stream = streamText({ ...asked, system: "You tell stories.", providerOptions: own() });
for await (const piece of stream.textStream) heard.streamed += piece;
heard.streamedReason = await stream.finishReason;

const schema = jsonSchema<{ animal: string }>({
  type: "object", properties: { animal: { enum: ["dog", "cat"] } }, required: ["animal"], additionalProperties: false,
});
heard.object = (await generateObject({ ...asked, schema, providerOptions: own() })).object;

const grammar = \`root ::= \${JSON.stringify(${JSON.stringify(CALL)})}\`;
const look = tool({
  description: "looks somewhere",
  inputSchema: jsonSchema<{ at: string }>({ type: "object", properties: { at: { type: "string" } } }),
  execute: ({ at }) => \`a dog in \${at}\`,
});
const called = await generateText({ ...asked, tools: { look }, stopWhen: stepCountIs(1), providerOptions: own({ grammar }) });
heard.calls = called.toolCalls.map(({ toolName, input }) => [toolName, input]);
heard.results = called.toolResults.map(({ output }) => output);
const after = await generateText({
  ...asked, prompt: undefined, tools: { look }, providerOptions: own(),
  messages: [{ role: "user", content: asked.prompt }, ...called.response.messages],
});
heard.after = after.text.length > 0;
const streamedCall = streamText({ ...asked, tools: { look }, stopWhen: stepCountIs(1), providerOptions: own({ grammar }) });
heard.streamedCalls = (await streamedCall.toolCalls).map(({ toolName, input }) => [toolName, input]);

const { embedding } = await embed({ model: kvcap.embeddingModel("fable"), value: "Once" });
heard.vector = Math.abs(Math.hypot(...embedding) - 1) < 1e-5;
heard.refused = await generateText({ ...asked, providerOptions: own({ budgt: 3 }) }).catch((error) => error.message);
const stop = new AbortController();
setTimeout(() => stop.abort(), 50);
heard.stopped = await generateText({ ...asked, maxOutputTokens: 4000, abortSignal: stop.signal, providerOptions: own({ ignore_eos: true }) })
  .then(() => "no", (error) => error.name);
console.log(JSON.stringify(heard));
client.dispose();
model.dispose();
`;

test("its types are the SDK's", async () => {
  await installed.write("program.ts", PROGRAM);
  const strict = [
    "--noEmit",
    "--strict",
    "--skipLibCheck",
    "--target",
    "es2022",
    "--lib",
    "es2023,dom,dom.iterable,dom.asynciterable",
  ];
  const options = ["--module", "esnext", "--moduleResolution", "bundler"];
  await installed.run("node", repoPath("node_modules/typescript/bin/tsc"), ...strict, ...options, "program.ts");
});

test("texts, streams, objects, tools and vectors", async () => {
  await installed.write("program.ts", PROGRAM);
  await installed.run(
    repoPath("node_modules/esbuild/bin/esbuild"),
    "program.ts",
    "--outfile=program.mjs",
    "--format=esm",
    "--target=es2022",
  );
  const heard = JSON.parse((await installed.run("node", "program.mjs")).trim().split("\n").at(-1)!);
  assert.is(heard.whole, heard.direct);
  assert.is(heard.streamed, heard.direct);
  assert.equal([heard.reason, heard.streamedReason], ["length", "length"]);
  assert.is(heard.usage, heard.total);
  assert.ok(heard.evicted > 0);
  assert.ok(["dog", "cat"].includes(heard.object.animal));
  const call = [["look", { at: "the garden" }]];
  assert.equal([heard.calls, heard.streamedCalls, heard.results], [call, call, ["a dog in the garden"]]);
  assert.ok(heard.after && heard.vector);
  assert.match(heard.refused, "did you mean budget?");
  assert.is(heard.stopped, "AbortError");
});

test.run();
