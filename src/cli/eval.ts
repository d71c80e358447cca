/** The command `eval`: what eviction costs, task by task. */
import { unitsOf } from "../eval/units.ts";
import { Countdown } from "./countdown.ts";
import { Measurer } from "./measure.ts";
import { loadOptions } from "./model.ts";
import { PLAN_FLAGS, readPlan, textOf } from "./plan.ts";
import { ResultsFile } from "./results.ts";
import { checkReport, tell } from "./tell.ts";
import { Progress } from "./terminal.ts";
import type { Arguments } from "./usage.ts";

/** Runs the command. @returns its exit code @throws Usage, Error, ClosedPipe */
export async function evaluate(args: Arguments): Promise<number> {
  args.only("eval", [...PLAN_FLAGS, "no-cache", "threads", "out", "report", "force", "no-times"]);
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
