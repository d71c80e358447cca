// A model from an address is kept in the browser's storage; where the disk is full, the page says so, and the model runs all the same.
import * as assert from "uvu/assert";
import type { Page } from "playwright-core";
import { fewOf } from "../support/depth.ts";
import { suiteWhere } from "../support/device.ts";
import { ended, hashOf, inSight, type Lab, openLab, ready, trouble } from "./lab.ts";

// The quick run leaves out the comparison.
const test = fewOf(suiteWhere(inSight, "lab, disk"), ["a model by address", "a link's run"]);
const RUN = { mode: "text", temperature: "0", policy: "roco", budget: "24" };
const FULL = "There is no room left on this disk for the model’s files: it runs, and is fetched again the next time.";

let it: Lab;
test.before(async () => {
  if (inSight) it = await openLab();
});
test.after(() => it?.close());

/** Asks for the shipped model by its address, as if it were somebody else's. */
async function loadByAddress(page: Page) {
  await page.click("#open");
  await page.fill("#url", `${it.url}model`);
  await page.click("#load-url button");
  await page.waitForFunction(() => document.getElementById("model-name")!.textContent === "model");
  await ready(page);
}

/** Gives the page's origin so many bytes of storage, as the browser counts them; without a number what it had. */
async function allow(page: Page, quotaSize?: number) {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Storage.overrideQuotaForOrigin", { origin: new URL(it.url).origin, quotaSize });
}

/** Bytes of files that the browser keeps for the page. */
const kept = (page: Page) => page.evaluate(() => navigator.storage.estimate().then(({ usage }) => usage ?? 0));

test("a model by address, on a full disk and on one that has room", async () => {
  const page = await it.open();
  await ready(page);
  await allow(page, 100_000);
  await loadByAddress(page);
  assert.is(await trouble(page), FULL);
  assert.ok(await page.isHidden("#trouble-way"));
  assert.ok(await kept(page) <= 100_000);
  await page.fill("#prompt", "Once upon a time");
  await page.fill("#max", "3");
  await page.click("#go");
  await ended(page);
  assert.is(await page.locator("#text span").count(), 8);
  assert.ok(await page.isHidden("#trouble"));

  await allow(page);
  await loadByAddress(page);
  assert.ok(await page.isHidden("#trouble"));
  assert.ok(await kept(page) > 4_000_000, `${await kept(page)} bytes kept`);
  await page.context().close();
});

test("a link's run begins all the same, and the sentence stays", async () => {
  const page = await it.open(`${hashOf(RUN, "3:Once upon a time")}&model=${encodeURIComponent(`${it.url}model`)}`);
  await allow(page, 100_000);
  await page.click("#trouble-way");
  await page.waitForFunction(() => /it can go on/.test(document.getElementById("status")!.textContent!));
  assert.is(await trouble(page), FULL);
  assert.is(await page.locator("#text span").count(), 8);
  await page.context().close();
});

test("a link's comparison, too", async () => {
  const compare = hashOf({ view: "compare", run: "roco,24", max: "3", prompt: "Once upon a time" });
  const page = await it.open(`${compare}&model=${encodeURIComponent(`${it.url}model`)}`);
  await allow(page, 100_000);
  await page.click("#trouble-way");
  await page.waitForFunction(() => document.getElementById("compare-status")?.textContent === "done");
  assert.is(await trouble(page), FULL);
  await page.context().close();
});
test.run();
