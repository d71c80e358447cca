// Where messages stand among the tokens that are read of them, and that one of them can be pinned.
import * as assert from "uvu/assert";
import { load, type Model } from "../../src/load.ts";
import type { ChatMessage } from "../../src/chat/template.ts";
import { repoPath } from "../support/files.ts";
import { refusal } from "../support/spies.ts";
import { engineSuite, onEngine } from "../support/engine.ts";

const test = await engineSuite("session, its messages");
let model: Model;

test.before(async () => {
  model = await load(repoPath("models/fable-2m"), await onEngine());
});
test.after(() => model.dispose());

const template =
  "{{ bos_token }}{% for m in messages %}[{{ m.role }}] {{ m.content | trim }}{{ eos_token }}\n{% endfor %}" +
  "{% if add_generation_prompt %}[assistant] {% endif %}{% if tools %}{{ tools | length }}{% endif %}";
const TEXTS: (ChatMessage & { content: string })[] = [
  { role: "system", content: "Tell stories of animals." },
  { role: "user", content: "The key of the old garden is under the third stone, Lily. <|eos|> Do not forget it." },
  { role: "assistant", content: "  I will not." },
  { role: "user", content: `Now a long tale: ${"the fox and the crow met again and again. ".repeat(8)}What then?` },
];
const [, , answer, last] = TEXTS;

/** A session that has answered, and where the messages stand. */
async function read(messages: readonly ChatMessage[], budget: number, pin: boolean) {
  const session = model.session({ policy: "recency", budget, sinks: 0, newest: 0 });
  const spans = model.messageSpans(messages, { template });
  if (pin) session.pin(...spans[1]!);
  for await (const _ of session.chat(messages, { template, maxNewTokens: 4, pinSystem: false }));
  return { session, spans };
}

test("spans hold what messages say, and tokens are as many as are read", async () => {
  const spans = model.messageSpans(TEXTS, { template });
  const { session } = await read(TEXTS, 300, false);
  const counted = model.countTokens(TEXTS, { template });
  assert.is(session.report().promptTokens, counted);
  session.dispose();
  assert.is(spans.length, TEXTS.length);
  const rendered = `<|bos|>${
    TEXTS.map(({ role, content }) => `[${role}] ${content.trim()}<|eos|>\n`).join("")
  }[assistant] `;
  const plain = rendered.replace("<|eos|> Do", " Do"); // which is one token there, and several as plain text
  assert.is(
    counted - model.tokenizer.encode(plain).length,
    model.tokenizer.encode("<|eos|>", { special: false }).length,
  );

  let before = 0;
  spans.forEach((span, i) => {
    const [from, to] = span!;
    assert.ok(from >= before && to > from && to <= counted);
    before = to;
    const alone = model.tokenizer.encode(TEXTS[i].content.trim(), { special: false }).length;
    assert.ok(Math.abs(to - from - alone) <= 2, `${to - from} tokens, ${alone} alone`);
  });
});

test("a text is counted as generate reads it", () => {
  assert.is(model.countTokens("Once upon a time"), model.tokenizer.encode("Once upon a time", { bos: true }).length);
  assert.is(model.countTokens(""), 1);
});

test("a conversation that ends with an answer has no place for another, and what the template does not show has no span", () => {
  const ended = model.countTokens([...TEXTS.slice(0, 2), answer], { template });
  const asked = model.countTokens([...TEXTS.slice(0, 2), answer, { role: "user", content: "" }], { template });
  assert.ok(asked > ended);
  assert.ok(model.countTokens(TEXTS, { template, tools: [{}, {}] }) > model.countTokens(TEXTS, { template }));
  const blind = "{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}{% endif %}{% endfor %}";
  assert.equal(model.messageSpans(TEXTS, { template: blind }).map((span) => span === null), [true, false, true, false]);
  const twice = "{{ messages[0].content }} {{ messages[0].content }}";
  assert.equal(model.messageSpans([last], { template: twice }), [null]);
});

test("a pinned message is kept while others go", async () => {
  for (const pin of [true, false]) {
    const { session, spans } = await read(TEXTS, 60, pin);
    const [from, to] = spans[1]!;
    const wanted = Array.from({ length: to - from }, (_, i) => from + i);
    for (const lane of session.livePositions()) {
      const kept = lane.filter((at) => at >= from && at < to);
      assert.equal(kept, pin ? wanted : []);
      assert.not(lane.some((at) => at >= spans[0]![0] && at < spans[0]![1]), "the system's words went");
    }
    session.dispose();
  }
});

test("refusals", () => {
  assert.match(refusal(() => model.countTokens([], { template })), "Cannot count tokens: messages must be a list of");
  assert.match(
    refusal(() => model.messageSpans([{ role: "" }], { template })),
    "Cannot find messages: a message must have a role",
  );
  assert.match(refusal(() => model.countTokens(TEXTS)), "the model must have a chat template");
  assert.match(
    refusal(() => model.countTokens(TEXTS, { template, pinSystem: true } as object)),
    "Cannot count tokens: ",
  );
});

test.run();
