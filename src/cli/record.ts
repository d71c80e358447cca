/** The command `record`: writes down all attention of a text, under the full cache unless another policy is named. */
import { words } from "../errors.ts";
import type { Command } from "./command.ts";
import { generateCommand } from "./generate.ts";
import { type Arguments, misused } from "./usage.ts";

async function record(args: Arguments): Promise<number> {
  const [, file, ...prompt] = args.positionals;
  if (file === undefined) misused("record takes a file and a prompt (in quotes)", words("none"));
  args.beneath("record", [file], "record");
  args.beneath("policy", ["full"], "record");
  args.positionals.splice(0, args.positionals.length, "generate", ...prompt);
  return await generateCommand.run(args);
}

export const recordCommand: Command = {
  run: record,
  takes: "FILE PROMPT",
  about: "continues PROMPT and writes all attention to FILE, for replay; with --policy full, so that nothing is lost",
  flags: generateCommand.flags.filter((name) => !["record", "save", "resume"].includes(name)),
  examples: [
    ['record story.recording "Once upon a time" --max-new-tokens 100', "what replay then compares policies on"],
  ],
};
