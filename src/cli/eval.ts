/** The command `eval`: what eviction costs, task by task. */
import { unitsOf } from "../eval/units.ts";
import type { Command } from "./command.ts";
import { Countdown } from "./countdown.ts";
import { Measurer } from "./measure.ts";
import { loadOptions } from "./model.ts";
import { PLAN_FLAGS, readPlan, textOf } from "./plan.ts";
import { ResultsFile } from "./results.ts";
import { checkReport, tell } from "./tell.ts";
import { Progress } from "./terminal.ts";
import type { Arguments } from "./usage.ts";

async function evaluate(args: Arguments): Promise<number> {
  const plan = await readPlan(args, args.atMostOne("eval", "plan"));
  const text = await textOf(plan);
  checkReport(args);
  const units = unitsOf(plan, text);
  const file = await ResultsFile.open(args.text("out"));
  const progress = new Progress();
  try {
    const left = file.left(units);
    const shown = new Countdown(progress, left.length);
    const { onProgress, onDownload, onWarning, cache, threads } = loadOptions(args, progress);
    const measurer = new Measurer({
      text,
      load: { onProgress, onDownload, onWarning, cache, threads },
      times: !args.has("no-times"),
      onProgress: (unit, done, total) => shown.show(unit, done / total),
    });
    try {
      for (const unit of left) {
        file.add(await measurer.measure(unit));
        shown.count();
      }
    } finally {
      measurer.dispose();
      progress.clear();
    }
    file.settle(units);
    return tell(file.of(units), plan.baseline, args);
  } finally {
    progress.clear();
    file.close();
  }
}

export const evalCommand: Command = {
  run: evaluate,
  takes: "[PLAN]",
  about: "what eviction costs: tasks × policies × budgets; PLAN is YAML",
  flags: [...PLAN_FLAGS, "no-cache", "threads", "out", "report", "force", "no-times"],
  examples: [
    [
      "eval --tasks perplexity --policies full,crest --budgets 50% --documents 2 --length 128",
      "two policies on two short texts",
    ],
    [
      "eval plan.yaml --out results.jsonl --report report.html",
      "a plan: what is in results.jsonl already is not measured again",
    ],
  ],
};
