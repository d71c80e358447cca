/** The command `perplexity`: how well a model under a budget foresees a text. */
import { words } from "../errors.ts";
import { load } from "../load.ts";
import { checkPerplexity, type PerplexityOptions, type SessionOptions } from "../options/index.ts";
import type { Perplexity } from "../session/perplexity.ts";
import type { Command } from "./command.ts";
import { note, print, printJson, Progress } from "./terminal.ts";
import { readArgument } from "./input.ts";
import { loadOptions, MODEL_FLAGS } from "./model.ts";
import { checkNames, checkRecorded, Output, placeOf, RECORDING } from "./output.ts";
import { type Arguments, checked, misused, SESSION_FLAGS, sessionOptions, SHIPPED } from "./usage.ts";

async function perplexity(args: Arguments): Promise<number> {
  checkNames(args, ["record"]);
  const asked = args.word("perplexity", 'text (in quotes, "-" or "@FILE")');
  const options: PerplexityOptions = {
    ...await sessionOptions(args),
    ...args.options("perplexity", "measure perplexity"),
  };
  checked(() => checkPerplexity(options));
  const path = args.text("record");
  if (path !== undefined) checked(() => checkRecorded(sessionOf(options)));
  const place = path === undefined ? null : placeOf(path, RECORDING, args.has("force"));
  if (options.evict === "prompt" && options.first === undefined) { // nothing would go
    misused("--evict prompt needs --first N, the tokens of the prompt", words("none"));
  }
  const text = await readArgument("text", asked);
  const progress = new Progress();
  const model = await load(args.text("model") ?? SHIPPED, loadOptions(args, progress)).finally(() => progress.clear());
  let recording: Output | null = null;
  try {
    // Before anybody listens to Ctrl-C: it ends this at once, however long it takes.
    const ids = model.tokenizer.encode(text, { bos: true, special: true });
    recording = place && new Output(place, RECORDING);
    const reading = (done: number, total: number) => progress.show("reading", done, total, "tokens");
    const found = await model.perplexity(ids, { ...options, record: recording?.write, onProgress: reading })
      .finally(() => progress.clear());
    recording?.keep();
    if (args.has("json")) printJson({ ...found, device: model.device, adapter: model.adapter });
    else {
      print(`${found.perplexity.toFixed(4)}\n`);
      note(describe(found));
    }
    return 0;
  } finally {
    model.dispose();
    recording?.drop();
  }
}

/** The options of the cache alone. */
function sessionOf({ first: _, onProgress: __, ...session }: PerplexityOptions): SessionOptions {
  return session;
}

function describe({ loss, tokens, policy, budget, liveSlots, evictions, kvBytes }: Perplexity): string {
  return [
    `loss        ${loss.toFixed(4)}, the mean of -ln p over ${tokens} tokens`,
    `policy      ${policy}, budget ${budget} slots per lane`,
    `live slots  ${liveSlots} per lane at the end`,
    `KV cache    ${(kvBytes / 1024).toFixed(0)} KiB held`,
    `evictions   ${evictions} per lane`,
  ].join("\n");
}

export const perplexityCommand: Command = {
  run: perplexity,
  takes: "TEXT",
  about: 'how well the model foresees TEXT; "-" is standard input, "@FILE" a file',
  flags: [...SESSION_FLAGS, ...MODEL_FLAGS, "first", "record", "force"],
  defaults: true,
  examples: [
    ["perplexity @story.txt --policy snapkv --budget 25%", "what a policy costs on a text"],
    ["perplexity @story.txt --policy full", "and the full cache"],
  ],
};
