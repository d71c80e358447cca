// The command generate: its text, its report, and what of its flags reaches the session. The quick run does three, drawn anew
// every day.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { distinct, longestRepeat } from "../../bench/sampling.ts";
import { load } from "../../src/load.ts";
import { ended, feed, kvcap, spawn } from "../support/command.ts";
import { fewOf } from "../support/depth.ts";
import { repoPath } from "../support/files.ts";

const test = fewOf(suite("command line: generate"), 3);

test("text goes to stdout without control characters, the report to stderr", async () => {
  const { code, stdout, stderr } = await kvcap([
    "generate",
    "Once upon a time",
    "--budget",
    "24",
    "--max-new-tokens",
    "60",
    "--temperature",
    "0",
  ]);
  assert.is(code, 0, stderr);
  assert.match(stdout, /^Once upon a time, there .+\n$/s);
  // deno-lint-ignore no-control-regex
  assert.not.match(stdout + stderr, /[\u0000-\u0009\u000b-\u001f]/);
  const words = [
    "prompt (read in",
    "live slots  24 per lane",
    "KV cache",
    "evictions   ",
    "tokens/s on",
    "waiting for the device",
  ];
  for (const word of words) assert.ok(stderr.includes(word), `${word} in ${stderr}`);
});

test("the main job writes a story that does not loop, as the model's file samples", async () => {
  const { code, stdout, stderr } = await kvcap(["--json"]);
  assert.is(code, 0, stderr);
  const { ids, sampling, liveSlots } = JSON.parse(stdout);
  assert.equal([ids.length, liveSlots], [400, 96]);
  assert.match(sampling, / from generation_config\.json$/);
  assert.ok(distinct(ids, 3) > 0.93, `${distinct(ids, 3)} of its 3-grams are new`);
  assert.ok(longestRepeat(ids) < 12, `${longestRepeat(ids)} tokens stand there twice`);
});

test("the report says how ids were chosen, and whose word that was", async () => {
  const sampling = async (...flags: string[]) => {
    const { stderr } = await kvcap(["generate", "Once", "-n", "4", ...flags]);
    return /^sampling {4}(.+)$/m.exec(stderr)?.[1];
  };
  const { sampling: own } = await load(repoPath("models/fable-2m")).then((model) => (model.dispose(), model));
  const file = await sampling();
  assert.match(file!, / from generation_config\.json$/);
  assert.ok(file!.startsWith(`temperature ${own.temperature}, `), file);
  assert.is(await sampling("--temperature", "0"), "greedy");
  assert.is(await sampling("--sampling", "greedy"), "greedy");
  assert.match((await sampling("--temperature", "0.4"))!, /^temperature 0\.4; .+ from generation_config\.json$/);
});

