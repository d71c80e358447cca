// POST /v1/embeddings, asked by the package `openai`: the model's own vectors, in numbers and in bytes.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Api, openApi, refusal } from "../support/api.ts";

const test = suite("serve: embeddings");
const TEXTS = ["The dog ran to the park.", "A cat sat on the mat.", "Once"];
let api: Api;
test.before(async () => void (api = await openApi()));
test.after(() => api.stop());

test("vectors are those of model.embed, of length 1, however they are asked for", async () => {
  const wanted = await api.hosted.model.embed(TEXTS, { normalize: true });
  for (const encoding_format of [undefined, "float", "base64"] as const) { // left out, the package asks for bytes
    const { data, usage } = await api.client.embeddings.create({ model: "fable", input: TEXTS, encoding_format });
    assert.equal(data.map(({ index }) => index), [0, 1, 2]);
    for (const [i, { embedding }] of data.entries()) {
      const bytes = typeof embedding === "string" && Uint8Array.from(atob(embedding as string), (c) => c.charCodeAt(0));
      const numbers = bytes ? new Float32Array(bytes.buffer) : Float32Array.from(embedding);
      assert.equal(numbers, wanted[i]);
      assert.ok(Math.abs(Math.hypot(...numbers) - 1) < 1e-5);
    }
    assert.is(usage.prompt_tokens, TEXTS.reduce((sum, text) => sum + api.hosted.model.countTokens(text), 0));
  }
  const ids = TEXTS.map((text) => api.hosted.model.tokenizer.encode(text, { bos: true }));
  const plain = await (await api.post("/embeddings", { input: ids, normalize: false, pooling: "last" })).json();
  const [last] = await api.hosted.model.embed(TEXTS, { pooling: "last" });
  assert.equal(Float32Array.from(plain.data[0].embedding), last);
});

test("what is refused", async () => {
  const refused = async (body: Record<string, unknown>, status: number, words: string) => {
    const { status: got, message } = await refusal(await api.post("/embeddings", { input: "x", ...body }));
    assert.is(got, status, message);
    assert.match(message, words);
  };
  await refused({ input: [] }, 400, "input must be a text, a list of token ids, or 1 to 2048 of either");
  await refused({ dimensions: 5 }, 400, "dimensions must be the model's");
  await refused({ encoding_format: "int8" }, 400, "encoding_format must be float or base64");
  await refused({ pooling: "none" }, 400, "pooling must be mean or last");
  await refused({ input: [[1e9]] }, 400, "Cannot");
  await refused({ modle: "fable" }, 400, "did you mean model?");
  await refused({ input: "dog ".repeat(5000) }, 413, "input must have at most 4096 tokens");
  assert.equal(api.failures, []);
});

test.run();
