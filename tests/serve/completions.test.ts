// POST /v1/completions, asked by the package `openai`: the same text as the library writes, whole and streamed, and its tokens.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Api, openApi } from "../support/api.ts";

const test = suite("serve: completions");
const PROMPT = "Once upon a time, there was a";
let api: Api;
test.before(async () => void (api = await openApi()));
test.after(() => api.stop());

/** What the library writes of it. */
async function written(prompt: string, options: Record<string, unknown>): Promise<string> {
  using session = api.hosted.model.session({ ...api.hosted.session });
  let text = "";
  for await (const piece of session.generate(prompt, options)) text += piece;
  return text;
}

test("where nothing says how long, a text has sixteen tokens, or what the server allows", async () => {
  for (const [tokens, wanted] of [[256, 16], [5, 5]]) {
    const limited = await openApi({ limits: { tokens } });
    const { usage } = await limited.client.completions.create({ model: "fable", prompt: PROMPT, temperature: 0 });
    assert.is(usage?.completion_tokens, wanted);
    await limited.stop();
  }
});

test("a text is what the library writes, whole and streamed", async () => {
  for (const options of [{ temperature: 0 }, { temperature: 0.8, seed: 7, top_p: 0.9 }]) {
    const asked = { model: "fable", prompt: PROMPT, max_tokens: 120, ...options };
    const { top_p: topP, ...others } = { top_p: 1, ...options };
    const wanted = await written(PROMPT, { ...others, topP, maxNewTokens: 120 });
    const whole = await api.client.completions.create(asked);
    assert.is(whole.choices[0].text, wanted);
    assert.is(whole.usage?.completion_tokens, 120);
    let text = "", reason: string | null = null;
    const stream = await api.client.completions.create({
      ...asked,
      stream: true,
      stream_options: { include_usage: true },
    });
    for await (const { choices, usage } of stream) {
      text += choices[0]?.text ?? "";
      reason = choices[0]?.finish_reason ?? reason;
      if (choices.length === 0) assert.equal(usage, whole.usage);
    }
    assert.is(text, wanted);
    assert.is(reason, "length");
  }
});

test("an echo begins with the text as it was given, and tokens stand where it is said", async () => {
  const prompt = "“Once” é 🐶 upon a";
  for (const more of [{ stop: ["\n\n\n never", "e th"] }, { stream: true }, { echo: false }]) {
    const asked = { model: "fable", prompt, echo: true, logprobs: 1, max_tokens: 40, temperature: 0, ...more };
    const { client } = api;
    const parts = "stream" in more
      ? await Array.fromAsync(await client.completions.create({ ...asked, stream: true }))
      : [await client.completions.create({ ...asked, stream: false })];
    const choices = parts.flatMap((part) => part.choices);
    const text = choices.map((one) => one.text).join("");
    if (asked.echo) assert.ok(text.startsWith(prompt), text);
    const tokens = choices.flatMap((one) => one.logprobs!.tokens!);
    const offsets = choices.flatMap((one) => one.logprobs!.text_offset!);
    const first = asked.echo ? 1 : 0; // begin-of-sequence is told, and no part of the text
    for (const [i, token] of tokens.entries()) {
      if (i < first || i === tokens.length - 1 || token.startsWith("bytes:")) continue;
      assert.is(text.slice(offsets[i], offsets[i] + token.length), token, `${i} of ${JSON.stringify(text)}`);
    }
    if (asked.echo) assert.equal(offsets.slice(0, 6), [0, 0, 0, 0, 1, 5]); // “ is three tokens
  }
});

test("what was evicted is told", async () => {
  const { usage, choices } = await api.client.completions.create({ model: "fable", prompt: PROMPT, max_tokens: 120 });
  const { kvcap } = usage as unknown as { kvcap: { budget: number; live: number; evicted: number; policy: string } };
  assert.equal([kvcap.budget, kvcap.live], [64, 64]);
  const untaken = choices[0].finish_reason === "length" ? 1 : 0; // the last token, where no end came behind it
  assert.is(kvcap.evicted, usage!.total_tokens - untaken - 64);
});

