// Ten turns of chat with SmolLM2 under a budget of 512 slots: what a token costs in each turn, and what was said. The median of
// a turn's steps; the tenth turn must cost no more than the second.
import { load } from "../src/model.ts";

const QUESTIONS = [
  "Hello! My name is Anna. Who are you?",
  "What is the capital of France?",
  "Tell me three things that I could see there.",
  "Write a short poem about a river.",
  "Why is the sky blue?",
  "How do I make a cup of tea?",
  "What is the difference between a cat and a dog?",
  "Give me a tip for learning to play the piano.",
  "Tell me a short story about a fox and a crow.",
  "Thank you! How can I say goodbye in French?",
];
const BUDGET = 512; // slots
const ANSWER = 96; // tokens at most

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1];

const model = await load("smollm2-135m");
const session = model.session({ policy: "roco", budget: BUDGET, positions: "cache" });
console.log(`SmolLM2-135M-Instruct Q4_1 on ${model.gpu.adapter}, roco, ${BUDGET} slots; a step is one decoded token`);
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