test("a schema and a grammar are read from the line or a file, and kept to", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const schema = { properties: { name: { type: "string", maxLength: 9 } }, required: ["name"] };
    await Deno.writeTextFile(`${folder}/schema.json`, JSON.stringify(schema));
    await Deno.writeTextFile(`${folder}/text.gbnf`, 'root ::= ("red" | "blue") "!"\n');
    const written = async (...flags: string[]) => {
      const { code, stdout, stderr } = await kvcap(["generate", "A fox: ", "-n", "60", "--json", ...flags]);
      assert.is(code, 0, stderr);
      const { text, ended } = JSON.parse(stdout);
      assert.is(ended, "end");
      return text as string;
    };
    for (const given of [`@${folder}/schema.json`, JSON.stringify(schema)]) {
      assert.equal(Object.keys(JSON.parse(await written("--json-schema", given))), ["name"]);
    }
    assert.match(await written("--grammar", `@${folder}/text.gbnf`), /^(red|blue)!$/);
    assert.is(await written("--grammar", 'root ::= ("red" | "blue") "!"', "--ban", "red"), "blue!");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

test("--json prints one object, the same for the same seed", async () => {
  const args = [
    "generate",
    "Once upon a time",
    "--json",
    "--budget",
    "20",
    "--stride",
    "4",
    "--sinks",
    "2",
    "--newest",
    "3",
  ];
  args.push("--max-new-tokens", "30", "--temperature", "0.9", "--top-p", "0.9", "--seed", "4", "--policy", "h2o");
  const [one, two] = [await kvcap(args), await kvcap(args)];
  assert.is(one.code, 0, one.stderr);
  assert.is(one.stderr, "");
  const [a, b] = [JSON.parse(one.stdout), JSON.parse(two.stdout)];
  assert.is(one.stdout.trim().split("\n").length, 1);
  const names =
    "text ids promptTokens newTokens policy budget liveSlots maxLiveSlots kvBytes usedKvBytes fullKvBytes evictions tokensPerSecond stepMs device adapter ended sampling";
  for (const name of names.split(" ")) assert.ok(name in a, name);
  assert.equal(Object.keys(a.stepMs), ["total", "wait", "wasm", "other"]);
  assert.is(a.ids.length, a.newTokens);
  assert.is(a.policy, "h2o");
  assert.is(a.budget, 20);
  assert.is(a.liveSlots, 20);
  assert.is(a.maxLiveSlots, 21);
  assert.equal(a.ids, b.ids);
  assert.is(a.text, b.text);
});

test("biases and penalties; an id that the model has not is refused when that is known", async () => {
  const ids = async (...flags: string[]) => {
    const { stdout, stderr } = await kvcap([
      "generate",
      "The cat",
      "--max-new-tokens",
      "8",
      "--ignore-eos",
      "--json",
      ...flags,
    ]);
    assert.is(stderr, "");
    return JSON.parse(stdout).ids;
  };
  assert.equal(await ids("--logit-bias", "77:900"), Array(8).fill(77));
  const apart = await ids("--logit-bias", "77:900", "--logit-bias", "78:890", "--presence-penalty", "50");
  assert.equal(apart.slice(0, 2), [77, 78]);
  const { code, stderr } = await kvcap(["generate", "The cat", "--logit-bias", "4096:1"]);
  assert.is(code, 1);
  assert.match(stderr, "Cannot generate: an id with a bias must be a whole number from 0 to ");
});

test("budgets as a share of the prompt and in bytes", async () => {
  const json = async (budget: string) => {
    const { stdout, stderr } = await kvcap([
      "generate",
      "Once upon a time there was a fox",
      "--max-new-tokens",
      "40",
      "--json",
      "--budget",
      budget,
      "--stride",
      "2",
      "--sinks",
      "1",
      "--newest",
      "1",
    ]);
    return JSON.parse(stdout || JSON.stringify(stderr));
  };
  const share = await json("50%");
  assert.is(share.budget, Math.floor(share.promptTokens / 2));
  assert.is(share.liveSlots, share.budget);
  const bytes = await json("64KiB");
  assert.is(bytes.budget, 65536 / 1280 - 2 | 0);
  assert.ok(bytes.kvBytes <= 65536);
  assert.is((await json("512MB")).evictions, 0);
});

test("how K and V and the weights are stored reaches model and session", async () => {
  const model = await load(repoPath("models/fable-2m"), { weights: "q8", kv: "q8" });
  const session = model.session({ budget: 24 });
  for await (const _ of session.generate("Once upon a time", { maxNewTokens: 30, stopAtEnd: false }));
  const { ids, kvBytes } = session.report();
  model.dispose();
  const flags = ["--budget", "24", "--max-new-tokens", "30", "--ignore-eos", "--kv", "q8", "--weights", "q8", "--json"];
  const told = JSON.parse((await kvcap(["generate", "Once upon a time", ...flags])).stdout);
  assert.equal([told.ids, told.kvBytes], [ids, kvBytes]);
});

test("memory is a bound, and says what fits", async () => {
  const flags = ["--max-new-tokens", "4", "--ignore-eos"];
  const tight = await kvcap(["generate", "Once upon a time", ...flags, "--memory", "6MB"]);
  assert.is(tight.code, 0, tight.stderr);
  assert.match(tight.stderr, /memory {6}[56]\.\d MB at most, of 6\.0 MB/);
  const told = JSON.parse(
    (await kvcap(["generate", "Once upon a time", ...flags, "--memory", "6MB", "--json"])).stdout,
  );
  assert.ok(told.budget > 50 && told.budget < 500, `${told.budget} slots`);
  const less = await kvcap(["generate", "x", "--memory", "6MB", "--budget", "1024"]);
  assert.is(less.code, 1);
  assert.match(
    less.stderr,
    /^Cannot create session: [^\n]+ in memory of 6\.00 MB beside 4\.73 MB of weights, got 1024 [^\n]+\n$/,
  );
  const least = await kvcap(["perplexity", "some words of text", "--memory", "1MB"]);
  assert.is(least.code, 1);
  // What passes through while the files are read is held too.
  assert.match(least.stderr, /^Cannot load model: memory must hold 5\.53 MB of weights, or 3\.32 MB as q8/);
});

test("parts of a rule, pins and shares reach the session", async () => {
  const args = ["generate", "Once upon a time", "--json", "--budget", "24", "--stride", "4", "--max-new-tokens", "40"];
  const rule = [
    "--policy",
    "h2o",
    "--score",
    "windowed",
    "--window",
    "5",
    "--pool",
    "mean",
    "--width",
    "3",
    "--shared",
  ];
  const flags = [...args, ...rule, "--sinks", "10%", "--newest", "20%", "--pin", "3:5", "--pin", "9:11"];
  const { stdout, stderr } = await kvcap([...flags, "--ignore-eos"]);
  assert.is(stderr, "");
  const told = JSON.parse(stdout);
  assert.is(told.policy, "h2o, score windowed, window 5, pool mean, width 3, shared true");
  const model = await load(repoPath("models/fable-2m"));
  const parts = { score: "windowed", window: 5, pool: "mean", width: 3, shared: true } as const;
  const protection = { sinks: 2, newest: 4, pin: [[3, 5], [9, 11]] } as const;
  const session = model.session({ policy: "h2o", ...parts, ...protection, budget: 24, stride: 4 });
  const generate = { maxNewTokens: 40, banned: model.config.eosIds };
  for await (const _ of session.generate("Once upon a time", generate));
  assert.equal(told.ids, session.report().ids);
  model.dispose();
});

test("a prompt from standard input", async () => {
  const child = spawn(["generate", "-", "--max-new-tokens", "5", "--json"], {}, "piped");
  await feed(child, "Once upon a time\n");
  const piped = await ended(child);
  const given = await kvcap(["generate", "Once upon a time", "--max-new-tokens", "5", "--json"]);
  assert.equal(JSON.parse(piped.stdout).ids, JSON.parse(given.stdout).ids);
});

test("standard input that is no text", async () => {
  const child = spawn(["generate", "-"], {}, "piped");
  await feed(child, new Uint8Array([0x61, 0xff, 0xfe]));
  const { code, stderr } = await ended(child);
  assert.is(code, 1);
  assert.match(stderr, /^Cannot read the prompt: standard input must be UTF-8 text[^\n]*\n$/);
});

test.run();
