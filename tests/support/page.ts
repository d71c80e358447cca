// The script of the test page: runs the files and tells tests/support/browser.ts, which put these functions into the page.
import { checkedCases } from "./files.ts";
import { runFiles, type TestFile, type Totals } from "./harness.ts";

const driver = globalThis as unknown as {
  kvcapPrint(line: string): void;
  kvcapBeat(next: string, totals: Totals): void;
  kvcapDone(totals: Totals, cases: number): void;
};

export async function runInPage(files: TestFile[]): Promise<void> {
  const totals = await runFiles(files, { print: driver.kvcapPrint, beat: driver.kvcapBeat });
  driver.kvcapDone(totals, checkedCases());
}
