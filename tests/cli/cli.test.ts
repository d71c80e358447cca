// The command line as its users meet it: a process with arguments, pipes and signals.
// The quick run makes twelve of the mistakes in its flags and eight of the runs, drawn anew every day.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { load } from "../../src/load.ts";
import { chosen, fewOf } from "../support/depth.ts";
import { testDevice } from "../support/device.ts";
import { FLAGS as ALL } from "../../src/cli/flags.ts";
import { policies } from "../../src/policies/index.ts";
import { repoPath } from "../support/files.ts";

const FLAGS = ["run", "--no-prompt", "--quiet", "--no-check", "-A", repoPath("src/cli/main.ts")];

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

function spawn(args: string[], env: Record<string, string> = {}, stdin: "piped" | "null" = "null") {
  const command = new Deno.Command(Deno.execPath(), {
    args: [...FLAGS, ...args],
    env,
    stdin,
    stdout: "piped",
    stderr: "piped",
  });
  return command.spawn();
}

async function kvcap(args: string[], env: Record<string, string> = {}): Promise<Ended> {
  return await ended(spawn(args, env));
}

async function ended(child: Deno.ChildProcess): Promise<Ended> {
  const { code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

const usage = suite("command line: usage");

usage("--help", async () => {
  for (const args of [["--help"], ["-h"], ["generate", "--help"]]) {
    const { code, stdout, stderr } = await kvcap(args);
    assert.is(code, 0);
    assert.is(stderr, "");
    const documented = new Set(stdout.match(/(?<=^ +(?:-h, )?)--[a-z-]+/gm));
    documented.delete("--help");
    assert.equal(
      [...documented].sort(),
      [...ALL.keys()].filter((name) => name !== "help").map((name) => `--${name}`).sort(),
    );
    for (const policy of Object.keys(policies)) assert.match(stdout, policy);
    assert.ok(stdout.split("\n").every((line) => line.length <= 120));
  }
});

const WRONG: [string[], string][] = [
  [["generate"], "generate takes one prompt (in quotes), got none"],
  [["generate", "a", "b"], "generate takes one prompt (in quotes), got 2"],
  [["answer", "x"], "the command must be one of generate, chat, perplexity, replay, models, pull, got answer"],
  [["--budget", "8"], "the command must be one of generate, chat, perplexity, replay, models, pull, got none"],
  [["generate", "x", "--bugdet", "8"], 'a flag must be one that --help lists, got "--bugdet"'],
  [["generate", "x", "--budget"], "--budget"],
  [
    ["generate", "x", "--budget", "many"],
    '--budget must be slots (128), a share of the prompt (25%) or bytes (512KB), got "many"',
  ],
  [["generate", "x", "--budget", ""], 'or bytes (512KB), got ""'],
  [["generate", "x", "--budget=-3"], "budget must be a whole number from 1 to 4194304, got -3"],
  [
    ["generate", "x", "--budget", "5", "--sinks", "4", "--newest", "1"],
    "budget must be above sinks + newest = 5, got 5",
  ],
  [["generate", "x", "--policy", "best"], "policy must be one of roco, h2o, tova, tova-layer, scissorhands, snapkv, "],
  [["generate", "x", "--score", "best"], 'recency, random, windowed, persistence, got "best"'],
  [["generate", "x", "--scope", "few"], 'scope must be one of all, low-spread, got "few"'],
  [["generate", "x", "--window", "8"], "window goes with the scores windowed and persistence only, got 8"],
  [["generate", "x", "--score", "windowed", "--window", "0"], "window must be a whole number from 1 to 65535, got 0"],
  [["generate", "x", "--policy", "snapkv", "--width", "4"], "width must be an odd number from 1 to 255, got 4"],
  [["generate", "x", "--policy", "full", "--shared"], "shared must be left out with the policy full"],
  [["generate", "x", "--allocation", "even"], "allocation must be one of uniform, pyramid, adaptive"],
  [["generate", "x", "--sinks", "100%"], "sinks must be a number of tokens or a share of the budget below 100%, got"],
  [["generate", "x", "--newest", "some"], '--newest must be a number, got "some"'],
  [["generate", "x", "--pin", "4"], '--pin must be FROM:TO, as 0:20, got "4"'],
  [["generate", "x", "--pin", "4:4"], "a pinned span's to must be a whole number from 5"],
  [["generate", "x", "--budget", "16", "--pin", "0:20"], "budget must be above sinks and pinned tokens + newest = 21"],
  [["generate", "x", "--first", "2"], 'generate takes no --first; see --help, got "2"'],
  [["generate", "x", "--policy", "h2o", "--policy", "tova"], "--policy may be given once only, got 2"],
  [["replay"], "replay takes one file, got none"],
  [["replay", "x", "--stride", "2"], "replay takes no --stride"],
  [["perplexity"], 'perplexity takes one text (in quotes, "-" or "@FILE"), got none'],
  [["perplexity", "x", "--temperature", "1"], "perplexity takes no --temperature"],
  [["perplexity", "x", "--first", "0"], "Cannot measure perplexity: first must be a whole number from 1"],
  [["generate", "x", "--temperature", "NaN"], '--temperature must be a number, got "NaN"'],
  [["generate", "x", "--temperature=-1"], "temperature must be a number from 0 to 100, got -1"],
  [["generate", "x", "--budget", "-5"], "--budget must have a value behind it, one with a dash as --budget=-5, got -5"],
  [["generate", "x", "--seed"], "--seed must have a value behind it, got none"],
  [["generate", "x", "--json=3"], '--json takes no value; see --help, got "--json=3"'],
  [["generate", "x", "--max-new-tokens", "0"], "--max-new-tokens must be a whole number from 1"],
  [["generate", "x", "--top-p", "0"], "--top-p must be a number above 0 and at most 1, got 0"],
  [["generate", "x", "--kv", "q4"], 'kv must be one of f32, f16, q8, got "q4"'],
  [["generate", "x", "--memory", "much"], '--memory must be bytes (512MB), got "much"'],
  [["generate", "x", "--memory", "25%"], '--memory must be bytes (512MB), got "25%"'],
  [["generate", "x", "--memory", "0MB"], "memory must be a whole number from 1"],
  [["perplexity", "x", "--weights", "q5"], 'Cannot load model: weights must be one of q8, q4, got "q5"'],
  [["generate", "x", "--seed", "1.5"], "seed must be a whole number"],
  [["generate", "x", "--stop", ""], "a stop string must not be empty"],
];
for (const [args, words] of chosen(WRONG, () => "any", 12)) {
  usage(args.join(" "), async () => {
    const { code, stdout, stderr } = await kvcap(args);
    assert.is(code, 2, stderr);
    assert.is(stdout, "");
    assert.match(stderr, /^Cannot [^\n]+\n$/);
    assert.ok(stderr.includes(words), stderr);
  });
}
usage.run();

const errors = suite("command line: errors");
errors("what cannot be loaded or read", async () => {
  const cases: [string[], string][] = [
    [["generate", "x", "--model", "no/such/folder"], "Cannot load model: "],
    [["generate", ""], "Cannot generate: the prompt must not be empty"],
    [["perplexity", "@no/such/file"], "Cannot read the text: no/such/file must be a file to read, got no such file"],
    [["replay", "no/such/file"], "Cannot read the recording: no/such/file must be a file to read, got no such file"],
    [["replay", repoPath("package.json")], "Cannot read the recording: it must be a recording of kvcap, got "],
    [
      ["generate", "x", "--record", "/no/such/folder/file"],
      "Cannot record: /no/such/folder/file must be a file to write, got no such folder",
    ],
    [["perplexity", "x", "--first", "20"], "Cannot measure perplexity: the text must have at least 21 tokens, got 2"],
    [
      ["generate", "x", "--policy", "full", "--budget", "20"],
      "must fit the full cache's budget of 20 slots, got 0 before + ",
    ],
  ];
  for (const [args, words] of cases) {
    const { code, stdout, stderr } = await kvcap([...args]);
    assert.is(code, 1, stderr);
    assert.is(stdout, "");
    assert.match(stderr, /^Cannot [^\n]+\n$/);
    assert.ok(stderr.includes(words), stderr);
  }
});
errors("a machine without an adapter", async () => {
  const { code, stderr } = await kvcap(["generate", "x"], { VK_DRIVER_FILES: "/none", DENO_WEBGPU_BACKEND: "vulkan" });
  assert.is(code, 1);
  assert.match(stderr, /^Cannot open the GPU: WebGPU must offer an adapter, got none[^\n]*\n$/);
});
errors.run();

const runs = fewOf(suite("command line: runs"), 8);
const run = (await testDevice()) ? runs : runs.skip;

run("text goes to stdout without control characters, the report to stderr", async () => {
  const { code, stdout, stderr } = await kvcap([
    "generate",
    "Once upon a time",
    "--budget",
    "24",
    "--max-new-tokens",
    "60",
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
    "GPU and readback wait",
  ];
  for (const word of words) assert.ok(stderr.includes(word), `${word} in ${stderr}`);
});

run("--json prints one object, the same for the same seed", async () => {
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
    "text ids promptTokens newTokens policy budget liveSlots maxLiveSlots kvBytes fullKvBytes evictions tokensPerSecond stepMs adapter";
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

run("budgets as a share of the prompt and in bytes", async () => {
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

run("how K and V and the weights are stored reaches model and session", async () => {
  const model = await load(repoPath("models/fable-2m"), { device: (await testDevice())!, weights: "q8", kv: "q8" });
  const session = model.session({ budget: 24 });
  for await (const _ of session.generate("Once upon a time", { maxNewTokens: 30, stopAtEnd: false }));
  const { ids, kvBytes } = session.report();
  model.dispose();
  const flags = ["--budget", "24", "--max-new-tokens", "30", "--ignore-eos", "--kv", "q8", "--weights", "q8", "--json"];
  const told = JSON.parse((await kvcap(["generate", "Once upon a time", ...flags])).stdout);
  assert.equal([told.ids, told.kvBytes], [ids, kvBytes]);
});

run("memory is a bound, and says what fits", async () => {
  const flags = ["--max-new-tokens", "4", "--ignore-eos"];
  const tight = await kvcap(["generate", "Once upon a time", ...flags, "--memory", "6MB"]);
  assert.is(tight.code, 0, tight.stderr);
  assert.match(tight.stderr, /GPU memory {2}[56]\.\d MB at most, of 6\.0 MB/);
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
  assert.match(least.stderr, /^Cannot load model: memory must hold 4\.73 MB of weights, or 2\.52 MB as q8/);
});

run("parts of a rule, pins and shares reach the session", async () => {
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
  const model = await load(repoPath("models/fable-2m"), { device: (await testDevice())! });
  const parts = { score: "windowed", window: 5, pool: "mean", width: 3, shared: true } as const;
  const protection = { sinks: 2, newest: 4, pin: [[3, 5], [9, 11]] } as const;
  const session = model.session({ policy: "h2o", ...parts, ...protection, budget: 24, stride: 4 });
  const generate = { maxNewTokens: 40, banned: model.config.eosIds };
  for await (const _ of session.generate("Once upon a time", generate));
  assert.equal(told.ids, session.report().ids);
  model.dispose();
});

run("perplexity counts the same tokens whatever the policy and budget", async () => {
  const text = "Once upon a time, there was a little girl named Lily. She loved to play outside in the park.";
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, text);
  const json = async (...args: string[]) => {
    const { code, stdout, stderr } = await kvcap(["perplexity", ...args, "--json"]);
    assert.is(code, 0, stderr);
    assert.is(stderr, "");
    return JSON.parse(stdout);
  };
  const full = await json(text, "--policy", "full", "--first", "3");
  assert.is(full.evictions, 0);
  assert.is(full.perplexity, Math.exp(full.loss));
  for (const [policy, budget] of [["roco", "12"], ["snapkv", "50%"], ["recency", "8"]]) {
    const capped = await json(`@${file}`, "--policy", policy, "--budget", budget, "--stride", "1", "--first", "3");
    assert.is(capped.tokens, full.tokens);
    assert.is(capped.policy, policy);
    assert.is(capped.liveSlots, capped.budget);
    assert.ok(capped.evictions > 0 && Math.abs(capped.loss - full.loss) > 0.01);
  }
  await Deno.remove(file);
  const { stdout, stderr } = await kvcap(["perplexity", text, "--first", "3", "--policy", "full"]);
  assert.is(stdout, `${full.perplexity.toFixed(4)}\n`);
  assert.match(stderr, `the mean of -ln p over ${full.tokens} tokens`);
});

run("a session is saved, and resumed exactly", async () => {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/session.kvcap`;
  const capped = ["--budget", "24", "--stride", "8", "--temperature", "1", "--ignore-eos", "--json"];
  const prompt = "Once upon a time there was a fox";
  const text = (stdout: string) => JSON.parse(stdout).ids as number[];
  const whole = await kvcap(["generate", prompt, ...capped, "--max-new-tokens", "24"]);
  const first = await kvcap(["generate", prompt, ...capped, "--max-new-tokens", "12", "--save", file]);
  const second = await kvcap(["generate", ...capped.slice(4), "--max-new-tokens", "12", "--resume", file]);
  assert.equal([first.code, second.code], [0, 0], second.stderr);
  assert.equal([...text(first.stdout), ...text(second.stdout)], text(whole.stdout));
  const changed = await kvcap(["generate", "--resume", file, "--budget", "30"]);
  assert.equal([changed.code, changed.stderr.trim()], [
    2,
    'Cannot read the command line: --budget cannot be changed with --resume, got "30"',
  ]);
  const foreign = await kvcap(["generate", "--resume", repoPath("package.json")]);
  assert.is(foreign.code, 1);
  assert.match(foreign.stderr, "Cannot restore session: a snapshot must begin with kvcapses, got other bytes");
  for (
    const [path, what] of [[folder, "a folder"], ["/dev/null", "a device or a pipe"], [
      `${folder}/no/x`,
      "no such folder",
    ]]
  ) {
    const { code, stdout, stderr } = await kvcap(["generate", prompt, ...capped, "--save", path]);
    assert.equal([code, stdout, stderr.trim()], [
      1,
      "",
      `Cannot save the session: ${path} must be a file to write, got ${what}`,
    ]);
  }
  assert.equal([...Deno.readDirSync(folder)].map(({ name }) => name), ["session.kvcap"]);
  await Deno.remove(folder, { recursive: true });
});

run("a policy of one's own is a module, and must be one", async () => {
  const folder = await Deno.makeTempDir();
  const mine = repoPath("examples/own-policy.ts");
  const [kept, recorded] = [`${folder}/kept`, `${folder}/recorded`];
  const capped = ["--budget", "20", "--stride", "4", "--ignore-eos", "--json", "--max-new-tokens", "20"];
  const text = ["generate", "Once upon a time there was a fox", ...capped, "--policy", mine];
  const first = await kvcap([...text, "--save", kept, "--record", recorded]);
  assert.is(first.code, 0, first.stderr);
  assert.is(JSON.parse(first.stdout).policy, "fading");
  const second = await kvcap(["generate", "--json", "--max-new-tokens", "5", "--resume", kept, "--policy", mine]);
  assert.is(second.code, 0, second.stderr);
  assert.is(JSON.parse(second.stdout).policy, "fading");
  const replayed = await kvcap(["replay", recorded, "--policy", mine, "--policy", "h2o", "--json"]);
  const { replays } = JSON.parse(replayed.stdout);
  assert.equal(replays.map(({ policy, reproduced }: Record<string, unknown>) => [policy, reproduced]), [
    ["fading", true],
    ["h2o", null],
  ]);
  const others = await kvcap(["replay", recorded]);
  assert.is(
    others.stdout.trimEnd().split("\n").length,
    1 + Object.keys(policies).length - 1,
    "all but the recorded one and full",
  );
  const measured = await kvcap(["perplexity", "Once upon a time there was a fox", "--policy", mine, "--json"]);
  assert.is(JSON.parse(measured.stdout).policy, "fading");
  const module = async (name: string, code: string) => {
    await Deno.writeTextFile(`${folder}/${name}`, code);
    return `${folder}/${name}`;
  };
  const cases: [string, string][] = [
    [`${folder}/none.ts`, "must be a file to read, got no such file"],
    [await module("empty.ts", "export const a = 1;"), "must export a policy as its default, got nothing"],
    [await module("throws.ts", 'throw new Error("my own\\nfault");'), "must be a module that runs, got my own fault"],
    [await module("wrong.ts", "export default { name: 'mine', score: 3 };"), "score must be one of mean, sum, "],
    [
      await module("full.ts", "export default { name: 'full', score: 'sum' };"),
      "the name of a policy of its own must be",
    ],
  ];
  for (const [path, words] of cases) {
    const { code, stdout, stderr } = await kvcap(["generate", "x", "--policy", path]);
    assert.equal([code, stdout], [1, ""]);
    assert.match(stderr, /^Cannot read the policy: [^\n]+\n$/);
    assert.ok(stderr.includes(words), stderr);
  }
  const without = await kvcap(["generate", "--resume", kept]);
  assert.match(
    without.stderr,
    "Cannot restore session: the session's own policy, fading, must be given again, got none",
  );
  const named = await kvcap(["generate", "--resume", kept, "--policy", "h2o"]);
  assert.match(named.stderr, '--policy cannot be changed with --resume, got "h2o"');
  await Deno.remove(folder, { recursive: true });
});

/** The shipped model with a chat template of its own. */
async function chatModel(): Promise<string> {
  const folder = await Deno.makeTempDir();
  for (const { name } of Deno.readDirSync(repoPath("models/fable-2m"))) {
    await Deno.copyFile(`${repoPath("models/fable-2m")}/${name}`, `${folder}/${name}`);
  }
  const template =
    "{{ bos_token }}{% for m in messages %}{{ m.role + ': ' + m.content + eos_token }}{% endfor %}assistant: ";
  await Deno.writeTextFile(`${folder}/chat_template.jinja`, template);
  return folder;
}

async function write(child: Deno.ChildProcess, text: string) {
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
}

run("chat answers line by line, keeps and goes on with conversations", async () => {
  const folder = await chatModel();
  const args = [
    "chat",
    "--model",
    folder,
    "--system",
    "Tell of Lily.",
    "--max-new-tokens",
    "6",
    "--budget",
    "60",
    "--json",
  ];
  const child = spawn(args, {}, "piped");
  const questions = ["Where is Lily?", "And then?", `/save ${folder}/kept`, "/stats", "What\\\nnow?", "/help"];
  const rest = [
    "/policy h2o",
    "Who?",
    "/budget 40",
    "Who else?",
    `/load ${folder}/kept`,
    "What\\\nnow?",
    "/reset",
    "Hi",
  ];
  await write(child, [...questions, ...rest, "/exit", "never asked"].join("\n"));
  const { code, stdout, stderr } = await ended(child);
  assert.is(code, 0, stderr);
  const answers = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.is(answers.length, 7);
  assert.ok(answers.every(({ newTokens }) => newTokens <= 6));
  assert.equal(answers[2], answers[5], "as before it was kept");
  assert.ok(answers[1].promptTokens < 20 && answers[3].promptTokens > 40, "a new cache reads everything again");
  assert.ok(answers[4].liveSlots <= 40 && answers[4].evictions > 0);
  assert.match(stderr, "goes on after 2 answers");
  assert.match(stderr, /tokens taken in, \d+ of 60 slots per lane live/);
  // Where memory is bounded, and all of it is the cache's.
  const bounded = spawn([...args.filter((arg) => !["--budget", "60"].includes(arg)), "--memory", "6MB"], {}, "piped");
  const changes = ["/policy h2o", "And then?", "/budget 50", "And then?", `/load ${folder}/kept`, "What\\\nnow?"];
  await write(bounded, ["Where is Lily?", ...changes].join("\n"));
  const told = await ended(bounded);
  assert.is(told.code, 0, told.stderr);
  assert.equal(JSON.parse(told.stdout.trimEnd().split("\n")[3]), answers[2]);
  const unread = spawn(args, {}, "piped");
  await write(unread, ["Hi", "/budget 40", `/save ${folder}/unread`].join("\n"));
  assert.match(
    (await ended(unread)).stderr,
    "Cannot save the session: the conversation must have been read into the cache",
  );
  assert.is(await Deno.stat(`${folder}/unread`).catch(() => null), null);
  const wrong = spawn(args, {}, "piped");
  await write(wrong, "/budget none\n");
  assert.equal([(await ended(wrong)).code], [1]);
  const none = await kvcap(["chat", "--model", repoPath("models/fable-2m")]);
  assert.equal([none.code, none.stderr], [1, "Cannot chat: the model must have a chat template, got none\n"]);
  assert.is((await kvcap(["chat", "hello"])).code, 2);
  await Deno.remove(folder, { recursive: true });
});

if (Deno.build.os === "linux") {
  run("chat at a terminal: pasted lines are one message, Ctrl-C stops the answer alone, history", async () => {
    const folder = await chatModel();
    const command = [
      Deno.execPath(),
      ...FLAGS,
      "chat",
      "--model",
      folder,
      "--budget",
      "60",
      "--max-new-tokens",
      "100000",
    ];
    const child = new Deno.Command("script", {
      args: ["-qec", command.map((part) => `'${part}'`).join(" "), "/dev/null"],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const keys = child.stdin.getWriter();
    const type = (text: string) => keys.write(new TextEncoder().encode(text));
    const screen = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let seen = "";
    const until = async (what: RegExp) => {
      while (!what.test(seen)) {
        const { value, done } = await screen.read();
        if (done) throw new Error(`${what} never came: ${seen}`);
        seen += value;
      }
      seen = seen.slice(what.exec(seen)!.index);
    };
    await until(/> /);
    await type("\x1b[200~one\ntwo\x1b[201~");
    await until(/one\u2424two/);
    await type("\r");
    await until(/\n[^]{20,}/); // an answer without end
    await type("\x03");
    await until(/> /);
    await type("\x03");
    await until(/Ctrl-D ends/);
    seen = "";
    await type("\x1b[A");
    await until(/one\u2424two/);
    await type("\x15/stats\r");
    await until(/tokens taken in/);
    await type("\x04");
    assert.is((await child.status).code, 0);
    await Deno.remove(folder, { recursive: true });
  });
}

run("a recording is replayed, by the policy recorded to the same victims", async () => {
  const file = await Deno.makeTempFile();
  const capped = ["--policy", "h2o", "--budget", "20", "--stride", "4"];
  const text = ["Once upon a time there was a fox", "--max-new-tokens", "40", "--ignore-eos"];
  const { code, stderr } = await kvcap(["generate", ...text, ...capped, "--record", file, "--json"]);
  assert.is(code, 0, stderr);
  const one = await kvcap(["replay", file, "--policy", "h2o", "--json"]);
  const { recording, replays } = JSON.parse(one.stdout);
  assert.is(recording.options.policy, "h2o");
  assert.is(replays.length, 1);
  assert.equal([replays[0].reproduced, replays[0].evictions], [true, recording.tokens - 20]);
  const all = await kvcap(["replay", file]);
  assert.is(all.code, 0, all.stderr);
  const lines = all.stdout.trimEnd().split("\n");
  assert.is(lines.length, 1 + Object.keys(policies).length - 1);
  assert.match(lines[1], /^h2o +20 +\d+ +100.00 % +100.00 % +0.00 % +yes$/);
  assert.match(all.stderr, "record with --policy full");
  await kvcap(["perplexity", text[0], "--policy", "full", "--record", file]);
  const full = await kvcap(["replay", file, "--policy", "roco", "--policy", "tova", "--budget", "50%"]);
  assert.is(full.code, 0, full.stderr);
  assert.is(full.stdout.trimEnd().split("\n").length, 3);
  assert.not.match(full.stderr, "record with --policy full");
  const none = await kvcap(["replay", file, "--budget", "0"]);
  assert.equal([none.code, none.stdout], [2, ""]);
  assert.match(none.stderr, /^Cannot replay: budget must be a whole number from 1 [^\n]+, got 0\n$/);
  const wrong = await kvcap(["replay", file, "--budget", "64KB"]);
  assert.is(wrong.code, 2);
  assert.match(wrong.stderr, /^Cannot replay: budget must be slots or a share of the tokens recorded, got [^\n]+\n$/);
  const misnamed = await kvcap(["replay", file, "--policy", "best"]);
  assert.is(misnamed.code, 2);
  assert.match(misnamed.stderr, /^Cannot replay: policy must be one of roco, [^\n]+\n$/);
  await Deno.remove(file);
});

run("a prompt from standard input", async () => {
  const child = spawn(["generate", "-", "--max-new-tokens", "5", "--json"], {}, "piped");
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode("Once upon a time\n"));
  await writer.close();
  const piped = await ended(child);
  const given = await kvcap(["generate", "Once upon a time", "--max-new-tokens", "5", "--json"]);
  assert.equal(JSON.parse(piped.stdout).ids, JSON.parse(given.stdout).ids);
});

run("standard input that is no text", async () => {
  const child = spawn(["generate", "-"], {}, "piped");
  const writer = child.stdin.getWriter();
  await writer.write(new Uint8Array([0x61, 0xff, 0xfe]));
  await writer.close();
  const { code, stderr } = await ended(child);
  assert.is(code, 1);
  assert.match(stderr, /^Cannot read the prompt: standard input must be UTF-8 text[^\n]*\n$/);
});

run("Ctrl-C stops cleanly with the report", async () => {
  const child = spawn(["generate", "Once upon a time", "--budget", "24", "--max-new-tokens", "100000", "--ignore-eos"]);
  const reader = child.stdout.getReader();
  let text = "";
  while (text.length < 300) text += new TextDecoder().decode((await reader.read()).value);
  child.kill("SIGINT");
  while (!(await reader.read()).done);
  const stderr = await new Response(child.stderr).text();
  assert.is((await child.status).code, 130);
  assert.match(stderr, "live slots  24 per lane");
});

run("a closed pipe is no error", async () => {
  const child = spawn(["generate", "Once upon a time", "--budget", "24", "--max-new-tokens", "100000", "--ignore-eos"]);
  const reader = child.stdout.getReader();
  await reader.read();
  await reader.cancel();
  const stderr = await new Response(child.stderr).text();
  assert.is((await child.status).code, 0);
  assert.is(stderr, "");
});
runs.run();
