// The map as a PNG stands alone: it says what it is of, has its axes with numbers, and the scale of its colours.
import * as assert from "uvu/assert";
import type { Page } from "playwright-core";
import { PLAIN, ramp, type RGB, type Theme } from "../../page/view/colour.ts";
import { suiteWhere } from "../support/device.ts";
import { accountOf, differences, drawn, ended, hashOf, inSight, type Lab, openLab } from "./lab.ts";

const test = suiteWhere(inSight, "lab, the map's picture");
const RUN = hashOf(
  { mode: "text", temperature: "0", policy: "roco", budget: "24", stride: "4", stopAtEnd: "no", kv: "f32" },
  "40:Once upon a time",
);

let it: Lab;
test.before(async () => {
  if (inSight) it = await openLab();
});
test.after(() => it?.close());

/** What was written, and where: in pixels of its canvas, which is the map or the picture. */
interface Written {
  text: string;
  x: number;
  y: number;
  map: boolean;
}

/** From now on remembers what is written on canvases. */
const listen = (page: Page) =>
  page.evaluate(() => {
    const scope = globalThis as unknown as { written: Written[] };
    scope.written = [];
    const { fillText } = CanvasRenderingContext2D.prototype;
    CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
      const at = this.getTransform().transformPoint({ x, y });
      scope.written.push({ text, x: at.x, y: at.y, map: this.canvas.id === "map" });
      return fillText.call(this, text, x, y);
    };
  });

/** Saves the picture. @returns its name, its pixels, what was written */
async function picture(page: Page) {
  const [file] = await Promise.all([page.waitForEvent("download"), page.click("#picture")]);
  const bytes = await Deno.readFile(await file.path());
  const found = await page.evaluate(async (bytes) => {
    const bitmap = await createImageBitmap(new Blob([Uint8Array.from(bytes)], { type: "image/png" }));
    const { width, height } = bitmap;
    const context = new OffscreenCanvas(width, height).getContext("2d")!;
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, width, height);
    const { written } = globalThis as unknown as { written: Written[] };
    return { width, height, data: Array.from(new Uint32Array(data.buffer)), written };
  }, [...bytes]);
  return { ...found, name: file.suggestedFilename() };
}

/** The pixels of the map on the page. */
const shownMap = (page: Page) =>
  page.evaluate(() => {
    const map = document.querySelector<HTMLCanvasElement>("#map")!;
    const { width, height } = map;
    const { data } = map.getContext("2d")!.getImageData(0, 0, width, height);
    return { width, height, data: Array.from(new Uint32Array(data.buffer)) };
  });

const pixel = ([red, green, blue]: RGB) => (255 << 24 | blue << 16 | green << 8 | red) >>> 0;

for (const [theme, width, scale] of [["light", 1100, 1], ["dark", 360, 2]] as [Theme, number, number][]) {
  test(`${theme}, ${width} pixels wide, ${scale} a CSS pixel`, async () => {
    const options = { colorScheme: theme, viewport: { width, height: 900 }, deviceScaleFactor: scale };
    const page = await it.open(RUN, options);
    await ended(page);
    const account = await accountOf(page);
    await listen(page);
    await page.fill("#step", "20");
    await page.click("#live");
    await drawn(page);
    const { name, data, written, ...size } = await picture(page);
    assert.is(name, "kvcap-map.png");
    const row = (y: number) => data.slice(y * size.width, (y + 1) * size.width);

    // What it is of, in words that are all inside.
    const own = written.filter(({ map }) => !map);
    const said = own.map(({ text }) => text);
    const has = (wanted: string, among = said) =>
      assert.ok(among.includes(wanted), `${wanted} in ${among.join(" | ")}`);
    has(`fable-2m, roco, budget 24, step ${account.step} of ${account.step}`);
    for (const text of ["position, tokens", "layer·head", "evicted", "no score yet"]) has(text);
    has("attention per query, mean, logarithmic");
    for (const { text, x, y } of own) {
      assert.ok(x >= 0 && x < size.width && y > 0 && y < size.height, `${text} at ${x}, ${y}`);
    }

    // The scale: the ramp from end to end in a row of pixels, and the legend's numbers below it.
    const levels = ramp(theme).map(pixel);
    const inOrder = (y: number) => {
      const places = [0, 64, 127, 190, 254].map((level) => row(y).indexOf(levels[level]));
      return places.every((x, i) => x >= 0 && (i === 0 || x > places[i - 1]));
    };
    const bar = Array.from({ length: size.height }, (_, y) => y).filter(inOrder);
    assert.ok(bar.length >= 6 * scale, `the scale is ${bar.length} pixels high`);
    const [left, right] = [row(bar[0]).indexOf(levels[0]), row(bar[0]).lastIndexOf(levels[254])];
    const numbers = await page.locator("#legend .ticks span").allTextContents();
    assert.ok(numbers.length >= 2);
    for (const [i, number] of numbers.entries()) {
      const x = left + (right - left) * i / (numbers.length - 1);
      const there = own.some((one) => one.text === number && one.y > bar.at(-1)! && Math.abs(one.x - x) <= 2 * scale);
      assert.ok(there, `${number} at ${x}: ${JSON.stringify(own)}`);
    }

    // The map in it is the one on the page, pixel for pixel.
    assert.equal(await differences(page, account, theme), []);
    const shown = await shownMap(page);
    const gone = pixel(PLAIN[theme].gone);
    const [from, to] = [shown.data.indexOf(gone), data.indexOf(gone)];
    const [dx, dy] = [
      to % size.width - from % shown.width,
      Math.floor(to / size.width) - Math.floor(from / shown.width),
    ];
    const differ = shown.data.filter((colour, i) => {
      const [x, y] = [i % shown.width + dx, Math.floor(i / shown.width) + dy];
      return colour >>> 24 === 255 && data[y * size.width + x] !== colour; // elsewhere the picture's ground is seen
    });
    assert.ok(from >= 0 && shown.data.length > 10_000 && differ.length === 0, `${differ.length} pixels differ`);

    // The map's axes: every lane by its name, positions with their marks.
    const onMap = written.filter(({ map }) => map).map(({ text }) => text);
    for (let lane = 0; lane < account.live.length; lane++) has(`L${lane >> 1}·${lane % 2}`, onMap);
    for (const position of ["0", "20", "40"]) has(position, onMap);
    const ticks = shown.data.slice(
      (shown.height - 16 * scale) * shown.width,
      (shown.height - 15 * scale) * shown.width,
    );
    assert.ok(ticks.filter((colour) => colour >>> 24 === 255).length >= 3 * scale, "positions have marks");
    await page.context().close();
  });
}
test.run();
