// The program of one process of a run: `worker.ts deno` runs test files in itself, `worker.ts chromium PATH …` those of PATH … in
// a page. It asks tests/support/process.ts for a file by a message (messages.ts) and reads its path from a line of standard input;
// the end of the input ends it.
import { runInChromium } from "./browser.ts";
import { moduleOf, takeEngine } from "./engine.ts";
import { checkedCases } from "./files.ts";
import { runFiles } from "./harness.ts";
import { linesOf, MARK, type Message } from "./messages.ts";
import type { Totals } from "./totals.ts";

const encoder = new TextEncoder();
function print(line: string): void {
  const bytes = encoder.encode(`${line}\n`);
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}
// A newline first: what a test's own process left on the line must not hide the message.
const tell = (message: Message) => print(`\n${MARK}${JSON.stringify(message)}`);

async function work(host: string, paths: string[]): Promise<void> {
  const lines = linesOf(Deno.stdin.readable);
  const driver = {
    async next(): Promise<string | null> {
      tell({ ask: true });
      const { value, done } = await lines.next();
      return done ? null : value;
    },
    print,
    begins: (begins: string) => tell({ begins }),
    ended: (ended: Totals, cases: number) => tell({ ended, cases }),
  };
  if (host === "chromium") return await runInChromium(paths, driver);
  const root = new URL("../..", import.meta.url).href;
  await runFiles({
    ...driver,
    async next() {
      const name = await driver.next();
      if (name === null) return null;
      return { name, load: () => import(`${root}${moduleOf(takeEngine(name))}`) };
    },
    ended: (totals) => driver.ended(totals, checkedCases()),
  });
}

const [host, ...paths] = Deno.args;
await work(host, paths);
Deno.exit(0); // whatever a test left open
