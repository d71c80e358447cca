// The command eval: what it measures is what the library says; nothing depends on the order.
import { exp } from "../../src/engine/elementary.ts";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Measurement, Result } from "../../src/eval/results.ts";
import { load, type Model } from "../../src/load.ts";
import type { PerplexityOptions } from "../../src/options/index.ts";
import type { PolicyName } from "../../src/policies/index.ts";
import { kvcap, kvcapRefuses } from "../support/command.ts";
import { chosen } from "../support/depth.ts";
import { repoPath } from "../support/files.ts";

const folder = await Deno.makeTempDir({ prefix: "kvcap-eval-" });
const DEVICE = ["--device", "wasm"];
const TINY = ["--documents", "2", "--length", "96", "--no-times", ...DEVICE];
const SHORT = (await Deno.readTextFile(repoPath("src/eval/texts/ferry.txt"))).slice(0, 1800);
const short = `${folder}/short.txt`;
await Deno.writeTextFile(short, SHORT);
const lines = <T = Measurement>(text: string): T[] => text.trim().split("\n").map((line) => JSON.parse(line));

const test = suite("command line: eval");

/** The losses of all pieces of the short text, of so many tokens. */
async function lossesOf(model: Model, length: number, options: PerplexityOptions): Promise<number[]> {
  const ids = model.tokenizer.encode(SHORT);
  const losses: number[] = [];
  for (let at = 0; at + length <= ids.length; at += length) {
    const piece = [model.tokenizer.bosId!, ...ids.slice(at, at + length)];
    losses.push((await model.perplexity(piece, options)).loss);
  }
  return losses;
}

test("perplexity and pass keys are those of the library, document by document", async () => {
  const asked = ["--policies", "full,h2o", "--budgets", "25%", "--strides", "16", "--seeds", "3", "--text", short];
  const { code, stdout, stderr } = await kvcap(["eval", ...asked, ...TINY, "--tasks", "perplexity,passkey", "--json"]);
  assert.is(code, 0, stderr);
  const results = lines(stdout);
  assert.is(results.length, 4);
  const model = await load(repoPath("models/fable-2m"), { device: "wasm" });
  for (const { unit, metrics, documents } of results.filter(({ unit }) => unit.task === "perplexity")) {
    const budget = unit.budget as { share: number } | undefined;
    const losses = await lossesOf(model, 96, { policy: unit.policy as PolicyName, budget, stride: 16 });
    assert.ok(losses.length > 3);
    for (const { values } of documents) assert.ok(losses.includes(values.loss), "a loss of a piece of the text");
    assert.is(metrics.perplexity, exp((documents[0].values.loss + documents[1].values.loss) / 2));
  }
  assert.is(results.find(({ unit }) => unit.task === "passkey" && unit.policy === "full")!.metrics.found, 1);
  model.dispose();
});

test("modes: tokens go in the first half only, or behind it only", async () => {
  const asked = ["--policies", "full,roco", "--budgets", "20", "--modes", "prompt,decode", "--strides", "8"];
  const args = [...asked, "--text", short, ...TINY, "--json"];
  const { code, stdout, stderr } = await kvcap(["eval", "--tasks", "perplexity", ...args]);
  assert.is(code, 0, stderr);
  const results = lines(stdout);
  assert.equal(results.map(({ unit }) => `${unit.policy} ${unit.mode}`), [
    ...["full prompt", "full decode", "roco prompt", "roco decode"],
  ]);
  const model = await load(repoPath("models/fable-2m"), { device: "wasm" });
  const options = { both: {}, prompt: { budget: 20, evict: "prompt" }, decode: { budget: { generated: 20 } } } as const;
  for (const { unit, documents } of results) {
    const own = options[unit.policy === "full" ? "both" : unit.mode];
    const losses = await lossesOf(model, 96, { policy: unit.policy as PolicyName, stride: 8, first: 48, ...own });
    for (const { values } of documents) assert.ok(losses.includes(values.loss), `${unit.policy} ${unit.mode}`);
  }
  model.dispose();
});

test("results do not depend on the order, the threads, or what was measured before", async () => {
  const some = ["eval", "--tasks", "agreement,summarise", "--budgets", "40%", "--new-tokens", "8", ...TINY, "--json"];
  const all = await kvcap([...some, "--policies", "full,roco,random", "--threads", "2"]);
  assert.is(all.code, 0, all.stderr);
  const one = await kvcap([...some, "--policies", "random", "--threads", "1"]);
  const two = await kvcap([...some, "--policies", "roco,random", "--budgets", "60%,40%", "--seeds", "1,0"]);
  const found = new Map(lines(two.stdout).map((result) => [result.id, result]));
  for (const result of lines(one.stdout)) found.set(result.id, result);
  const wanted = lines(all.stdout).filter(({ unit }) => unit.policy !== "full");
  assert.is(wanted.length, 4);
  for (const result of wanted) assert.equal(found.get(result.id), result);
});

