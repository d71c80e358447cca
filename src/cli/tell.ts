/** What `eval` and `sweep` say in the end. */
import { refuse, words } from "../errors.ts";
import { isDocument } from "../eval/report/document.ts";
import { reportPage } from "../eval/report/page.ts";
import { isMeasured, type Result } from "../eval/results.ts";
import { summarise } from "../eval/summary.ts";
import { tableText } from "../eval/table.ts";
import { readFile, refuseWriting } from "./input.ts";
import { note, print, printJson } from "./terminal.ts";
import { type Arguments, misused } from "./usage.ts";

/** Says what was found, and writes the report. @returns the exit code: 1 where a unit failed @throws KvcapError */
export async function tell(results: readonly Result[], baseline: string, args: Arguments): Promise<number> {
  const failed = results.filter((result) => !isMeasured(result));
  if (args.has("json")) results.forEach(printJson);
  else print(`${summarise(results, baseline).map(tableText).join("\n\n")}\n`);
  for (const { error, command } of failed as { error: string; command: string }[]) {
    note(`${error} (${command})`);
  }
  const report = args.text("report");
  if (report !== undefined) await writeReport(report, reportPage(results, baseline));
  return failed.length > 0 ? 1 : 0;
}

/** Asks before anything is measured. @throws Usage; KvcapError where another file would be overwritten, as a plan or results */
export async function checkReport(args: Arguments): Promise<void> {
  const path = args.text("report");
  if (path !== undefined && path === args.text("out")) misused("--report must be another file than --out", path);
  const there = path !== undefined && await Deno.stat(path).catch(() => null);
  if (!there || there.isFile && there.size === 0 || !there.isFile && !there.isDirectory) return;
  const refused = (found: string) =>
    refuse("write the report", `${path} must be a new file or a report`, words(found), {
      code: "unreadable",
      kind: "plain",
    });
  if (there.isDirectory) refused("a folder");
  if (!isDocument(new TextDecoder().decode(await readFile("report", path!)))) refused("another file");
}

/** @throws KvcapError where the file cannot be written */
export async function writeReport(path: string, page: string): Promise<void> {
  try {
    await Deno.writeTextFile(path, page);
  } catch (error) {
    refuseWriting("write the report", path, error);
  }
}
