// The lab under a policy of the visitor's own: a module that they choose.
// The quick run leaves out the module that takes another's place, and the link.
import { Buffer } from "node:buffer";
import type { Page } from "playwright-core";
import * as assert from "uvu/assert";
import { fewOf } from "../support/depth.ts";
import { suiteWhere } from "../support/device.ts";
import { ended, hashOf, inSight, type Lab, made, openLab, ready, trouble, troubled } from "./lab.ts";

const test = fewOf(suiteWhere(inSight, "lab, a policy of one's own"), ["a module's policy runs", "what is no policy"]);
const PROMPT = "Once upon a time";
const SETTINGS = { mode: "text", temperature: "0", policy: "recency", budget: "16", stride: "4" };

/** A module whose score is the position: the oldest goes, as under recency. */
const OLDEST = `export default { name: "oldest", score: (lane, { positions }, scores) => scores.set(positions) };`;

const chosen = (page: Page) =>
  page.waitForFunction(() => (document.querySelector("[name=policy]") as HTMLSelectElement).value === "oldest");

let it: Lab;
test.before(async () => {
  if (inSight) it = await openLab();
});
test.after(() => it?.close());

test("a module's policy runs, is named, and stays when another model comes", async () => {
  const page = await it.open(hashOf(SETTINGS, `12:${PROMPT}`));
  await ended(page);
  const recency = await made(page);
  const choose = (text: string) =>
    page.setInputFiles("#own", {
      name: "mine.js",
      mimeType: "text/javascript",
      buffer: Buffer.from(text),
    });
  await choose(OLDEST);
  await chosen(page);
  await ready(page);
  assert.match((await page.textContent("#policy-about"))!, "Of your own");
  await page.click("#go");
  await ended(page);
  assert.is(await made(page), recency);
  assert.match(await page.evaluate(() => location.hash), "policy=oldest");
  await page.click("#open");
  await page.click("#load-shipped");
  await ready(page);
  await page.fill("#prompt", PROMPT);
  await page.click("#go");
  await ended(page);
  assert.is(await made(page), recency);
  await page.context().close();
});

test("a module of the same name takes the other's place, with this model and the next", async () => {
  const page = await it.open(hashOf({ ...SETTINGS, budget: "12" }, `12:${PROMPT}`));
  await ended(page);
  const choose = async (text: string) => {
    await page.setInputFiles("#own", { name: "mine.js", mimeType: "text/javascript", buffer: Buffer.from(text) });
    await chosen(page);
  };
  const told = async () => {
    await page.fill("#prompt", PROMPT);
    await page.click("#go");
    await ended(page);
    return await made(page);
  };
  await choose(OLDEST);
  await ready(page);
  const oldest = await told();
  await choose(OLDEST.replace("scores.set(positions)", "positions.forEach((at, slot) => scores[slot] = -at)"));
  await page.waitForFunction(() => document.querySelectorAll("#text span").length === 0); // what ran under the other has ended
  await ready(page);
  const newest = await told();
  assert.is.not(newest, oldest);
  await page.click("#open");
  await page.click("#load-shipped");
  await ready(page);
  assert.is(await told(), newest);
  await page.context().close();
});

/** Stops what does not hear it: a sentence says so, and the model comes back. */
async function replaced(page: Page): Promise<void> {
  await page.click("#stop");
  assert.match(await trouble(page), "What ran did not answer: it was ended, and the model is loaded again");
  await ready(page);
}

test("what never comes to an end is stopped, and the page goes on", async () => {
  const page = await it.open(hashOf(SETTINGS, `12:${PROMPT}`));
  await ended(page);
  const text = await made(page);
  const choose = (text: string) =>
    page.setInputFiles("#own", { name: "mine.js", mimeType: "text/javascript", buffer: Buffer.from(text) });
  await choose(`for (;;);`); // where it is read
  await replaced(page);
  assert.is(await page.inputValue("#prompt"), PROMPT);
  await choose(OLDEST.replace("scores.set(positions)", "{ for (;;); }")); // and where it scores
  await chosen(page);
  await ready(page);
  await page.click("#go");
  await page.waitForSelector("#stop:visible");
  await replaced(page);
  assert.is(await page.inputValue("#prompt"), PROMPT);
  await page.selectOption("[name=policy]", "recency");
  await page.click("#go");
  await ended(page);
  assert.is(await made(page), text);
  await page.context().close();
});

test("what is no policy is said in a sentence, and leaves the choice as it was", async () => {
  const page = await it.open();
  await ready(page);
  const wrong = [
    ["export default {", /^Cannot take the policy: the file must be a JavaScript module, got: \S/],
    ["export const score = 1;", /^Cannot define a policy: options must be an object/],
    [
      OLDEST.replace("oldest", "roco"),
      /^Cannot define a policy: the name of a policy of its own must be .* got "roco"$/,
    ],
    [OLDEST.replace("score:", "scores:"), /^Cannot define a policy: options are /],
  ] as const;
  for (const [text, sentence] of wrong) {
    await page.setInputFiles("#own", {
      name: "mine.js",
      mimeType: "text/javascript",
      buffer: Buffer.from(text),
    });
    await troubled(page, sentence);
    assert.is(await page.inputValue("[name=policy]"), "crest");
  }
  await page.context().close();
});

test("a link that names one is refused where nobody has it", async () => {
  const page = await it.open(hashOf({ ...SETTINGS, policy: "oldest" }, `3:${PROMPT}`));
  assert.match(await trouble(page), "oldest");
  await page.context().close();
});

test.run();
