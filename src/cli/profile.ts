/** The command `profile`: what a model takes on this machine, and where a step's time goes. */
import { describeModel } from "../engine/config.ts";
import ferry from "../eval/texts/ferry.txt" with { type: "text" };
import { load } from "../load.ts";
import { checkGenerate, type GenerateOptions } from "../options/index.ts";
import { cacheLine } from "./cache-line.ts";
import type { Command } from "./command.ts";
import { loadOptions, megabytes, MODEL_FLAGS } from "./model.ts";
import { print, printJson, Progress } from "./terminal.ts";
import { type Arguments, checked, SESSION_FLAGS, sessionOptions, SHIPPED } from "./usage.ts";

const [READ, WRITTEN] = [512, 128]; // tokens

async function profile(args: Arguments): Promise<number> {
  const text = args.atMostOne("profile", "text (in quotes)") ?? ferry;
  const session = await sessionOptions(args);
  const generate: GenerateOptions = { maxNewTokens: WRITTEN, ...args.options("generate", "profile"), stopAtEnd: false };
  checked(() => checkGenerate(generate, Infinity));
  const progress = new Progress();
  const began = performance.now();
  const model = await load(args.text("model") ?? SHIPPED, loadOptions(args, progress)).finally(() => progress.clear());
  const loadMs = performance.now() - began;
  try {
    const ids = model.tokenizer.encode(text, { bos: true }).slice(0, READ);
    const times: number[] = [];
    const run = async () => {
      const made = model.session({ onWarning: () => {}, ...session });
      let last = 0;
      times.length = 0;
      const onToken = () => {
        const now = performance.now();
        if (last > 0) times.push(now - last);
        last = now;
      };
      for await (const _ of made.generate(ids, { ...generate, onToken }));
      const told = { report: made.report(), options: made.options };
      made.dispose();
      return told;
    };
    await run(); // the first run warms up
    const { report, options: { stride } } = await run();
    times.sort((a, b) => a - b);
    const at = (share: number) => times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? 0;
    const found = {
      ...{ model: describeModel(model.config), adapter: report.adapter, loadMs, weightBytes: model.gpuBytes },
      ...{ promptTokens: report.promptTokens, stride, prefillMs: report.prefillMs, newTokens: report.newTokens },
      stepMs: { median: at(0.5), p95: at(0.95), ...report.stepMs },
    };
    if (args.has("json")) {
      const { policy, budget, liveSlots, kvBytes, fullKvBytes } = report;
      printJson({ ...found, policy, budget, liveSlots, kvBytes, fullKvBytes });
      return 0;
    }
    const { total, wait, wasm, other } = report.stepMs;
    const perSecond = 1000 * report.promptTokens / report.prefillMs;
    print(`model       ${found.model}, loaded in ${(loadMs / 1000).toFixed(2)} s
computes    ${report.adapter}: ${report.device.why}
weights     ${megabytes(model.gpuBytes)}
reads       ${report.promptTokens} tokens in ${(report.prefillMs / 1000).toFixed(2)} s, ${stride} at once: ${
      perSecond.toFixed(0)
    } tokens/s
writes      ${report.newTokens} tokens, the median in ${at(0.5).toFixed(2)} ms, 95 of 100 within ${
      at(0.95).toFixed(2)
    } ms: ${report.tokensPerSecond.toFixed(0)} tokens/s
a step      ${total.toFixed(2)} ms = ${wait.toFixed(2)} waiting for the device + ${
      wasm.toFixed(2)
    } Wasm bookkeeping + ${other.toFixed(2)} the rest
policy      ${report.policy}
KV cache    ${cacheLine(report)}
`);
    return 0;
  } finally {
    model.dispose();
  }
}

export const profileCommand: Command = {
  run: profile,
  takes: "[TEXT]",
  about:
    `what a model takes here: to load, to read up to ${READ} tokens, to write ${WRITTEN}, and where a step's time goes`,
  flags: [...SESSION_FLAGS, ...MODEL_FLAGS, "max-new-tokens", "temperature"],
  examples: [
    ["profile --budget 128", "of the shipped model, under the default policy"],
    ["profile --policy full --threads 1 --json", "under the full cache, as JSON"],
  ],
};
