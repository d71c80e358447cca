/** The command `embed`: texts as vectors, a line of JSON each. */
import { load } from "../load.ts";
import { checkEmbed, type EmbedOptions } from "../options/embed.ts";
import type { Command } from "./command.ts";
import { flagsOf } from "./flags.ts";
import { readArgument } from "./input.ts";
import { loadOptions, MODEL_FLAGS } from "./model.ts";
import { print, Progress } from "./terminal.ts";
import { type Arguments, checked, misused, SHIPPED } from "./usage.ts";

async function embed(args: Arguments): Promise<number> {
  const [, ...asked] = args.positionals;
  if (asked.length === 0) misused('embed takes texts (in quotes, "-" or "@FILE")', "none");
  if (asked.filter((word) => word === "-").length > 1) misused('"-" may be given once only', asked.join(" "));
  const options: EmbedOptions = args.options("embed", "embed");
  checked(() => checkEmbed({ ...options, layer: undefined }, 0)); // what is known without the model
  const texts: string[] = [];
  for (const word of asked) texts.push(await readArgument("text", word));
  const progress = new Progress();
  const model = await load(args.text("model") ?? SHIPPED, loadOptions(args, progress)).finally(() => progress.clear());
  try {
    const reading = (done: number, total: number) => progress.show("reading", done, total, "tokens");
    const found = await model.embed(texts, { ...options, onProgress: reading }).finally(() => progress.clear());
    const { hidden } = model.config;
    for (const vector of found) {
      const rows = Array.from(
        { length: vector.length / hidden },
        (_, t) => [...vector.subarray(t * hidden, (t + 1) * hidden)],
      );
      print(`${JSON.stringify(options.pooling === "none" ? rows : rows[0])}\n`);
    }
    return 0;
  } finally {
    model.dispose();
  }
}

export const embedCommand: Command = {
  run: embed,
  takes: "TEXT …",
  about: 'each TEXT as a vector, a line of JSON; "-" is standard input, "@FILE" a file',
  flags: [...MODEL_FLAGS, ...flagsOf("embed").map(({ name }) => name)],
  examples: [
    [
      'embed "A fox by the river" "Rain on a roof" --normalize',
      "two vectors of length 1: their product is their cosine",
    ],
    ["embed @story.txt --pooling none --layer 2", "the hidden states of every token behind the second layer"],
  ],
};
