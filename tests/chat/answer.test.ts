// Answers in their parts: thoughts and calls as models write them; what is broken stays text.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { answered, answerOf } from "../../src/chat/answer.ts";
import { BROKEN, TOOL_ANSWERS, TOOLS } from "../support/tool-answers.ts";

const call = (name: string, given: unknown, id?: string) => ({
  ...{ type: "function", ...(id ? { id } : {}), function: { name, arguments: given } },
});
const answer = (content: string, more = {}) => ({ role: "assistant", content, ...more });
const ARGUMENTS = { city: "Zürich", days: 3 };
const JSON_CALL = JSON.stringify({ name: "weather", arguments: ARGUMENTS });

const test = suite("answers");

test("thoughts stand before </think>, whether the template or the model began them", () => {
  const right = answer("    4\n", { reasoning_content: "2 and 2" });
  for (const text of ["<think>\n2 and 2\n</think>\n\n    4\n", "2 and 2\n</think>\n\n    4\n"]) {
    assert.equal(answerOf(text, false), { ...right, content: "4\n" }, text);
  }
  assert.equal(answerOf("<think>\n\n</think>\n\nHi", false), answer("Hi"));
  assert.equal(answerOf("<think>\nand so", true), answer("<think>\nand so"));
});

test("calls are those of Hermes and Qwen, Mistral, and Llama 3", () => {
  const right = answer("", { tool_calls: [call("weather", ARGUMENTS)] });
  const texts = [
    `<tool_call>\n${JSON_CALL}\n</tool_call>`,
    `<tool_call>${JSON_CALL}`,
    `[TOOL_CALLS] [${JSON_CALL}]`,
    `[TOOL_CALLS]weather[ARGS]${JSON.stringify(ARGUMENTS)}`,
    JSON_CALL.replace("arguments", "parameters"),
    `<|python_tag|>${JSON_CALL}`,
    JSON.stringify({ name: "weather", arguments: JSON.stringify(ARGUMENTS) }),
  ];
  for (const text of texts) assert.equal(answerOf(text, true), right, text);
  const two = answer("Let me look.", { tool_calls: [call("weather", ARGUMENTS), call("weather", {})] });
  const second = `{"name": "weather", "arguments": {}}`;
  assert.equal(
    answerOf(`Let me look.\n<tool_call>${JSON_CALL}</tool_call>\n<tool_call>${second}</tool_call>`, true),
    two,
  );
  assert.equal(answerOf(`${JSON_CALL}; ${second}`, true), { ...two, content: "" });
  const named = `[TOOL_CALLS][{"name": "f", "arguments": {}, "id": "abc123def"}]`;
  assert.equal(answerOf(named, true), answer("", { tool_calls: [call("f", {}, "abc123def")] }));
  const thought = answerOf(`<think>look</think>\n<tool_call>${JSON_CALL}</tool_call>`, true);
  assert.equal(thought, { ...right, reasoning_content: "look" });
});

test("what is broken, or not asked for, stays text", () => {
  const texts = [
    ...["<tool_call>{</tool_call>", `<tool_call>${JSON_CALL}</tool_call> and more`, `[TOOL_CALLS] ${JSON_CALL}`],
    ...[
      "[TOOL_CALLS] []",
      "[TOOL_CALLS]f[ARGS]x",
      '{"name": "f"}',
      '{"name": 1, "arguments": {}}',
      '{"a": 1}',
      "{}",
      "{",
    ],
    ...["<tool_call></tool_call>", '<tool_call>{"name": "", "arguments": {}}</tool_call>'],
  ];
  for (const text of texts) assert.equal(answerOf(text, true), answer(text), text);
  assert.equal(answerOf(JSON_CALL, false), answer(JSON_CALL));
});

test("what goes on becomes part of what it goes on with", () => {
  const user = { role: "user", content: "Hi" };
  assert.equal(answered([user], "Yo", { calls: false, goesOn: false }), [user, answer("Yo")]);
  const how = { calls: false, goesOn: true };
  assert.equal(answered([user, answer("Hel", { name: "bot" })], "lo", how), [user, answer("Hello", { name: "bot" })]);
  const part = { type: "text", text: "Hel" };
  const [last] = answered([{ role: "assistant", content: [part, { type: "image" }] }], "lo", how);
  assert.equal(last.content, [{ type: "text", text: "Hello" }, { type: "image" }]);
});

for (const of of new Set(TOOL_ANSWERS.map(({ of }) => of))) {
  test(`calls as models write them: ${of}`, () => {
    for (const { text, content = "", calls } of TOOL_ANSWERS.filter((one) => one.of === of)) {
      const right = answer(content, { tool_calls: calls.map(([name, given, id]) => call(name, given, id)) });
      assert.equal(answerOf(text, TOOLS), right, text);
      assert.equal(answerOf(text, null), answer(text));
      const thought = `<think>\nLet me call {"name": "f"}.\n</think>\n\n${text}`;
      assert.equal(answerOf(thought, TOOLS), { ...right, reasoning_content: 'Let me call {"name": "f"}.' });
    }
  });
}

test("every beginning of an answer is text, or what calls it has are whole ones of it", () => {
  for (const { text, calls } of TOOL_ANSWERS) {
    const all = calls.map(([name, given, id]) => JSON.stringify(call(name, given, id)));
    for (let length = 0; length < text.length; length++) {
      const { content, tool_calls: found } = answerOf(text.slice(0, length), TOOLS);
      if (!found) assert.is(content, text.slice(0, length));
      else assert.equal(found.map((one) => JSON.stringify(one)), all.slice(0, found.length), text.slice(0, length));
    }
  }
});

test("what is broken stays as it is, with schemas or without, however long", () => {
  for (const text of BROKEN) {
    assert.equal(answerOf(text, TOOLS), answer(text), text);
    assert.equal(answerOf(`${text}\n`, true), answer(`${text}\n`), text);
  }
  const evil = answerOf('<tool_call>{"name": "f", "arguments": {"__proto__": {"x": 1}}}</tool_call>', true).tool_calls;
  const python = answerOf("[f(__proto__={'x': 1})]", true).tool_calls;
  for (const [one] of [evil, python] as [{ function: { arguments: object } }][]) {
    assert.is(Object.getPrototypeOf(one.function.arguments), Object.prototype);
    assert.equal(Object.keys(one.function.arguments), ["__proto__"]);
  }
  const began = performance.now();
  for (const mark of ["<tool_call>", "[TOOL_CALLS]", "<function=", "{", "[f(a=", "[f(a='\\'", "<parameter="]) {
    answerOf(mark.repeat(20_000), TOOLS);
  }
  assert.ok(performance.now() - began < 2000);
});

test.run();
