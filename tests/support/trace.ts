// The browser's own trace: how long the tasks of a page's main thread are.
import type { Browser, Page } from "playwright-core";

/** Tasks of the main thread, ms each. */
export interface Tasks {
  /** By the clock: with what other programs and threads took of the processor meanwhile. */
  readonly wall: number[];
  /** Of the processor: the page's own. */
  readonly own: number[];
}

interface TraceEvent {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  dur?: number; // µs
  tdur?: number; // µs
  args: { name?: string; data?: { url?: string } };
}

/** Traces a page while something happens. Its main thread is that which made the mark. */
export async function tasksDuring(browser: Browser, page: Page, work: () => Promise<unknown>): Promise<Tasks> {
  const categories = ["disabled-by-default-devtools.timeline", "blink.user_timing"];
  await browser.startTracing(page, { categories });
  await page.evaluate(() => performance.mark("kvcap-trace"));
  await work();
  const { traceEvents } = JSON.parse(new TextDecoder().decode(await browser.stopTracing())) as {
    traceEvents: TraceEvent[];
  };
  const mark = traceEvents.find(({ name }) => name === "kvcap-trace");
  if (!mark) throw new Error("the trace does not have the page");
  const tasks = traceEvents.filter(({ name, ph, pid, tid }) =>
    name === "RunTask" && ph === "X" && pid === mark.pid && tid === mark.tid
  );
  return {
    wall: tasks.map(({ dur = 0 }) => dur / 1000).sort((a, b) => a - b),
    own: tasks.map(({ dur = 0, tdur = dur }) => tdur / 1000).sort((a, b) => a - b), // a trace leaves some of the shortest out
  };
}

/** The value below which a share of sorted values lies. */
export const quantile = (sorted: number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
