// Ten turns of chat with SmolLM2 under a budget of 512 slots: what a token costs in each turn, and what was said. The median of
// a turn's steps. The first question brings a story that fills the budget: until then a step costs less, and from then on, so
// from the second turn to the tenth, the same.
import { load } from "../src/model.ts";

const STORY =
  `An old crow lived in a tall oak by the river. Every morning she flew over the fields and looked for food, and every
evening she came home and told the river what she had seen. The river never answered, but the crow was sure that it listened.
One summer no rain fell. The fields turned yellow, the river became thin, and the animals of the wood began to worry. The fox said
that everybody should move to the mountains. The hare said that everybody should stay and dig. They argued the whole day, and in the
evening they were as thirsty as in the morning. The crow listened to both. Then she flew along the dry bed of the river, farther than
she had ever been, over two villages and a railway bridge, until she found the place where the water had gone. A tree had fallen in a
storm and lay across the stream, and leaves and mud had made it a wall. Behind it stood a quiet, green pond. The crow flew home and told
the others. The fox laughed and said that a bird could not move a tree. The hare said nothing and began to walk. After a while the
hedgehog went with him, then the badger, and at last even the fox, who did not want to be alone. It took them two days. They dug under
the wall of leaves and mud, a little at a time, and carried the branches away. On the third morning the water broke through and ran
down the old bed, past the villages, under the bridge, and home. In the evening the crow sat in her oak and told the river what she had
seen. And this time, she thought, it answered. The animals never spoke of the matter again, but from that year on the fox left a
fish for the crow under the oak on the first day of every summer, and the hare, who did not like fish, left her a handful of ripe
blackberries. The badger built a bench by the pond, so that whoever went up there in a dry year could sit and rest before the work
began. The hedgehog said that he would have gone first, if only somebody had asked him, and nobody contradicted him.`
    .replaceAll("\n", " ");
const QUESTIONS = [
  `${STORY}\n\nWhat is this story about?`,
  "Why did the animals leave their wood, and what did they find?",
  "What is the capital of France?",
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
