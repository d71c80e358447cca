// Flags come from the table of options: every option that has words for one is read from it, and --help has a line for each.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { flagName, FLAGS, flagsOf, rowsOf } from "../../src/cli/flags.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
import { commandHelp } from "../../src/cli/help.ts";
import { Arguments, sentenceOf } from "../../src/cli/usage.ts";
import { refuse } from "../../src/errors.ts";
import type { Written } from "../../src/options/kinds.ts";
import { type Of, OPTIONS } from "../../src/options/table.ts";

const test = suite("flags");

/** What stands behind a flag of each kind, and what is then asked for. */
const GIVEN: Record<Exclude<Written, "name" | "flag">, [text: string, value: unknown]> = {
  number: ["3", 3],
  count: ["10%", { share: 0.1 }],
  budget: ["25%", { share: 0.25 }],
  bytes: ["5MB", 5e6],
  spans: ["1:3", [[1, 3]]],
  biases: ["42:-2.5", [[42, -2.5]]],
  texts: ["a", ["a"]],
  text: ["a", "a"],
};

for (const of of Object.keys(OPTIONS) as Of[]) {
  for (const { name, row: { kind }, help } of rowsOf(of)) {
    if (help.flag === undefined) continue;
    test(`${of}, --${flagName(name)}`, () => {
      const [text, value] = kind.written === "flag"
        ? [null, true]
        : kind.names
        ? [kind.names[0], kind.names[0]]
        : GIVEN[kind.written as "number"];
      const flag = `--${flagName(name)}`;
      assert.is(kind.written === "flag", help.flag === "", "what stands behind it");
      for (const args of text === null ? [[flag]] : [[flag, text], [`${flag}=${text}`]]) {
        assert.equal(new Arguments(["generate", ...args]).options(of, "test"), { [name]: value });
      }
      const [command] = Object.entries(COMMANDS).find(([, { flags }]) => flags.includes(flagName(name)))!;
      const lines = commandHelp(command, COMMANDS[command]).split(/\n(?=\S| {2}-)/);
      const line = lines.find((line) => line.replace(/^ {2}(-\w, )?/, "").startsWith(`${flag} `))!;
      for (const choice of kind.names ?? []) assert.match(line, new RegExp(`[ ,]${choice}([,;: ]|$)`), line);
    });
  }
}

test("what can be written, and has no flag, is known to have none", () => {
  const none = (Object.keys(OPTIONS) as Of[]).flatMap((of) =>
    rowsOf(of).filter(({ row, help }) => row.kind.written !== null && help.flag === undefined).map(({ name }) =>
      `${of}.${name}`
    )
  );
  // The model's, the session's has one; --no-cache; --ignore-eos, which is another thing; a device's own matter; what onToken alone hears; two of a
  // chat.
  assert.equal(none, [
    "load.maxBinding",
    "load.kv",
    "load.cache",
    "generate.stopAtEnd",
    "generate.logprobs",
    "chat.pinSystem",
    "chat.continueFinal",
  ]);
});

test("two options of one flag are written alike", () => {
  const all = (Object.keys(OPTIONS) as Of[]).flatMap(flagsOf);
  for (const { name, value, many } of all) {
    const { value: other, many: others } = FLAGS.get(name)!;
    assert.equal([value, many], [other, others], name);
  }
});

test("a refusal names the flag where that is another word", () => {
  const said = (option: string, rule: string) => {
    try {
      refuse("generate", rule, 0, { option });
    } catch (error) {
      return sentenceOf(error);
    }
  };
  assert.is(said("topP", "topP must be above 0"), "Cannot generate: --top-p must be above 0, got 0");
  assert.is(said("budget", "budget must be above 0"), "Cannot generate: budget must be above 0, got 0");
  assert.is(said("topP", "a share must be above 0"), "Cannot generate: a share must be above 0, got 0");
  assert.is(said("onToken", "onToken must be a function"), "Cannot generate: onToken must be a function, got 0");
  assert.is(sentenceOf(new Error("maxNewTokens")), "maxNewTokens");
});

test("names that are nearly right", () => {
  const refused = (...args: string[]) => {
    try {
      new Arguments(args).options("session", "create session");
    } catch (error) {
      return (error as Error).message;
    }
  };
  const flag = "Cannot read the command line: a flag must be one that --help lists, got";
  assert.is(refused("generate", "--bugdet", "8"), `${flag} "--bugdet"; did you mean --budget?`);
  assert.is(refused("generate", "--something-else"), `${flag} "--something-else"`);
  assert.match(
    refused("generate", "--score", "recent")!,
    /^Cannot create session: score must be one of mean, [^]+, got "recent"/,
  );
  assert.match(refused("generate", "--score", "windowd")!, 'got "windowd"; did you mean windowed?');
});

test.run();
