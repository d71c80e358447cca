/** A conversation of ten questions; the first brings a story of about 450 tokens, which fills 512 slots with its answer. */
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
export const QUESTIONS = [
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
