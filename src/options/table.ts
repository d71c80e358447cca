/**
 * The table of options: one row for each, by what they are options of. A row has what its values may be and what holds where it is
 * left out; the words are in help.ts, which needs one for every row. From here come checks, flags and `--help`, what snapshots and
 * recordings keep, what a replay may be asked for, the lab's form and links, and the tables of docs/options.md.
 */
import { EMBED } from "./embed.ts";
import { ANSWER, GENERATE } from "./generate.ts";
import { LOAD } from "./load.ts";
import { MEASURED } from "./perplexity.ts";
import { SESSION } from "./session.ts";

/** By the call that takes them: `load`, `model.session`, `session.generate`; what `chat` and `perplexity` take besides; `model.embed`. */
export const OPTIONS = {
  load: LOAD,
  session: SESSION,
  generate: GENERATE,
  chat: ANSWER,
  perplexity: MEASURED,
  embed: EMBED,
} as const;

/** What options are of. */
export type Of = keyof typeof OPTIONS;
