// The lab's looks: axe finds no serious fault in either theme, nothing jumps while text streams, nothing overflows from 360
// pixels to 4K. With KVCAP_SCREENSHOTS set to a folder (page/screenshots) it writes the pictures there.
import * as assert from "uvu/assert";
import type { Page } from "playwright-core";
import { faults } from "./axe.ts";
import { suiteWhere } from "../support/device.ts";
import { drawn, ended, hashOf, inSight, type Lab, openLab, SMALL_GPU } from "./lab.ts";

const test = suiteWhere(inSight, "lab looks");
const folder = Deno.env.get("KVCAP_SCREENSHOTS");
const STORY = folder ? 420 : 32; // tokens
const RUN = hashOf(
  {
    mode: "text",
    temperature: "0.7",
    topP: "0.95",
    seed: "2",
    policy: "roco",
    budget: folder ? "96" : "16",
    stopAtEnd: "no",
  },
  `${STORY}:Once upon a time, there was a little fox who`,
);

let it: Lab;
test.before(async () => {
  if (inSight) it = await openLab();
});
test.after(() => it?.close());

/** Where everything stands that must not move. */
const places = (page: Page) =>
  page.evaluate(() =>
    [...document.querySelectorAll("main section, #text, #map, #step, #numbers > div, #legend, button:not([hidden])")]
      .filter((element) => !["go", "stop"].includes(element.id))
      .map((element) => {
        const { x, y, width, height } = element.getBoundingClientRect();
        return `${element.id || element.className || element.tagName} ${
          [x, y + scrollY, width, height].map(Math.round)
        }`;
      })
  );

/** Focuses a token that some lanes hold and some do not, late in the text. */
async function pick(page: Page) {
  const at = await page.evaluate(() => {
    const held = [...document.querySelectorAll<HTMLElement>("#text span")].map(({ dataset }) => Number(dataset.held));
    const wanted = held.slice(0, Math.ceil(held.length * 0.8));
    return wanted.findLastIndex((count) => count >= 4 && count < 7);
  });
  await page.focus(`[data-position="${Math.max(0, at)}"]`);
  await drawn(page);
}

const SIZES: [name: string, width: number, height: number, scale: number][] = [
  ["desktop", 1440, 900, 1],
  ["phone", 390, 844, 2],
];
for (const [name, width, height, deviceScaleFactor] of SIZES) {
  test(`${name}: nothing jumps, and no serious fault in either theme`, async () => {
    const page = await it.open(RUN, { viewport: { width, height }, colorScheme: "light", deviceScaleFactor });
    await page.waitForFunction(() => document.querySelectorAll("#text span").length > 12);
    const before = await places(page);
    await ended(page);
    assert.equal(await places(page), before);
    const tools = (await page.locator(".tools").boundingBox())!;
    if (name === "desktop") assert.ok(tools.height < 40, `the map's tools are in one row, ${tools.height} pixels high`);
    await pick(page);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await drawn(page);
      assert.equal(await faults(page), []);
      if (folder) await page.screenshot({ path: `${folder}/${name}-${colorScheme}.png` });
      if (folder && name === "phone") {
        await page.evaluate(() => document.querySelector(".time")!.scrollIntoView());
        await page.screenshot({ path: `${folder}/${name}-map-${colorScheme}.png` });
        await page.evaluate(() => scrollTo(0, 0));
      }
    }
    await page.click("#open");
    assert.equal(await faults(page), []);
    await page.emulateMedia({ colorScheme: "light" });
    assert.equal(await faults(page), []);
    await page.context().close();
  });
}

/** An address whose model does not load under SMALL_GPU. */
const ON_GPU = "#device=webgpu&budget=96";

test("a bar of trouble and an empty page have no serious fault either", async () => {
  for (const colorScheme of ["light", "dark"] as const) {
    const page = await it.open(ON_GPU, { colorScheme }, SMALL_GPU);
    await page.waitForSelector("#trouble:not([hidden])");
    await page.click("summary");
    assert.equal(await faults(page), []);
    await page.context().close();
  }
});

test("nothing overflows from 360 pixels to 4K, and all of the desktop is in sight", async () => {
  const page = await it.open(ON_GPU, {}, SMALL_GPU);
  for (const [width, height] of [[360, 640], [768, 1024], [1024, 768], [1280, 720], [1920, 1080], [3840, 2160]]) {
    await page.setViewportSize({ width, height });
    await drawn(page);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(overflow <= 0, `${width}: ${overflow} pixels too wide`);
    const map = (await page.locator("#map").boundingBox())!;
    assert.ok(
      map.width > Math.min(300, width / 2) && map.height > 120,
      `${width}: a map of ${map.width} × ${map.height}`,
    );
    if (width >= 1280) {
      assert.ok(map.y + map.height <= Math.max(height, 690), `${width}: the map ends at ${map.y + map.height}`);
    }
  }
  await page.context().close();
});

test("the theme's button turns it, and the page remembers", async () => {
  const page = await it.open(ON_GPU, { colorScheme: "light" }, SMALL_GPU);
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  await page.click("#theme");
  assert.is.not(await ground(), light);
  await page.reload();
  assert.is.not(await ground(), light);
  await page.click("#theme");
  assert.is(await ground(), light);
  await page.context().close();
});
test.run();
