// The script of the test page: runs the files and tells tests/support/browser.ts, which put these functions into the page.
import { checkedCases } from "./files.ts";
import { takeEngine } from "./engine.ts";
import { runFiles } from "./harness.ts";
import type { Totals } from "./totals.ts";

const driver = globalThis as unknown as {
  kvcapNext(): Promise<string | null>;
  kvcapPrint(line: string): void;
  kvcapBegins(what: string): void;
  kvcapEnded(totals: Totals, cases: number): void;
};

export async function runInPage(files: Record<string, () => Promise<unknown>>): Promise<void> {
  await runFiles({
    async next() {
      const name = await driver.kvcapNext();
      return name === null ? null : { name, load: (takeEngine(name), files[name]) };
    },
    print: driver.kvcapPrint,
    begins: driver.kvcapBegins,
    ended: (totals) => driver.kvcapEnded(totals, checkedCases()),
  });
}
