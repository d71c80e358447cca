// The browser's own trace: how long the tasks of a page's main thread are, and whether they leave it free.
import type { Browser, Page } from "playwright-core";
import * as assert from "uvu/assert";

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
const quantile = (sorted: number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];

const LONGEST = 50; // ms of processor time: what a task of a page may take
const TRIES = 5;

/**
 * Sees to it that no task of the page takes 50 ms of the processor while something happens. Whatever else runs only ever lengthens
 * tasks, by the processor's time too (its caches are shared), so the promise is kept if one of five measurements keeps it.
 * @param most what 95 % of the tasks must stay under, ms
 */
export async function staysFree(
  browser: Browser,
  page: Page,
  what: string,
  work: () => Promise<unknown>,
  most = LONGEST,
) {
  for (let left = TRIES - 1;; left--) {
    const { wall, own } = await tasksDuring(browser, page, work);
    const [byClock, byProcessor] = [wall, own].map((all) =>
      `${quantile(all, 0.95).toFixed(1)} and ${all.at(-1)!.toFixed(1)} ms`
    );
    console.log(
      `    ${what}: ${own.length} tasks; 95 % within and longest: ${byClock} by the clock, ${byProcessor} of processor`,
    );
    assert.ok(own.length > 100, `${own.length} tasks`);
    if (quantile(own, 0.95) < most && own.at(-1)! < LONGEST) return;
    assert.ok(left > 0, `${what}: ${byProcessor} of processor`);
  }
}

/** Sees to it that a page which is held is told apart. By the clock, for a page has no other: a busy machine needs it longer. */
export async function tellsApart(browser: Browser, page: Page) {
  const busy = (ms: number) =>
    page.evaluate((ms) => {
      for (const end = performance.now() + ms; performance.now() < end;);
    }, ms);
  for (let ms = 120;; ms *= 2) {
    const { own } = await tasksDuring(browser, page, () => busy(ms));
    if (own.at(-1)! > LONGEST) return;
    assert.ok(ms < 10_000, `${own.at(-1)} ms`);
  }
}
