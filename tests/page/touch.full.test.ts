// The map under fingers, as Chromium sends them: two zoom it, one moves it along the text, and up and down it moves the page.
import * as assert from "uvu/assert";
import type { Page } from "playwright-core";
import { suiteWhere } from "../support/device.ts";
import { drawn, ended, hashOf, inSight, type Lab, openLab } from "./lab.ts";

const test = suiteWhere(inSight, "lab, touch");
const RUN = hashOf(
  { mode: "text", temperature: "0", policy: "roco", budget: "24", stopAtEnd: "no" },
  "60:Once upon a time",
);

type Point = [x: number, y: number]; // pixels, from the map's corner

let it: Lab;
let page: Page;
test.before(async () => {
  if (!inSight) return;
  it = await openLab();
  page = await it.open(RUN, { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  await ended(page);
});
test.after(() => it?.close());

/** Puts fingers on the map and moves each along its way; then they are lifted. */
async function fingers(...ways: [from: Point, to: Point][]) {
  const devtools = await page.context().newCDPSession(page);
  const box = (await page.locator("#map").boundingBox())!;
  const send = (type: "touchStart" | "touchMove" | "touchEnd", touchPoints: { x: number; y: number; id: number }[]) =>
    devtools.send("Input.dispatchTouchEvent", { type, touchPoints });
  const at = (part: number) =>
    ways.map(([from, to], id) => ({
      x: box.x + from[0] + (to[0] - from[0]) * part,
      y: box.y + from[1] + (to[1] - from[1]) * part,
      id,
    }));
  await send("touchStart", at(0));
  for (let step = 1; step <= 10; step++) {
    await send("touchMove", at(step / 10));
    await page.waitForTimeout(20);
  }
  await page.waitForTimeout(200); // the fingers rest: else the page scrolls on by itself, farther the busier the machine is
  await send("touchEnd", []);
  await page.waitForTimeout(200);
  await drawn(page);
}

/** What is in sight. */
async function view() {
  const [x, y, wide, high, left, top] = (await page.getAttribute("#map", "data-view"))!.split(" ").map(Number);
  const { scrolled, zoom } = await page.evaluate(() => ({ scrolled: scrollY, zoom: visualViewport!.scale }));
  return { x, y, wide, high, left, top, scrolled, zoom };
}

const near = (a: number, b: number, off: number) => assert.ok(Math.abs(a - b) <= off, `${a} is not ${b} ± ${off}`);

test("two fingers apart along the text zoom positions, and what was under them stays there", async () => {
  await page.locator("#map").scrollIntoViewIfNeeded();
  const before = await view();
  await fingers([[120, 100], [70, 100]], [[220, 100], [270, 100]]);
  const after = await view();
  near(after.wide / before.wide, 2, 0.2);
  near(after.high, before.high, 0.01);
  near(after.x + (70 - after.left) / after.wide, before.x + (120 - before.left) / before.wide, 0.5);
  near(after.x + (270 - after.left) / after.wide, before.x + (220 - before.left) / before.wide, 0.5);
  assert.equal([after.scrolled, after.zoom], [before.scrolled, before.zoom]); // the page stays as it is
});

test("two fingers apart across it zoom lanes, and together again they undo it", async () => {
  const before = await view();
  await fingers([[170, 80], [170, 50]], [[170, 130], [170, 160]]);
  const after = await view();
  near(after.high / before.high, 110 / 50, 0.25);
  near(after.wide, before.wide, 0.01);
  assert.equal([after.scrolled, after.zoom], [before.scrolled, before.zoom]);
  await fingers([[170, 50], [170, 80]], [[170, 160], [170, 130]]);
  near((await view()).high / before.high, 1, 0.1);
});

test("one finger moves the map along the text, and the page up and down", async () => {
  const before = await view();
  await fingers([[250, 120], [150, 125]]);
  const along = await view();
  near((along.x - before.x) * before.wide, 100, 25); // less the first pixels, until it is clear what it does
  assert.is(along.scrolled, before.scrolled);
  await fingers([[150, 60], [152, 200]]);
  const down = await view();
  near(along.scrolled - down.scrolled, 140, 30);
  near(down.x, along.x, 0.5);
  assert.equal([down.y, down.wide], [along.y, along.wide]);
});

test("a tap picks the cell under it", async () => {
  const { x, y, wide, high, left, top } = await view();
  const point: Point = [left + 100, top + 80];
  const [position, lane] = [Math.floor(x + 100 / wide), Math.floor(y + 80 / high)];
  await fingers([point, point]);
  assert.match((await page.textContent("#readout"))!, `layer ${lane >> 1}, head ${lane % 2}, position ${position} “`);
});
test.run();