test("a unit that cannot be measured fails alone", async () => {
  const plan = `${folder}/plan.yaml`;
  await Deno.writeTextFile(
    plan,
    "# comments are allowed\nmodels: [fable-2m, no/such/folder]\ntasks: [{ task: passkey, documents: 1, length: 100 }]\n" +
      "policies: [roco]\nbudgets: [50%, 5]\nsession: { sinks: 4, newest: 2 }\nload: { device: wasm }\n",
  );
  const { code, stdout, stderr } = await kvcap(["eval", plan, "--json", "--no-times"]);
  assert.is(code, 1, stderr);
  const results = lines<Result>(stdout);
  assert.equal(results.map((result) => "error" in result), [false, true, true, true]);
  assert.match(
    stderr,
    /Cannot create session: budget must be above sinks \+ newest = 6, got 5 \(npm start -- eval --models fable-2m /,
  );
  assert.match(stderr, /Cannot load model: .*no\/such\/folder/);
});

test("the table: every policy, and what is better", async () => {
  const args = [
    "--policies",
    "full,roco,recency",
    "--budgets",
    "25%",
    "--documents",
    "6",
    "--length",
    "200",
    ...DEVICE,
  ];
  const { code, stdout, stderr } = await kvcap(["eval", "--tasks", "passkey", ...args, "--baseline", "full"]);
  assert.is(code, 0, stderr);
  const [title, head, ...rows] = stdout.trim().split("\n");
  assert.is(title, "fable-2m: passkey (documents 6; length 200)");
  assert.match(head, /^policy +budget +documents +found +slots +KiB/);
  assert.equal(rows.map((row) => row.split(/ +/).slice(0, 3)), [
    ["full", "all", "6"],
    ["roco", "25%", "6"],
    ["recency", "25%", "6"],
  ]);
});

test("what is no plan, no text, no results", async () => {
  await Deno.writeTextFile(`${folder}/bad.yaml`, "a: [1");
  await Deno.writeTextFile(`${folder}/list.yaml`, "- a");
  await Deno.writeTextFile(`${folder}/five.yaml`, "session: 5");
  const bomb = [
    "a0: &a0 [1, 1]",
    ...Array.from({ length: 12 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}, *a${i}]`),
  ];
  await Deno.writeTextFile(`${folder}/bomb.yaml`, bomb.join("\n"));
  await Deno.writeTextFile(`${folder}/bad.jsonl`, "[]\n");
  const cases: [string[], number, string][] = [
    [["eval", "--tasks", "passkeys"], 2, "tasks must be of perplexity, agreement, passkey, needle, multikey, keyvalue"],
    [["eval", "--strides", "few"], 2, '--strides must be a number, got "few"'],
    [["eval", "--budget", "5"], 2, "eval takes no --budget; see --help"],
    [["eval", "a", "b"], 2, "eval takes one plan, got 2"],
    [["eval", "no/such.yaml"], 1, "Cannot read the plan: no/such.yaml must be a file to read, got no such file"],
    [["eval", `${folder}/bad.yaml`], 1, "bad.yaml must be a mapping in YAML, got "],
    [["eval", `${folder}/list.yaml`], 1, "list.yaml must be a mapping in YAML, got another value"],
    [["eval", `${folder}/bomb.yaml`], 1, "bomb.yaml must be a mapping in YAML, got Excessive alias count"],
    [["eval", `${folder}/five.yaml`, "--device", "wasm"], 1, "Cannot read the plan: session must be options, got 5"],
    [["eval", "--text", "no/such"], 1, "Cannot read the text: no/such must be a file to read"],
    [["eval", "--out", `${folder}/bad.jsonl`], 1, "bad.jsonl must be a file of results, got another text in line 1"],
    [
      ["eval", "--out", "/no/such/folder"],
      1,
      "Cannot write the results: /no/such/folder must be a file to write, got no such",
    ],
  ];
  for (const [args, wanted, words] of chosen(cases, () => "any", 4)) {
    await kvcapRefuses(args, wanted, words);
  }
});

test.after(() => Deno.remove(folder, { recursive: true }));
test.run();
