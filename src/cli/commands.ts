/** Every command, by name, as --help lists them. */
import { chatCommand } from "./chat.ts";
import type { Command } from "./command.ts";
import { embedCommand } from "./embed.ts";
import { evalCommand } from "./eval.ts";
import { fitCommand } from "./fit.ts";
import { generateCommand } from "./generate.ts";
import { labCommand } from "./lab.ts";
import { modelsCommand } from "./models.ts";
import { perplexityCommand } from "./perplexity.ts";
import { profileCommand } from "./profile.ts";
import { pullCommand } from "./pull.ts";
import { recordCommand } from "./record.ts";
import { replayCommand } from "./replay.ts";
import { serveCommand } from "./serve.ts";
import { sweepCommand } from "./sweep.ts";

export const COMMANDS: Readonly<Record<string, Command>> = {
  generate: generateCommand,
  chat: chatCommand,
  perplexity: perplexityCommand,
  embed: embedCommand,
  eval: evalCommand,
  sweep: sweepCommand,
  fit: fitCommand,
  record: recordCommand,
  replay: replayCommand,
  serve: serveCommand,
  models: modelsCommand,
  pull: pullCommand,
  lab: labCommand,
  profile: profileCommand,
};

const PROMPT =
  "Once upon a time, there was a little girl named Lily. One day she found an old map in the garden, and on it";
/** The main job: what runs when nothing is asked for. */
export const MAIN_JOB: readonly string[] = [
  ...["generate", PROMPT, "--policy", "crest", "--budget", "96", "--max-new-tokens", "400"],
  ...["--seed", "12", "--ignore-eos"], // sampled as the model's generation_config.json says: bench/sampling.ts found it
];
