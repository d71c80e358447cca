/** The command `perplexity`: how well a model under a budget foresees a text. */
import { words } from "../errors.ts";
import { load } from "../load.ts";
import { checkPerplexity, type PerplexityOptions } from "../options/index.ts";
import type { Perplexity } from "../session/perplexity.ts";
import { note, print, printJson, Progress } from "./terminal.ts";
import { readArgument } from "./input.ts";
import { loadOptions, MODEL_FLAGS } from "./model.ts";
import { createRecordFile, type RecordFile } from "./record.ts";
import { type Arguments, checked, misused, SESSION_FLAGS, sessionOptions, SHIPPED } from "./usage.ts";

/** Runs the command. @returns its exit code @throws Usage, Error, ClosedPipe */
export async function perplexity(args: Arguments): Promise<number> {
  args.only("perplexity", [...SESSION_FLAGS, ...MODEL_FLAGS, "first", "record"]);
  const asked = args.word("perplexity", 'text (in quotes, "-" or "@FILE")');
  const options: PerplexityOptions = {
    ...await sessionOptions(args),
    ...args.options("perplexity", "measure perplexity"),
  };
  checked(() => checkPerplexity(options));
  if (options.evict === "prompt" && options.first === undefined) { // nothing would go
    misused("--evict prompt needs --first N, the tokens of the prompt", words("none"));
  }
  const text = await readArgument("text", asked);
  const progress = new Progress();
  const model = await load(args.text("model") ?? SHIPPED, loadOptions(args, progress)).finally(() => progress.clear());
  let file: RecordFile | null = null;
  try {
    const path = args.text("record");
    file = path === undefined ? null : createRecordFile(path);
    const reading = (done: number, total: number) => progress.show("reading", done, total);
    const found = await model.perplexity(text, { ...options, record: file?.write, onProgress: reading })
      .finally(() => progress.clear());
    if (args.has("json")) printJson({ ...found, device: model.device, adapter: model.adapter });
    else {
      print(`${found.perplexity.toFixed(4)}\n`);
      note(describe(found));
    }
    return 0;
  } finally {
    model.dispose();
    file?.close();
  }
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
