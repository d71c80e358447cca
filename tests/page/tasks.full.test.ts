// The main thread stays free while the lab works, by the browser's own trace: 95 % of its tasks under 8 ms, none over 50 ms, of
// processor time, for how long a task is put aside says how busy the machine is.
import type { Page } from "playwright-core";
import { suiteWhere } from "../support/device.ts";
import { begun, ended, inSight, type Lab, openLab, ready } from "./lab.ts";
import { staysFree, tellsApart } from "../support/trace.ts";

const MOST = 8; // ms: of 95 %

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

const free = (what: string, work: () => Promise<unknown>) => staysFree(it.browser, page, what, work, MOST);

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

test("a page that is not free is told apart", () => tellsApart(it.browser, page));
test.run();
