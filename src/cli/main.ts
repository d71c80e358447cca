/** The command line. Exit codes: 0 done, 1 an error, 2 wrong usage, 128 + N ended by signal N (130: Ctrl-C). */
import process from "node:process";
import about from "../../package.json" with { type: "json" };
import { runtimeVersion } from "../host/runtime.ts";
import { COMMANDS, MAIN_JOB } from "./commands.ts";
import { completion, type Shell, SHELLS } from "./completion.ts";
import { setDefaults } from "./defaults.ts";
import { commandHelp, overview } from "./help.ts";
import { Arguments, misnamed, sentenceOf, Usage } from "./usage.ts";
import { ClosedPipe, complain, print } from "./terminal.ts";

/** What is no command, but asks about them. */
const ASKS: Readonly<Record<string, (args: Arguments) => string>> = {
  help: (args) => helpOn(args.positionals[1]),
  completion: (args) => completion(shellOf(args.word("completion", `shell (${SHELLS.join(", ")})`)), COMMANDS),
};

function helpOn(name: string | undefined): string {
  return name === undefined ? overview(COMMANDS) : commandHelp(name, COMMANDS[known(name, Object.keys(COMMANDS))]);
}

/** A command's name. @throws Usage */
function known(name: string, names: readonly string[]): string {
  return names.includes(name)
    ? name
    : misnamed(`the command must be one of ${names.join(", ")}`, name, names, "; see --help");
}

function shellOf(name: string): Shell {
  return SHELLS.find((shell) => shell === name) ??
    misnamed(`the shell must be one of ${SHELLS.join(", ")}`, name, SHELLS);
}

async function run(args: Arguments): Promise<number> {
  const [name] = args.positionals;
  if (args.has("version")) print(`kvcap ${about.version}, ${runtimeVersion()}\n`);
  else if (args.has("help")) print(`${helpOn(name === "help" ? args.positionals[1] : name)}\n`);
  else if (name !== undefined && Object.hasOwn(ASKS, name)) print(`${ASKS[name](args)}\n`);
  else {
    const command = COMMANDS[known(name ?? "none", [...Object.keys(COMMANDS), ...Object.keys(ASKS)])];
    args.only(name, command.flags);
    if (command.defaults) setDefaults(args, command.flags);
    return await command.run(args);
  }
  return 0;
}

/** Runs the program. @returns its exit code */
export async function main(args: string[]): Promise<number> {
  try {
    return await run(new Arguments(args.some((arg) => !["--json"].includes(arg)) ? args : [...MAIN_JOB, ...args]));
  } catch (error) {
    if (error instanceof ClosedPipe) return 0;
    complain(sentenceOf(error).replace(/\s*\n\s*/g, " "));
    return error instanceof Usage ? 2 : 1;
  }
}

if (import.meta.main) process.exit(await main(process.argv.slice(2)));
