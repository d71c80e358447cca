// The main thread stays free while the lab works, by the browser's own trace: 95 % of its tasks under 8 ms, none over 50 ms, of
// processor time, for how long a task is put aside says how busy the machine is.
import * as assert from "uvu/assert";
import type { Page } from "playwright-core";
import { suiteWhere } from "../support/device.ts";
import { begun, ended, inSight, type Lab, openLab, ready } from "./lab.ts";
import { quantile, tasksDuring } from "../support/trace.ts";

const [MOST, LONGEST] = [8, 50]; // ms: of 95 %, of all
const TRIES = 5;

const test = suiteWhere(inSight, "lab, main thread");

let it: Lab;
let page: Page;
test.before(async () => {
  if (!inSight) return;
  it = await openLab();
  page = await it.open();
  await ready(page);
});
test.after(() => it?.close());

/**
 * Holds the main thread to its promise. Whatever else runs only ever lengthens tasks, by the processor's time too (its caches are
 * shared), so the promise is kept if one of five measurements keeps it.
 */
async function free(what: string, work: () => Promise<unknown>) {
  for (let left = TRIES - 1;; left--) {
    const { wall, own } = await tasksDuring(it.browser, page, work);
    const numbers = [wall, own].map((all) => `${quantile(all, 0.95).toFixed(1)} and ${all.at(-1)!.toFixed(1)} ms`);
    console.log(
      `    ${what}: ${own.length} tasks; 95 % within and longest: ${numbers[0]} by the clock, ${
        numbers[1]
      } of processor`,
    );
    assert.ok(own.length > 100, `${own.length} tasks`);
    const kept = quantile(own, 0.95) < MOST && own.at(-1)! < LONGEST;
    if (kept) return;
    assert.ok(left > 0, `${what}: ${numbers.join(", ")}`);
  }
}

test("while a text is made", async () => {
  await page.fill("#max", "60");
  await free("a run", async () => {
    await begun(page, () => page.click("#go"));
    await ended(page);
  });
});

test("while three runs are compared", async () => {
  await page.click("#view-compare");
  await page.fill("#compare [name=max]", "30");
  await free("three runs", async () => {
    await page.click("#compare button:text-is('Compare')");
    await page.waitForSelector("#compare button:text-is('Stop'):not([hidden])");
    await page.waitForFunction(() => document.getElementById("compare-status")!.textContent === "done");
  });
});

test("a page that is not free is told apart", async () => {
  const busy = (ms: number) =>
    page.evaluate((ms) => {
      for (const end = performance.now() + ms; performance.now() < end;);
    }, ms);
  // By the clock, for there is no other in a page: where the machine is busy it takes more of it.
  for (let ms = 120;; ms *= 2) {
    const { own } = await tasksDuring(it.browser, page, () => busy(ms));
    if (own.at(-1)! > LONGEST) return;
    assert.ok(ms < 10_000, `${own.at(-1)} ms`);
  }
});
test.run();
