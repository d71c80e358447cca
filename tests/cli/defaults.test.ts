// What flags say where the command line does not: variables of the environment, and kvcap.json in the folder.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { COMMAND, type Ended, ended } from "../support/command.ts";

const test = suite("command line: defaults");

/** Runs it in a folder of its own with this kvcap.json. */
async function kvcapBeside(file: unknown, args: string[], env: Record<string, string> = {}): Promise<Ended> {
  const cwd = await Deno.makeTempDir();
  const text = typeof file === "string" ? file : JSON.stringify(file);
  if (file !== null) await Deno.writeTextFile(`${cwd}/kvcap.json`, text);
  const streams = { stdin: "null", stdout: "piped", stderr: "piped" } as const;
  const command = new Deno.Command(Deno.execPath(), { args: [...COMMAND, ...args], cwd, env, ...streams });
  const found = await ended(command.spawn());
  await Deno.remove(cwd, { recursive: true });
  return found;
}

const generate = ["generate", "Once upon a time", "--max-new-tokens", "4", "--json"];
const budgetOf = ({ stdout, stderr }: Ended) => {
  assert.ok(stdout, stderr);
  return JSON.parse(stdout).budget;
};

test("a flag, else a variable, else the file, which is said", async () => {
  const file = { budget: 33, policy: "h2o", pinPrompt: true, system: "of chats alone" };
  const beneath = await kvcapBeside(file, generate);
  assert.is(budgetOf(beneath), 33);
  assert.is(JSON.parse(beneath.stdout).policy, "h2o");
  assert.is(beneath.stderr, "(kvcap.json says --budget 33, --policy h2o, --pin-prompt true)\n");
  assert.is(budgetOf(await kvcapBeside(file, generate, { KVCAP_BUDGET: "34" })), 34);
  assert.is(budgetOf(await kvcapBeside(file, [...generate, "--budget", "35"], { KVCAP_BUDGET: "34" })), 35);
  const lists = await kvcapBeside({ stop: ["there", "was"], pinPrompt: false }, generate);
  assert.is(lists.code, 0, lists.stderr);
});

test("other commands do not read it; neither does --help", async () => {
  for (const args of [["models"], ["generate", "--help"]]) {
    const { code, stderr } = await kvcapBeside("no JSON", args, { KVCAP_BUDGET: "none" });
    assert.equal([code, stderr], [0, ""]);
  }
});

test("what is wrong in either is one sentence that says where", async () => {
  const cases: [unknown, Record<string, string>, RegExp][] = [
    ["{", {}, /^Cannot read kvcap\.json: it must be JSON, got: \S[^\n]+\n$/],
    ["[1]", {}, /^Cannot read kvcap\.json: it must be an object, got \[1\]\n$/],
    [
      { bugdet: 5 },
      {},
      /^Cannot read kvcap\.json: names must be those of options, got "bugdet"; did you mean budget\?\n$/,
    ],
    [{ save: "x" }, {}, /^Cannot read kvcap\.json: names must be those of options, got "save"/],
    [{ model: [] }, {}, /^Cannot read kvcap\.json: model must be text, a number, true or false, got \[\]\n$/],
    [{ budget: [1, 2] }, {}, /^Cannot read kvcap\.json: budget must be text, a number, true or false, got \[1,2\]\n$/],
    [{ budget: {} }, {}, /^Cannot read kvcap\.json: budget must be text, a number, true or false, got \{\}\n$/],
    [{ policy: "./mine.ts" }, {}, /^Cannot read kvcap\.json: policy must be a name, got "\.\/mine\.ts"\n$/],
    [{ budget: "much" }, {}, /^Cannot read the command line: kvcap\.json: --budget must be slots .*, got "much"\n$/],
    [
      null,
      { KVCAP_BUDGET: "much" },
      /^Cannot read the command line: KVCAP_BUDGET: --budget must be slots .*, got "much"\n$/,
    ],
    [
      { shared: "maybe" },
      {},
      /^Cannot read the command line: kvcap\.json: shared must be true or false, got "maybe"\n$/,
    ],
  ];
  for (const [file, env, sentence] of cases) {
    const { code, stdout, stderr } = await kvcapBeside(file, generate, env);
    assert.ok(code === 1 || code === 2);
    assert.is(stdout, "");
    assert.match(stderr.replace(/^\(kvcap\.json says .*\n/, ""), sentence);
  }
});

test("a file that cannot be read is refused in a sentence, too", async () => {
  const cwd = await Deno.makeTempDir();
  await Deno.symlink("kvcap.json", `${cwd}/kvcap.json`);
  const { stderr } = await new Deno.Command(Deno.execPath(), { args: [...COMMAND, ...generate], cwd }).output();
  assert.match(new TextDecoder().decode(stderr), /^Cannot read kvcap\.json: it must be a file to read, got [^\n]+\n$/);
  await Deno.remove(cwd, { recursive: true });
});
test.run();
