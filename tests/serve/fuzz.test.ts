// Requests that are malformed, or asked by nobody in his senses: each is answered, none by a failure of ours, and nothing stays behind.
// The quick run makes 1 500, the full one 100 000.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Api, openApi } from "../support/api.ts";
import { depth, seed } from "../support/depth.ts";
import { randomFrom } from "../support/trio.ts";

const test = suite("serve: malformed requests");
const COUNT = depth(1500, 100_000);
const random = randomFrom(seed);
const below = (n: number) => Math.floor(random() * n);
const one = <T>(of: readonly T[]): T => of[below(of.length)];

const CHAT = { model: "fable", messages: [{ role: "user", content: "Hi." }], max_tokens: 1 };
const TEXT = { model: "fable", prompt: "Once", max_tokens: 1 };
const BODIES: Record<string, object> = {
  "/chat/completions": CHAT,
  "/completions": TEXT,
  "/embeddings": { input: "Once" },
};
const FIELDS = [
  ...["input", "encoding_format", "dimensions", "pooling", "layer", "json_schema", "grammar", "banned_strings"],
  ...[
    "model",
    "messages",
    "prompt",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "n",
    "stream",
    "stop",
  ],
  ...["seed", "logprobs", "top_logprobs", "logit_bias", "tools", "tool_choice", "response_format", "echo", "suffix"],
  ...["conversation", "append", "budget", "policy", "sinks", "newest", "stride", "pin", "positions", "kv", "remainder"],
  ...["stream_options", "user", "chat_template_kwargs", "documents", "banned", "stop_token_ids", "penalty_window"],
  ...[
    "repetition_penalty",
    "min_p",
    "typical_p",
    "top_k",
    "allocation",
    "evict",
    "pool",
    "window",
    "nonsense",
    "__proto__",
  ],
];
const VALUES: readonly unknown[] = [
  ...[
    null,
    true,
    false,
    0,
    1,
    -1,
    2,
    0.5,
    1e9,
    1e308,
    -1e308,
    4_194_304,
    2 ** 53,
    "",
    "a",
    "0",
    "full",
    "roco",
    "\u0000",
    "\ud800",
  ],
  ...["x".repeat(5000), "<|bos|>", [], {}, [[]], [{}], [null], ["a"], [0], [-1], [1e9], [[0, 1]], { share: 0.5 }, {
    bytes: 1,
  }],
  ...[{ generated: 3 }, { role: "user" }, [{ role: "user", content: "x" }], [{ role: "user", content: null }], {
    type: "json_object",
  }],
  ...[
    { type: "json_schema", json_schema: { schema: { type: "string", pattern: "(a+)+$" } } },
    'root ::= "a" root | "b"',
  ],
  ...[[{ role: "assistant", content: null, tool_calls: [{}] }], [{ role: 1, content: {} }], { "1": 1e9 }, { a: "b" }, [[
    [[[]]],
  ]]],
];

function request(): { path: string; body: string } {
  const path = one(["/chat/completions", "/chat/completions", "/completions", "/completions", "/embeddings"]);
  const body: Record<string, unknown> = { ...BODIES[path] };
  for (let i = 1 + below(3); i > 0; i--) {
    const field = one(FIELDS);
    if (random() < 0.15) delete body[field];
    else Object.defineProperty(body, field, { value: one(VALUES), enumerable: true, configurable: true });
  }
  let text = JSON.stringify(body);
  if (random() < 0.1) text = text.slice(0, below(text.length));
  if (random() < 0.05) text = text.slice(0, 5) + String.fromCharCode(below(256)) + text.slice(6);
  if (random() < 0.01) text = `${"[".repeat(below(5000))}`;
  return { path, body: text };
}

test(`${COUNT} requests: no failure of ours, no trace of where, nothing left behind`, async () => {
  const limits = { parallel: 4, tokens: 4, prompt: 256, memory: 3e7 };
  const api: Api = await openApi({ limits, session: { budget: 32 }, door: { body: 20_000 } });
  const statuses = new Map<number, number>();
  try {
    for (let i = 0; i < COUNT; i += 8) {
      await Promise.all(Array.from({ length: 8 }, async () => {
        const { path, body } = request();
        const answer = await api.post(path, body);
        const text = await answer.text();
        const say = `${answer.status} for ${path} ${body.slice(0, 400)}: ${text.slice(0, 400)}`;
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        assert.ok(answer.status < 500 || answer.status === 503, say);
        if (answer.status === 200) return;
        assert.not.ok(/\.ts:|\.js:|node_modules| {4}at /.test(text), say);
        assert.match(JSON.parse(text).error.message, /^Cannot [^\n]+$/, say);
      }));
    }
    assert.equal(api.failures, []);
    assert.ok(statuses.get(200)! > COUNT / 20 && statuses.get(400)! > COUNT / 4, JSON.stringify([...statuses]));
    assert.equal([api.service.queue.running, api.service.queue.waiting], [0, 0]);
    const { bytes } = api.service.conversations.held;
    assert.ok(bytes <= limits.memory, `${bytes} bytes of sessions`);
    const { tokens } = { tokens: (await api.client.completions.create({ ...TEXT, temperature: 0 })).usage! };
    assert.is(tokens.completion_tokens, 1);
  } finally {
    await api.stop();
  }
});

test.run();
