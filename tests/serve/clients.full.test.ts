// Real clients against a server: curl, the package openai of PyPI, and EleutherAI's lm-evaluation-harness, whose loglikelihoods must be
// the model's own.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Api, openApi } from "../support/api.ts";
import { repoPath } from "../support/files.ts";
import { ran } from "../support/installed.ts";
import { pythonWith } from "../support/python.ts";

const test = suite("serve: clients");
const CLIENTS = repoPath("tests/serve/clients");
const python = (await pythonWith(`${CLIENTS}/requirements.txt`))!;
const asked = python ? test : test.skip;
let api: Api, folder: string;
test.before(async () => {
  folder = await Deno.makeTempDir();
  api = await openApi({ session: { budget: 64 } });
});
test.after(async () => {
  await api.stop();
  await Deno.remove(folder, { recursive: true });
});

test("curl", async () => {
  const body = JSON.stringify({ prompt: "Once upon a time", max_tokens: 10, temperature: 0 });
  const args = ["-sS", "--fail-with-body", "-H", "content-type: application/json", "-d", body];
  const { choices: [{ text }] } = JSON.parse(await ran("curl", [...args, `${api.url}/completions`], folder));
  const streamed = JSON.stringify({ ...JSON.parse(body), stream: true });
  const events = await ran("curl", [
    "-sSN",
    "-H",
    "content-type: application/json",
    "-d",
    streamed,
    `${api.url}/completions`,
  ], folder);
  const pieces = events.split("\n\n").filter((event) => event.startsWith("data: {")).map((event) =>
    JSON.parse(event.slice(6))
  );
  assert.is(pieces.map(({ choices }) => choices[0].text).join(""), text);
  assert.ok(events.endsWith("data: [DONE]\n\n"));
});

asked(
  "openai of PyPI: models, whole and streamed answers, own fields, JSON of a schema, a call, errors, and one that is broken off",
  async () => {
    const heard = JSON.parse(await ran(python, [`${CLIENTS}/asks.py`, api.url], folder));
    assert.equal(heard.models, ["fable"]);
    assert.ok(heard.whole.length > 20);
    assert.is(heard.streamed, heard.whole);
    assert.ok(heard.evicted > 0);
    assert.match(heard.text, ", there was");
    assert.ok(["dog", "cat"].includes(heard.form.pet));
    assert.equal(heard.call, ["tool_calls", "look", '{"at":"x"}']);
    assert.match(heard.refused, 'model must be one of fable, got "none"');
  },
);

const TEXT = "Once upon a time, there was a little girl named Lily. She loved to";
const DOCUMENTS = [
  { text: TEXT, choices: [" play outside in the park", " eat the old stone wall", " zebra nine of"] },
  { text: "The dog ran to the", choices: [" big tree", " mathematics"] },
  { text: "Tom was very", choices: [" happy", " seven"] },
];

/** What the harness found, every document's line of its log. */
async function evaluated(task: string, model: string, route: string, more: string[] = []) {
  const data = `${folder}/documents.jsonl`;
  await Deno.writeTextFile(data, DOCUMENTS.map((one) => JSON.stringify(one)).join("\n"));
  await Deno.mkdir(`${folder}/tasks`, { recursive: true });
  const yaml = (await Deno.readTextFile(`${CLIENTS}/${task}.yaml`)).replace("DATA", data);
  await Deno.writeTextFile(`${folder}/tasks/${task}.yaml`, yaml);
  const where = `model=fable,base_url=${api.url}${route},num_concurrent=1,max_retries=1${more.join("")}`;
  const args = ["-m", "lm_eval", "run", "--model", model, "--model_args", where, "--tasks", task];
  const outputs = ["--include_path", `${folder}/tasks`, "--output_path", `${folder}/${model}`, "--log_samples"];
  await ran(python, [...args, ...outputs, ...model.includes("chat") ? ["--apply_chat_template"] : []], folder);
  const found = [];
  for await (const { name, isFile } of walk(`${folder}/${model}`)) {
    if (isFile && name.includes("samples_")) found.push(...(await Deno.readTextFile(name)).trim().split("\n"));
  }
  return found.map((line) => JSON.parse(line));
}

async function* walk(at: string): AsyncGenerator<{ name: string; isFile: boolean }> {
  for await (const { name, isFile, isDirectory } of Deno.readDir(at)) {
    yield { name: `${at}/${name}`, isFile };
    if (isDirectory) yield* walk(`${at}/${name}`);
  }
}

asked("lm-evaluation-harness, local-completions: loglikelihoods are the model's", async () => {
  const samples = await evaluated("likely", "local-completions", "/completions", [",tokenizer_backend=remote"]);
  assert.is(samples.length, DOCUMENTS.length);
  const { model } = api.hosted;
  for (const { doc, filtered_resps: answers } of samples) {
    for (const [i, choice] of (doc.choices as string[]).entries()) {
      const before = model.tokenizer.encode(doc.text), all = model.tokenizer.encode(doc.text + choice);
      const asEchoed = { ...api.hosted.session, first: before.length, stride: 1 }; // token by token: f16 rounds chunks otherwise
      const { loss, tokens } = await model.perplexity(all, asEchoed);
      const [told] = answers[i];
      assert.ok(
        Math.abs(Number(told) + loss * tokens) < 1e-4 * Math.max(1, loss * tokens),
        `${told} and ${-loss * tokens}`,
      );
    }
  }
});

asked("lm-evaluation-harness, local-chat-completions", async () => {
  const samples = await evaluated("told", "local-chat-completions", "/chat/completions");
  for (const { doc, filtered_resps: [told] } of samples) {
    const body = { messages: [{ role: "user", content: doc.text }], max_tokens: 12, temperature: 0, stop: ["."] };
    const { choices } = await (await api.post("/chat/completions", body)).json();
    assert.is(told, choices[0].message.content);
  }
});

test.run();
