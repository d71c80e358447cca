// Links in the lab that meet another: one without a run, one that takes the place of one that waits, one whose code comes late.
// The quick run takes one of them, drawn anew every day.
import * as assert from "uvu/assert";
import { fewOf } from "../support/depth.ts";
import { suiteWhere } from "../support/device.ts";
import { drawn, hashOf, inSight, type Lab, openLab, ready, trouble } from "./lab.ts";

const test = fewOf(suiteWhere(inSight, "lab, links that meet"), 1);
const PROMPT = "Once upon a time";
const SETTINGS = { mode: "text", temperature: "0", policy: "roco", budget: "24" };
const COMPARISON = hashOf({ view: "compare", run: "roco,24", max: "3", prompt: PROMPT });

let it: Lab;
test.before(async () => {
  if (inSight) it = await openLab();
});
test.after(() => it?.close());

test("a link with a model and no run offers the model; another link takes the place of one that waits", async () => {
  const model = `&model=${encodeURIComponent(`${it.url}model`)}`;
  const page = await it.open(hashOf(SETTINGS) + model);
  assert.is(await trouble(page), `This run has a model from ${it.url}model.`);
  await page.click("#trouble-way");
  await ready(page);
  assert.equal([await page.textContent("#model-name"), await page.inputValue("[name=budget]")], ["model", "24"]);
  await page.goto("about:blank");
  await page.goto(it.url + hashOf(SETTINGS, `3:${PROMPT}`) + model);
  await trouble(page);
  await page.evaluate((hash) => location.hash = hash, hashOf({ ...SETTINGS, budget: "much" }, "4:Lily had"));
  await page.waitForSelector("#trouble-way:text-is('Open the rest')");
  await page.click("#open");
  await page.click("#load-shipped");
  await ready(page);
  await drawn(page);
  assert.equal([await page.inputValue("#prompt"), await page.locator("#text span").count()], ["Lily had", 0]);
  await page.context().close();
});

test("a link's comparison whose code comes while another model loads waits to be asked for", async () => {
  const page = await it.open();
  await ready(page);
  const errors: Error[] = [];
  page.on("pageerror", (error) => errors.push(error));
  const held = Promise.withResolvers<void>();
  await page.route("**/more-*.js", async (route) => {
    await held.promise;
    await route.continue();
  });
  await page.route("**/model/*", async (route) => { // a model that takes its time
    await page.waitForSelector("#compare form");
    await route.continue();
  });
  await page.evaluate((hash) => location.hash = hash, COMPARISON);
  await page.waitForSelector("#compare:not([hidden])", { state: "attached" });
  await page.click("#open");
  await page.click("#load-shipped");
  held.resolve();
  await page.waitForSelector("#compare .primary:not(:disabled)");
  assert.equal(errors, []);
  assert.is(await page.inputValue("#compare [name=prompt]"), PROMPT);
  await page.click("#compare .primary");
  await page.waitForFunction(() => document.getElementById("compare-status")!.textContent === "done");
  await page.context().close();
});
test.run();
