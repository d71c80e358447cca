/** The command `eval`: what eviction costs, task by task. */
import { refuse, words } from "../errors.ts";
import { reportPage } from "../eval/report/page.ts";
import { summarise } from "../eval/summary.ts";
import { isMeasured, lineOf, type Result } from "../eval/results.ts";
import { tableText } from "../eval/table.ts";
import { timeLeft } from "../eval/time.ts";
import { type Unit, unitsOf } from "../eval/units.ts";
import { budgetText } from "../eval/labels.ts";
import { unwritable } from "./input.ts";
import { Measurer } from "./measure.ts";
import { loadOptions } from "./model.ts";
import { PLAN_FLAGS, readPlan, textOf } from "./plan.ts";
import { ResultsFile } from "./results.ts";
import { harmless, note, print, Progress } from "./terminal.ts";
import type { Arguments } from "./usage.ts";

/** Runs the command. @returns its exit code @throws Usage, Error, ClosedPipe */
export async function evaluate(args: Arguments): Promise<number> {
  args.only("eval", [...PLAN_FLAGS, "no-cache", "threads", "out", "report", "no-times"]);
  const plan = await readPlan(args, args.atMostOne("eval", "plan"));
  const text = await textOf(plan);
  const units = unitsOf(plan, text);
  const file = await ResultsFile.open(args.text("out"));
  const progress = new Progress();
  try {
    const left = file.left(units);
    const shown = new Countdown(progress, left.length);
    const { onProgress, onDownload, cache, threads } = loadOptions(args, progress);
    const measurer = new Measurer({
      text,
      load: { onProgress, onDownload, cache, threads },
      times: !args.has("no-times"),
      onProgress: (unit, done, total) => shown.show(unit, done / total),
    });
    try {
      for (const unit of left) {
        file.add(await measurer.measure(unit));
        shown.done++;
      }
    } finally {
      measurer.dispose();
      progress.clear();
    }
    await file.settle(units);
    return await tell(file.of(units), plan.baseline, args);
  } finally {
    progress.clear();
    file.close();
  }
}

/** A line of progress over all units, with the time that is left. */
class Countdown {
  done = 0;
  readonly #progress: Progress;
  readonly #total: number;
  readonly #started = performance.now();

  constructor(progress: Progress, total: number) {
    this.#progress = progress;
    this.#total = total;
  }

  /** @param part how much of this unit is done, 0 to 1 */
  show({ model, task, policy, budget }: Unit, part: number): void {
    const left = timeLeft(performance.now() - this.#started, this.done + part, this.#total - this.done - part);
    const what = [model, task, policy, budgetText(budget)].join(" ");
    this.#progress.show(`${this.done + 1} of ${this.#total}${left}: ${what}`, this.done + part, this.#total);
  }
}

/** Says what was found, and writes the report. @returns the exit code: 1 where a unit failed @throws KvcapError */
export async function tell(results: readonly Result[], baseline: string, args: Arguments): Promise<number> {
  const failed = results.filter((result) => !isMeasured(result));
  if (args.has("json")) print(results.map(lineOf).join(""));
  else print(`${summarise(results, baseline).map(tableText).join("\n\n")}\n`);
  for (const { error, command } of failed as { error: string; command: string }[]) {
    note(harmless(`${error} (${command})`));
  }
  const report = args.text("report");
  if (report !== undefined) await writeReport(report, reportPage(results, baseline));
  return failed.length > 0 ? 1 : 0;
}

async function writeReport(path: string, page: string): Promise<void> {
  try {
    await Deno.writeTextFile(path, page);
  } catch (error) {
    const more = { code: "unreadable", kind: "plain", cause: error } as const;
    refuse("write the report", `${path} must be a file to write`, words(unwritable(error)), more);
  }
}
