// What kvcap/ai makes of the AI SDK's prompts, where they have gaps. The SDK itself asks in tests/build/ai.full.test.ts.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { requestOf } from "../../src/ai/request.ts";
import type { PromptMessage } from "../../src/ai/spec.ts";
import { readMessages } from "../../src/openai/messages.ts";

const test = suite("kvcap/ai: prompts");
const told = (...prompt: unknown[]) =>
  readMessages(requestOf("fable", { prompt: prompt as PromptMessage[] }).body.messages).map(({ content }) => content);

test("parts that are left out, or say nothing, are a message all the same", () => {
  const call = { type: "tool-call", toolCallId: "x", toolName: "look", input: {} };
  const result = (output: unknown) => ({ type: "tool-result", toolCallId: "x", toolName: "look", output });
  assert.equal(told({ role: "user", content: [] }), [""]);
  assert.equal(told({ role: "assistant", content: [{ type: "reasoning", text: "Hm." }] }), [""]);
  for (const value of [undefined, null]) {
    const tool = { role: "tool", content: [result({ type: "json", value })] };
    assert.equal(told({ role: "assistant", content: [call] }, tool), ["", "null"]);
  }
});

test("which tool is to be called is asked for as the API has it", () => {
  const tools = [{ type: "function", name: "look", inputSchema: { type: "object" } }];
  const asked = (toolChoice?: object, given: unknown[] = tools) => {
    const { body, warnings } = requestOf("a", { prompt: [], tools: given, toolChoice } as never);
    assert.equal(warnings, []);
    return body.tool_choice;
  };
  assert.equal([asked(), asked({ type: "required" }), asked({ type: "none" }), asked({ type: "auto" }, [])], [
    ...["auto", "required", "none", undefined],
  ]);
  assert.equal(asked({ type: "tool", toolName: "look" }), { type: "function", function: { name: "look" } });
});

test.run();
