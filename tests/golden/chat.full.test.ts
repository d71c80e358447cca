// Ten turns of chat with SmolLM2 under 512 slots, where this machine has it: every turn reads only what is new, memory stays
// what it was, and the answers stay English. What a step costs in each turn: bench/chat.bench.ts.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { load } from "../../src/load.ts";
import { QUESTIONS } from "../support/conversation.ts";
import { onEngine, whereAble } from "../support/engine.ts";
import { checkedCase, modelFolder } from "../support/files.ts";

const BUDGET = 512; // slots
const ANSWER = 40; // tokens at most
const LAST = "Thank you! Tell me what you like about this work.";
/** The fifty most frequent words of English: two of five in any English text of some length. */
const FREQUENT = new Set(
  ("the be is are was were to of and a an in that have has had it i you he she they we for not on with as at this these but his " +
    "her their by from or one all would there what so up out if who can").split(" "),
);

const test = suite("golden chat");
const run = await whereAble(test);
const file = await modelFolder("smollm2-135m/SmolLM2-135M-Instruct.Q4_1.gguf");

run("ten turns under 512 slots", async () => {
  if (!file) return checkedCase("chat: SmolLM2 absent, and there is nothing to check without it");
  const model = await load(file, await onEngine());
  const session = model.session({ policy: "roco", budget: BUDGET, positions: "cache" });
  const held = session.memory();
  const shares: number[] = [];
  let read = 0;
  for (const question of [...QUESTIONS.slice(0, 9), LAST]) {
    let answer = "";
    for await (const piece of session.chat(question, { maxNewTokens: ANSWER, temperature: 0.2, topP: 0.9 })) {
      answer += piece;
    }
    const { promptTokens, newTokens, liveSlots, maxLiveSlots } = session.report();
    const asked = model.tokenizer.encode(question).length;
    assert.ok(promptTokens - asked < (read === 0 ? 40 : 16), `${promptTokens} tokens read of a question of ${asked}`);
    read += promptTokens + newTokens;
    assert.ok(liveSlots <= BUDGET && maxLiveSlots <= BUDGET + session.options.stride);
    assert.equal(session.memory(), held);
    const words = answer.toLowerCase().match(/\p{L}+/gu) ?? [];
    shares.push(words.filter((word) => FREQUENT.has(word)).length / words.length);
    assert.is(session.conversation.at(-1)!.content, answer);
  }
  checkedCase(`chat: ${read} tokens, frequent words ${shares.map((share) => Math.round(100 * share)).join(", ")} %`);
  assert.ok(read > 1.5 * BUDGET && session.report().liveSlots === BUDGET, `${read} tokens`);
  assert.ok(shares.filter((share) => share > 0.2).length >= 9, "answers are English");
  model.dispose();
});
test.run();
