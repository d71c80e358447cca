/** What `eval` and `sweep` say in the end. */
import { reportPage } from "../eval/report/page.ts";
import { isMeasured, type Result } from "../eval/results.ts";
import { summarise } from "../eval/summary.ts";
import { tableText } from "../eval/table.ts";
import { checkNames, placeOf, REPORT, writeWhole } from "./output.ts";
import { note, print, printJson } from "./terminal.ts";
import type { Arguments } from "./usage.ts";

/** Says what was found, and writes the report. @returns the exit code: 1 where a unit failed @throws KvcapError */
export function tell(results: readonly Result[], baseline: string, args: Arguments): number {
  const failed = results.filter((result) => !isMeasured(result));
  if (args.has("json")) results.forEach(printJson);
  else print(`${summarise(results, baseline).map(tableText).join("\n\n")}\n`);
  for (const { error, command } of failed as { error: string; command: string }[]) {
    note(`${error} (${command})`);
  }
  writeReport(args, () => reportPage(results, baseline));
  return failed.length > 0 ? 1 : 0;
}

/** Asks before anything is measured. @throws Usage; KvcapError where another file would be overwritten, as a plan or results */
export function checkReport(args: Arguments): void {
  checkNames(args, ["out", "report"]);
  const path = args.text("report");
  if (path !== undefined) placeOf(path, REPORT, args.has("force"));
}

/** Writes the report where one is asked for. @throws KvcapError where the file cannot be written */
export function writeReport(args: Arguments, page: () => string): void {
  const path = args.text("report");
  if (path !== undefined) writeWhole(path, REPORT, args.has("force"), new TextEncoder().encode(page()));
}
