// Nothing that the lab says is cut off, from a narrow phone to 4K, in any of its views; and nothing moves for whoever asks for that.
import * as assert from "uvu/assert";
import type { Page } from "playwright-core";
import { cutOff } from "./cut.ts";
import { suiteWhere } from "../support/device.ts";
import { drawn, ended, hashOf, inSight, type Lab, openLab } from "./lab.ts";

const SIZES = [[360, 640], [768, 1024], [1280, 720], [3840, 2160]];
const RUN = hashOf({
  mode: "text",
  temperature: "0",
  policy: "scissorhands",
  budget: "16",
  stride: "4",
  stopAtEnd: "no",
}, "30:Once upon a time");

const test = suiteWhere(inSight, "lab, nothing cut");

let it: Lab;
test.before(async () => {
  if (inSight) it = await openLab();
});
test.after(() => it?.close());

/** Asserts that nothing is cut at any size. */
async function whole(page: Page, what: string) {
  const found: string[] = [];
  for (const [width, height] of SIZES) {
    await page.setViewportSize({ width, height });
    await drawn(page);
    found.push(...(await cutOff(page)).map((line) => `${what}, ${width}: ${line}`));
  }
  assert.is(found.join("\n"), "");
}

test("watch: a run with a token picked, all settings, the dialog, a bar of trouble", async () => {
  const page = await it.open(RUN);
  await ended(page);
  await page.click("summary");
  const gone = page.locator("#text .gone").first();
  await gone.focus();
  await page.evaluate(() =>
    document.getElementById("model-name")!.textContent = "DeepThought-42B-Instruct-v0.3.Q4_K_M-00001-of-00002.gguf"
  );
  await whole(page, "watch");
  await page.fill("[name=budget]", "much");
  await page.click("#again");
  await page.waitForSelector("#trouble:not([hidden])");
  await whole(page, "trouble");
  await page.click("#open");
  await whole(page, "loader");
  await page.context().close();
});

test("side by side: three runs that were compared", async () => {
  const page = await it.open("#view=compare");
  await page.waitForSelector("#compare .primary:not(:disabled)");
  await whole(page, "compare, empty");
  await page.fill("#compare [name=max]", "12");
  await page.fill("#compare [name=text]", "Lily had a big dog. They played with a ball until the sun went down.");
  const names = ["full", "scissorhands", "tova-layer"];
  for (const [run, name] of names.entries()) {
    await page.locator("#compare [data-key=policy]").nth(run).selectOption(name);
  }
  await page.locator("#compare [data-key=budget]").nth(1).fill("100000");
  await page.locator("#compare [data-key=positions]").nth(2).selectOption("cache");
  await page.click("#compare button:text-is('Compare')");
  await page.waitForFunction(() => document.getElementById("compare-status")!.textContent === "done");
  await whole(page, "compare");
  await page.context().close();
});

test("cost: measured", async () => {
  const page = await it.open("#view=cost");
  await page.click("#cost button");
  await page.waitForFunction(() => /^(done|stopped)/.test(document.getElementById("cost-status")!.textContent!));
  await whole(page, "cost");
  await page.context().close();
});

test("whoever asks for less motion gets none", async () => {
  const page = await it.open(RUN, { reducedMotion: "reduce" });
  const motions = () =>
    page.evaluate(() => {
      const moving = document.createElement("p");
      moving.style.cssText = "transition: color 1s; animation: turn 2s infinite; scroll-behavior: smooth";
      document.body.append(moving);
      const found = [...document.querySelectorAll("*")].flatMap((element) =>
        [undefined, "::before", "::after"].map((part) => getComputedStyle(element, part))
      ).filter(({ transitionDuration, animationName, scrollBehavior }) =>
        transitionDuration !== "0s" || animationName !== "none" || scrollBehavior !== "auto"
      ).length;
      moving.remove();
      return found;
    });
  assert.is(await motions(), 0);
  await page.emulateMedia({ reducedMotion: "no-preference" });
  assert.is(await motions(), 1); // that which was put there: the question can be answered otherwise
  await page.context().close();
});
test.run();
