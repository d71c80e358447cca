// What the command line tells of itself: every flag, with its words; examples, all of which run; what a shell completes.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { COMMANDS } from "../../src/cli/commands.ts";
import { ALIASES, FLAGS } from "../../src/cli/flags.ts";
import { policies } from "../../src/policies/index.ts";
import { COMMAND, copyTalking, kvcap } from "../support/command.ts";
import { chosen, depth } from "../support/depth.ts";
import { readJson, repoPath } from "../support/files.ts";
import { quoted } from "../support/terminal.ts";

const test = suite("command line: help");

async function told(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await kvcap(args);
  assert.equal([code, stderr], [0, ""], args.join(" "));
  if (args[0] !== "completion") assert.ok(stdout.split("\n").every((line) => line.length <= 120), args.join(" "));
  return stdout;
}

test("--help lists the commands, and each command's its flags, examples first", async () => {
  const all = await told("--help");
  for (const name of Object.keys(COMMANDS)) assert.match(all, new RegExp(`^  ${name}\\b`, "m"));
  assert.is(await told("-h"), all);
  assert.is(await told("help"), all);
  const seen = new Set<string>();
  for (const [name, { flags }] of Object.entries(COMMANDS)) {
    const help = await told(name, "--help");
    if (name === "chat") assert.is(await told("help", name), help);
    const listed = help.match(/(?<=^ {2}(?:-\w, )?)--[a-z-]+/gm)!.map((flag) => flag.slice(2));
    assert.equal(listed.sort(), [...new Set([...flags, "json", "help", "version"])].sort(), name);
    assert.match(help, new RegExp(`^[^\\n]+${name}[^\\n]*\\n[^\\n]+\\n\\nexamples\\n`));
    listed.forEach((flag) => seen.add(flag));
  }
  assert.equal([...seen].sort(), [...FLAGS.keys()].sort());
  const generate = await told("generate", "--help");
  for (const policy of Object.keys(policies)) assert.match(generate, policy);
});

test("--version", async () => {
  const { version } = await readJson(repoPath("package.json"));
  assert.is(await told("--version"), `kvcap ${version}, deno ${Deno.version.deno}\n`);
  assert.is(await told("-V"), await told("--version"));
});

/** A folder with what the examples name. */
async function stage(): Promise<string> {
  const folder = await Deno.makeTempDir();
  const story = (await Deno.readTextFile(repoPath("src/eval/texts/ferry.txt"))).slice(0, 6000);
  await Deno.writeTextFile(`${folder}/story.txt`, story);
  const plan = "tasks: [perplexity]\npolicies: [full, crest]\nbudgets: [50%]\ndocuments: 1\nlength: 64\n";
  await Deno.writeTextFile(`${folder}/plan.yaml`, plan);
  const kvcap = quoted([Deno.execPath(), ...COMMAND]);
  await Deno.writeTextFile(`${folder}/kvcap`, `#!/bin/sh\nexec ${kvcap} "$@"\n`, { mode: 0o755 });
  await copyTalking(`${folder}/talks`);
  return folder;
}

/** What needs the network, or has no end; tests/build/command.test.ts has the lab. */
const other = (line: string) => /^(pull|lab|serve)/.test(line);
const examples = Object.values(COMMANDS).flatMap(({ examples }) => examples.map(([line]) => line));

test("every example runs", async () => {
  const folder = await stage();
  const run = async (line: string) => {
    const env: Record<string, string> = { PATH: `${folder}:${Deno.env.get("PATH")}`, KVCAP_MAX_NEW_TOKENS: "12" };
    if (line.startsWith("chat")) env.KVCAP_MODEL = `${folder}/talks`; // in place of its own, which is not at hand
    const options = { args: ["-c", `kvcap ${line}`], cwd: folder, env };
    const { code, stderr } = await new Deno.Command("sh", options).output();
    assert.is(code, 0, `${line}: ${new TextDecoder().decode(stderr)}`);
  };
  const few = depth(/^(record|replay|models|generate "Once")/, /^/);
  for (const line of examples.filter((line) => few.test(line) && !other(line))) await run(line);
  await Deno.remove(folder, { recursive: true });
});

test("names that other programs have for flags, and one letter", async () => {
  for (const [alias, of] of Object.entries(ALIASES)) assert.ok(FLAGS.has(of) && !FLAGS.has(alias), alias);
  const [long, short] = await Promise.all([
    kvcap(["generate", "Once", "--budget", "24", "--max-new-tokens", "9", "--seed", "5", "--temperature", "1"]),
    kvcap([
      "generate",
      "-p",
      "Once",
      "-c",
      "24",
      "-n=9",
      "-s5",
      "--temp",
      "1",
      "-m",
      repoPath("models/fable-2m"),
    ]),
  ]);
  assert.is(long.code, 0, long.stderr);
  assert.is(short.stdout, long.stdout);
});

/** What bash makes of a line up to its end. */
async function completed(line: string): Promise<string[]> {
  const script = `${await told("completion", "bash")}
    COMP_WORDS=(${line}); [[ "${line}" == *" " ]] && COMP_WORDS+=(""); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
    _kvcap; printf '%s\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = await new Deno.Command("bash", { args: ["-c", script] }).output();
  assert.is(new TextDecoder().decode(stderr), "");
  return new TextDecoder().decode(stdout).trimEnd().split("\n");
}

test("bash completes commands, their flags, and names behind these", async () => {
  const cases: [string, string[]][] = [
    ["kvcap gen", ["generate"]],
    ["kvcap perplexity --ki", [""]],
    ["kvcap perplexity --fi", ["--first"]],
    ["kvcap generate --fi", [""]],
    ["kvcap generate x --policy tov", ["tova", "tova-layer"]],
    ["kvcap generate x --policy = tov", ["tova", "tova-layer"]], // as bash splits --policy=tov
    ["kvcap help per", ["perplexity"]],
    ["kvcap completion ", ["bash", "zsh", "fish"]],
  ];
  for (const [line, words] of chosen(cases, () => "any", 3)) assert.equal(await completed(line), words, line);
});

test("bash completes names of files with spaces itself", async () => {
  assert.equal(await completed("kvcap perplexity LICEN"), [""]);
  assert.match(await told("completion", "bash"), /^complete -o default -F _kvcap kvcap$/m);
});

test("zsh and fish have every command and flag of theirs", async () => {
  const [zsh, fish] = [await told("completion", "zsh"), await kvcap(["completion", "fish"])];
  assert.match(zsh, "bashcompinit");
  for (const [name, { flags }] of Object.entries(COMMANDS)) {
    assert.match(fish.stdout, new RegExp(`-a ${name} -d `));
    for (const flag of flags) {
      const line = new RegExp(`__fish_seen_subcommand_from [^']*\\b${name}\\b[^']*' -l ${flag}( |$)`, "m");
      assert.match(fish.stdout, line);
    }
  }
});
test.run();
