// Recorded answers with calls, as models' own chat templates write them: they are what was called, whole and streamed,
// however they are split; what is cut off, or goes on behind its calls, stays text.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { answerOf } from "../../src/chat/answer.ts";
import type { ToolCall } from "../../src/chat/calls.ts";
import { Deltas, type Part } from "../../src/openai/deltas.ts";
import { checkedCase, readJson, repoPath } from "../support/files.ts";

interface Recorded {
  tools: unknown[];
  /** Ids, names and arguments of calls, and what was said before them. */
  asked: Record<string, { content: string; calls: [id: string, name: string, given: Record<string, unknown>][] }>;
  /** By model, and by what was asked: the text; null where its template takes none such. */
  models: Record<string, Record<string, string | null>>;
}

const { tools, asked, models } = await readJson<Recorded>(repoPath("tests/golden/calls.json"));
const golden = suite("golden: calls");

/** What a text must be: templates may leave out words before calls, and ids. */
function wanted(name: string, text: string): { content: string; calls: ToolCall[] } {
  const { content, calls } = asked[name];
  return {
    content: text.includes(content) ? content : "",
    calls: calls.map(([id, name, given]) => ({
      ...{ type: "function", ...(text.includes(id) ? { id } : {}), function: { name, arguments: given } },
    })),
  };
}

function streamed(pieces: Iterable<string>): { content: string; calls: readonly ToolCall[] } {
  const deltas = new Deltas(tools);
  const parts: Part[] = [...pieces].flatMap((piece) => deltas.push(piece));
  const { parts: last, calls } = deltas.end();
  assert.ok([...parts, ...last].every(({ kind }) => kind === "content"));
  return { content: [...parts, ...last].map(({ text }) => text).join(""), calls };
}

for (const [model, texts] of Object.entries(models)) {
  golden(model, () => {
    let count = 0;
    for (const [name, text] of Object.entries(texts)) {
      if (text === null) continue;
      count++;
      const { content, calls } = wanted(name, text);
      assert.equal(answerOf(text, tools), { role: "assistant", content, tool_calls: calls }, name);
      assert.equal(streamed(text), { content, calls }, `${name}, character by character`);
      for (let at = 0; at <= text.length; at++) {
        const [begun, rest] = [text.slice(0, at), text.slice(at)];
        assert.equal(streamed([begun, rest]), { content, calls }, `${name}, split at ${at}`);
        const cut = answerOf(begun, tools) as { content: string; tool_calls?: ToolCall[] };
        const found = cut.tool_calls;
        if (found) assert.equal(found, calls.slice(0, found.length), `${name}, cut at ${at}`);
        else assert.is(cut.content, begun);
      }
      assert.equal(answerOf(text, null), { role: "assistant", content: text }, "without tools it is text");
      const more = `${text} and more`;
      assert.equal(answerOf(more, tools), { role: "assistant", content: more });
      assert.equal(streamed([more]), { content: more, calls: [] });
    }
    assert.ok(count > 5);
    checkedCase(`calls of ${model}: ${count} answers, whole and at every split`);
  });
}

golden("of every format", () => {
  const formats = ["Qwen", "Llama-3", "istral", "Hermes"].map((name) =>
    Object.keys(models).filter((model) => model.includes(name)).length
  );
  assert.ok(formats.every((count) => count >= 2), `${formats}`);
});
golden.run();
