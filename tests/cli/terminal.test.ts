// What reaches a terminal: words of files, models and errors command none, whoever prints them.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { refuse } from "../../src/errors.ts";
import { SESSION } from "../../src/options/session.ts";
import { kvcap } from "../support/command.ts";
import { repoPath } from "../support/files.ts";

const test = suite("command line: terminal");

const CONTROLS = [...Array(32).keys(), ...Array.from({ length: 33 }, (_, i) => 0x7f + i)]
  .map((code) => String.fromCharCode(code)).filter((sign) => !"\t\n".includes(sign));
const HOSTILE = `title\x1b]0;mine\x07 clear\x1b[2J ${CONTROLS.join("")}\x9b2J end`;
// deno-lint-ignore no-control-regex
const COMMANDS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;

/** What a program writes that calls one of the functions with a value. */
async function written(name: "print" | "note" | "printJson", value: unknown): Promise<string> {
  const module = JSON.stringify(new URL("../../src/cli/terminal.ts", import.meta.url).href);
  const code = `import { ${name} } from ${module}; ${name}(${JSON.stringify(value)});`;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), { args: ["eval", code] }).output();
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(name === "note" ? stderr : stdout);
}

test("no control character is printed, and JSON says each as it does", async () => {
  for (const text of await Promise.all([written("print", HOSTILE), written("note", HOSTILE)])) {
    assert.not.match(text, COMMANDS);
    assert.ok(text.startsWith("title\ufffd]0;mine\ufffd clear\ufffd[2J "), text);
  }
  assert.is(await written("print", "a\tb\r\nc é 🦊"), "a\tb\nc é 🦊");
  const value = { [HOSTILE]: HOSTILE };
  const line = await written("printJson", value);
  assert.not.match(line.slice(0, -1), /\n/);
  assert.not.match(line, COMMANDS);
  assert.equal(JSON.parse(line), value);
});

test("a refusal is one line without them", () => {
  for (const sign of CONTROLS) {
    try {
      refuse(`read ${sign}`, `${sign} must be`, `x${sign}`);
    } catch (error) {
      assert.not.match((error as Error).message, /[\n]/);
      assert.not.match((error as Error).message, COMMANDS);
    }
  }
});

test("a model's files are said, and command nothing", async () => {
  const folder = await Deno.makeTempDir();
  const from = repoPath("tests/golden/models/tiny-llama3");
  for (const { name } of Deno.readDirSync(from)) await Deno.copyFile(`${from}/${name}`, `${folder}/${name}`);
  const bytes = await Deno.readFile(`${folder}/model.safetensors`);
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  const data = bytes.subarray(8 + length);
  const more = { dtype: "F32", shape: [1], data_offsets: [data.length, data.length + 4] };
  const json = new TextEncoder().encode(JSON.stringify({ ...header, "score\x1b[2J\x9b2J": more }));
  const head = new Uint8Array(8);
  new DataView(head.buffer).setBigUint64(0, BigInt(json.length), true);
  await Deno.writeFile(`${folder}/model.safetensors`, new Uint8Array([...head, ...json, ...data, 0, 0, 0, 0]));
  const { code, stdout, stderr } = await kvcap(
    ["perplexity", "the fox", "--model", folder, "--device", "wasm", "--json"],
  );
  assert.is(code, 0, stderr);
  assert.match(stderr, /does not read: "score.*2J/);
  assert.not.match(stderr + stdout, COMMANDS);
  await Deno.remove(folder, { recursive: true });
});

/** Lines of a folder's sources that are no comments. */
function* linesIn(folder: string): Generator<[file: string, line: string]> {
  for (const { name, isDirectory } of Deno.readDirSync(repoPath(folder))) {
    const path = `${folder}/${name}`;
    if (isDirectory) yield* linesIn(path);
    else if (name.endsWith(".ts")) {
      for (const line of Deno.readTextFileSync(repoPath(path)).split("\n")) {
        if (!/^\s*(\/\/|\*)/.test(line)) yield [path, line];
      }
    }
  }
}

test("nothing is written but by the functions that make it harmless", () => {
  const ways = /console\.|std(out|err)\b.*\bwrite|Deno\.std(out|err)\b/;
  const allowed = new Map([
    ["src/cli/terminal.ts", /./],
    ["src/cli/lines.ts", /process\.stderr\.write\((NO_)?PASTES\);$/],
    ["src/errors.ts", /console\.warn\(`kvcap: \$\{plain\(line\)\}`\)/],
    ["src/options/help.ts", /"`console\.warn`"/],
  ]);
  const found = [...linesIn("src")].filter(([file, line]) => ways.test(line) && !allowed.get(file)?.test(line));
  assert.equal(found, []);
});

test("names of files, plans and what the runtime says of them command nothing", async () => {
  const folder = await Deno.makeTempDir();
  const write = (name: string, text: string) => Deno.writeTextFileSync(`${folder}/${name}`, text);
  const hostile = "x\x1b[2J\x07y";
  write("plan.json", JSON.stringify({ tasks: ["perplexity"], [hostile]: 1 }));
  write("values.json", JSON.stringify({ tasks: [hostile] }));
  write("torn.json", `{"tasks": ["${hostile}`);
  write(hostile, "no recording, but long enough to be taken for one that is none");
  write("config.json", JSON.stringify({ model_type: hostile }));
  for (
    const args of [
      ["sweep", `${folder}/plan.json`, "--out", `${folder}/out`],
      ["sweep", `${folder}/values.json`, "--out", `${folder}/out`],
      ["sweep", `${folder}/torn.json`, "--out", `${folder}/out`],
      ["sweep", `${folder}/${hostile}/none.json`, "--out", `${folder}/out`],
      ["replay", `${folder}/${hostile}`],
      ["replay", `${folder}/${hostile}/none`],
      ["generate", "a", "--model", folder, "--device", "wasm"],
      ["generate", "a", "--model", `${folder}/${hostile}`, "--device", "wasm"],
      ["generate", "a", "--template", `${folder}/${hostile}`],
      ["generate", "a", `--${hostile}`, hostile],
      ["generate", "a", "--policy", `./${hostile}.ts`],
      [hostile],
    ]
  ) {
    const { code, stdout, stderr } = await kvcap(args);
    assert.ok(code > 0 && stderr !== "", args.join(" "));
    assert.not.match(stderr + stdout, COMMANDS, args.join(" "));
  }
  await Deno.remove(folder, { recursive: true });
});

test("nor does what is said where nobody listens", () => {
  const before = console.warn;
  let said = "";
  console.warn = (line: string) => void (said += line);
  try {
    (SESSION.onWarning.default as (line: string) => void)(HOSTILE);
  } finally {
    console.warn = before;
  }
  assert.not.match(said, COMMANDS);
  assert.ok(said.startsWith("kvcap: title\\u001b]0;mine"), said);
});

test.run();
