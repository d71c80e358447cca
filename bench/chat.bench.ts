// Ten turns of chat with SmolLM2 under a budget of 512 slots: what a token costs in each turn, and what was said. The median of
// a turn's steps. The first question brings a story that fills the budget: until then a step costs less, and from then on, so
// from the second turn to the tenth, the same.
import { load } from "../src/load.ts";
import { deviceOf } from "./device.ts";
import { QUESTIONS } from "../tests/support/conversation.ts";

const BUDGET = 512; // slots
const ANSWER = 96; // tokens at most

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1];

const model = await load("smollm2-135m", { device: deviceOf(Deno.args) });
const session = model.session({ policy: "roco", budget: BUDGET, positions: "cache" });
console.log(`SmolLM2-135M-Instruct Q4_1 on ${model.adapter}, roco, ${BUDGET} slots; a step is one decoded token`);
const costs: number[] = [];
for (const [turn, question] of QUESTIONS.entries()) {
  const steps: number[] = [];
  let last = 0;
  let answer = "";
  const onToken = () => {
    const now = performance.now();
    if (last > 0) steps.push(now - last);
    last = now;
  };
  const options = { maxNewTokens: ANSWER, temperature: 0.2, topP: 0.9, onToken };
  for await (const piece of session.chat(question, options)) answer += piece;
  costs.push(median(steps));
  const { promptTokens, newTokens, liveSlots, evictions } = session.report();
  console.log(`\n${turn + 1}. ${question}\n   ${answer.replaceAll("\n", "\n   ")}`);
  console.log(
    `   [${promptTokens} read, ${newTokens} new, ${liveSlots} live, ${evictions} evicted, ${
      costs[turn].toFixed(1)
    } ms a step]`,
  );
}
console.log(`\nthe tenth turn's step costs ${(costs[9] / costs[1]).toFixed(3)} of the second's`);
model.dispose();