test("stop strings and their reason", async () => {
  const { choices } = await api.client.completions.create({
    model: "fable",
    prompt: PROMPT,
    temperature: 0,
    stop: ["Lily"],
    max_tokens: 50,
  });
  assert.not.ok(choices[0].text.includes("Lily"));
  assert.is(choices[0].finish_reason, "stop");
});

test("kvcap's own options go in snake case", async () => {
  const body = { model: "fable", prompt: PROMPT, max_tokens: 60, temperature: 0 };
  const options = { policy: "recency", budget: 32, sinks: 2, repetition_penalty: 1.3, penalty_window: 32 };
  const answer = await (await api.post("/completions", { ...body, ...options })).json();
  using session = api.hosted.model.session({ budget: 32, policy: "recency", sinks: 2, positions: "cache" });
  let text = "";
  const generate = { maxNewTokens: 60, temperature: 0, repetitionPenalty: 1.3, penaltyWindow: 32 };
  for await (const piece of session.generate(PROMPT, generate)) text += piece;
  assert.is(answer.choices[0].text, text);
  assert.is(answer.usage.kvcap.policy, "recency");
});

test("echo with logprobs is what perplexity says of the same text", async () => {
  const text = `${PROMPT} little girl named Lily. She loved to play in the garden with her dog.`;
  const { tokenizer } = api.hosted.model;
  const ids = tokenizer.encode(text, { bos: true });
  const body = { model: "fable", prompt: ids, max_tokens: 0, echo: true, logprobs: 2, policy: "full" };
  const { choices: [{ logprobs, text: echoed }] } = await (await api.post("/completions", body)).json();
  assert.is(echoed, tokenizer.decode(ids));
  assert.is(logprobs.token_logprobs[0], null);
  const sum = logprobs.token_logprobs.slice(1).reduce((total: number, one: number) => total + one, 0);
  const { loss } = await api.hosted.model.perplexity(ids, { policy: "full", first: 1 });
  assert.ok(Math.abs(-sum / (ids.length - 1) - loss) < 1e-4, `${-sum / (ids.length - 1)} and ${loss}`);
  logprobs.tokens.forEach((token: string, i: number) => assert.is(token, tokenizer.decode([ids[i]])));
  for (const [i, top] of logprobs.top_logprobs.entries()) {
    if (i > 0) assert.ok(Object.values(top).length >= 2 && top[logprobs.tokens[i]] === logprobs.token_logprobs[i]);
  }
});

test("echo goes on behind the prompt as without it", async () => {
  const body = { model: "fable", prompt: PROMPT, max_tokens: 30, temperature: 0 };
  const plain = await (await api.post("/completions", body)).json();
  for (const logprobs of [null, 1]) {
    const { choices, usage } = await (await api.post("/completions", { ...body, echo: true, logprobs })).json();
    assert.ok(choices[0].text.endsWith(`${PROMPT}${plain.choices[0].text}`), choices[0].text);
    assert.equal([usage.prompt_tokens, usage.completion_tokens], [plain.usage.prompt_tokens, 30]);
    if (logprobs) assert.is(choices[0].logprobs.tokens.length, usage.total_tokens);
  }
});

test("several prompts are answered in their order", async () => {
  const prompts = [PROMPT, "The dog", "One day"];
  const { choices } = await api.client.completions.create({
    model: "fable",
    prompt: prompts,
    max_tokens: 8,
    temperature: 0,
  });
  assert.equal(choices.map(({ index }) => index), [0, 1, 2]);
  for (const [i, prompt] of prompts.entries()) {
    assert.is(choices[i].text, await written(prompt, { temperature: 0, maxNewTokens: 8 }));
  }
});

test("who goes away is written nothing more", async () => {
  const stop = new AbortController();
  const asked = { model: "fable", prompt: PROMPT, max_tokens: 256, ignore_eos: true, stream: true } as const;
  const stream = await api.client.completions.create(asked, { signal: stop.signal });
  const before = api.service.numbers.written;
  for await (const _ of stream) break; // which aborts it
  stop.abort();
  const until = performance.now() + 10_000;
  while (api.service.queue.running > 0 && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.is(api.service.queue.running, 0);
  assert.ok(api.service.numbers.written - before < 256, `${api.service.numbers.written - before} tokens were written`);
  assert.is(api.service.conversations.held.bytes, 0);
});

test.run();
