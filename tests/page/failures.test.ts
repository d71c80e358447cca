// The lab's failures: each shows its sentence in the page, and a way on that works.
// The quick run takes two of the tests.
import * as assert from "uvu/assert";
import type { Page } from "playwright-core";
import { fewOf } from "../support/depth.ts";
import { suiteWhere } from "../support/device.ts";
import {
  begun,
  drop,
  ended,
  hashOf,
  inSight,
  type Lab,
  MODEL_FILES,
  openLab,
  ready,
  REAL_GPU,
  SMALL_GPU,
  trouble,
  workers,
} from "./lab.ts";

/** What the quick run takes: each ends before a text is made. */
const BEFORE = ["no WebGPU", "a link to a model elsewhere"];
const test = fewOf(suiteWhere(inSight, "lab failures"), BEFORE);
const RUN = hashOf({ mode: "text", temperature: "0", policy: "roco", budget: "24" }, "3:Once upon a time");

let it: Lab;
test.before(async () => {
  if (inSight) it = await openLab();
});
test.after(() => it?.close());

const way = (page: Page) => page.textContent("#trouble-way");
const end = (page: Page) => page.context().close();

test("no WebGPU, or no adapter: the processor computes, and the page says so", async () => {
  const preludes: [string, RegExp][] = [
    ["Object.defineProperty(navigator, 'gpu', { value: undefined })", /this host has no WebGPU$/],
    ["GPU.prototype.requestAdapter = async () => null", /WebGPU offers no adapter$/],
    ["", /WebGPU offers software only: .+/],
  ];
  for (const [prelude, text] of preludes) {
    const page = await it.open("", {}, prelude);
    await ready(page);
    assert.match((await page.getAttribute("#open", "title"))!, /on WebAssembly \((relaxed )?SIMD, \d threads?\): /);
    assert.match((await page.getAttribute("#open", "title"))!, text);
    await end(page);
  }
});

test("a GPU that is too small: the processor computes, and the page says why, unless the GPU was asked for", async () => {
  const other = await it.open("", {}, SMALL_GPU);
  await ready(other);
  const why =
    /on WebAssembly .*: WebGPU offers a real one, but the adapter's maxStorageBuffersPerShaderStage must be at least 8, got 4$/;
  assert.match((await other.getAttribute("#open", "title"))!, why);
  await end(other);
  const page = await it.open("#device=webgpu&budget=24", {}, SMALL_GPU);
  const text = /^This GPU is too small .*maxStorageBuffersPerShaderStage must be at least 8, got 4/;
  assert.match(await trouble(page), text);
  assert.is(await way(page), "Load the model again");
  assert.ok(await page.isDisabled("#go"));
  await end(page);
});

test("a device that is chosen computes from the next run on, and a link has it", async () => {
  const page = await it.open("", {}, REAL_GPU);
  await ready(page);
  const title = () => page.getAttribute("#open", "title");
  assert.match((await title())!, /on a real one.*: WebGPU offers a real one/);
  await page.fill("#max", "3");
  await page.selectOption("[name=device]", "wasm");
  await page.click("#go");
  await ended(page);
  assert.match((await title())!, /on WebAssembly \((relaxed )?SIMD, \d threads?\): it was asked for$/);
  const { hash } = new URL(page.url());
  assert.is(new URLSearchParams(hash.slice(1)).get("device"), "wasm");
  const shown = await page.textContent("#text");
  assert.ok(await page.evaluate(() => crossOriginIsolated));
  await page.selectOption("[name=device]", "");
  await page.click("#again");
  await page.waitForFunction(() => /a real one/.test(document.getElementById("open")!.title));
  await ended(page);
  assert.is(await page.inputValue("#prompt"), "");
  assert.not.match(page.url(), "device=");
  await end(page);
  const link = await it.open(hash, {}, REAL_GPU);
  await ended(link);
  assert.match((await link.getAttribute("#open", "title"))!, "it was asked for");
  assert.is(await link.textContent("#text"), shown);
  await end(link);
});

test("a worker that cannot begin", async () => {
  const page = await it.open();
  await ready(page);
  await page.route("**/worker.js", (route) => route.abort());
  await page.click("#open");
  await page.click("#load-shipped");
  assert.match(await trouble(page), /^The part of the page that runs models could not begin/);
  assert.equal([await page.textContent("#model-name"), await page.isVisible("#progress")], ["no model", false]);
  assert.ok(await page.isDisabled("#go"));
  await page.unroute("**/worker.js");
  await page.click("#trouble-way");
  await ready(page);
  await page.click("#go");
  await ended(page);
  assert.ok(await page.isHidden("#trouble"));
  await end(page);
});

test("no room on the GPU for the model", async () => {
  const prelude = `${REAL_GPU};
    GPUDevice.prototype.popErrorScope = async () => ({ message: 'no memory' })`;
  const page = await it.open("#device=webgpu&budget=24", {}, prelude);
  assert.match(await trouble(page), "The model does not fit into this machine’s memory");
  assert.is(await way(page), "Choose another model");
  await page.click("#trouble-way");
  assert.ok(await page.isVisible("#loader"));
  await end(page);
});

test("a GPU of small limits runs what fits, and says so of what does not", async () => {
  const prelude = `${REAL_GPU};
    const { get } = Object.getOwnPropertyDescriptor(GPUDevice.prototype, "limits");
    const small = (limits) => new Proxy(limits, { get: (of, name) => name === "maxStorageBufferBindingSize" ? 2 ** 20 : of[name] });
    Object.defineProperty(GPUDevice.prototype, "limits", { get() { return small(get.call(this)); } })`;
  const page = await it.open(RUN, {}, prelude);
  await ended(page);
  assert.ok(await page.isHidden("#trouble"));
  await page.fill("[name=budget]", "6000");
  await page.click("#again");
  assert.match(
    await trouble(page),
    /^This machine cannot hold that much in one piece: a smaller budget or stride fits/,
  );
  assert.is(await way(page), "Go to the settings");
  await end(page);
});

test("a lost device: the text stays, and the model can be loaded again", async () => {
  const prelude = `${REAL_GPU};
    const ask = GPUAdapter.prototype.requestDevice;
    GPUAdapter.prototype.requestDevice = async function (...args) { return self.device = await ask.apply(this, args); }`;
  const page = await it.open(RUN, {}, prelude);
  await ended(page);
  const spans = await page.locator("#text span").count();
  await workers(page)[0].evaluate(() => (globalThis as unknown as { device: GPUDevice }).device.destroy());
  assert.match(await trouble(page), "The GPU was lost");
  assert.is(await page.locator("#text span").count(), spans);
  await page.click("#trouble-way");
  await ready(page);
  assert.is(await page.inputValue("#prompt"), "Once upon a time");
  await begun(page, () => page.click("#go"));
  await ended(page);
  assert.ok(await page.isHidden("#trouble"));
  await end(page);
});

test("bad files, an address that does not answer, and the way back", async () => {
  const page = await it.open();
  await ready(page);
  const cases: [() => Promise<unknown>, RegExp][] = [
    [() => drop(page, [{ name: "bad.gguf", text: "no such thing" }]), /^This is no model that runs here \(.*bad\.gguf/],
    [() => drop(page, [{ name: "notes.txt", text: "x" }]), /among the files must be config\.json, got notes\.txt/],
    [async () => {
      await page.click("#open");
      await page.fill("#url", "http://localhost:9/model");
      await page.click("#load-url button");
    }, /^The model’s address does not answer, or does not allow/],
  ];
  for (const [act, text] of cases) {
    await act();
    assert.match(await trouble(page), text);
    assert.is(await way(page), "Choose another model");
    assert.is(await page.textContent("#model-name"), "no model");
  }
  await page.click("#trouble-way");
  await page.click("#load-shipped");
  await ready(page);
  assert.ok(await page.isHidden("#trouble"));

  const settings: [string, string, RegExp][] = [
    ["budget", "much", /^Budget must be slots \(96\), a share of the prompt \(25%\), bytes/],
    ["budget", "0", /^Budget must be a whole number from 1/],
    ["stride", "0", /^Stride must be/],
  ];
  for (const [name, value, text] of settings) {
    await page.fill(`[name=${name}]`, value);
    await page.click("#go");
    assert.match(await trouble(page), text);
    await page.click("#trouble-way");
    assert.is(await page.evaluate(() => (document.activeElement as HTMLInputElement).name), name);
    assert.ok((await page.inputValue("#prompt")).length > 5);
    await page.fill(`[name=${name}]`, "");
  }
  await page.fill("#max", "0");
  await page.click("#go");
  assert.match(await trouble(page), "New tokens must be a whole number");
  await end(page);
});

test("a link to a model elsewhere fetches nothing before it is told to", async () => {
  const page = await it.open(`${RUN}&model=http%3A%2F%2Flocalhost%3A9%2Fm.gguf`);
  assert.match(await trouble(page), "This run has a model from http://localhost:9/m.gguf.");
  assert.is(await way(page), "Load it from there");
  await end(page);
  const bare = await it.open("#model=http%3A%2F%2Flocalhost%3A9%2Fm.gguf&budget=20"); // nothing to run: its model, then
  assert.match(await trouble(bare), "This run has a model from http://localhost:9/m.gguf.");
  assert.is(await way(bare), "Load it from there");
  await bare.context().close();
  const file = await it.open(`${RUN}&model=file%3Amine.gguf`);
  assert.match(await trouble(file), "the model mine.gguf, from a file: choose it, or drop it here");
  await drop(file, MODEL_FILES.map((name) => ({ name, url: `model/${name}` })));
  await ended(file);
  assert.is(await file.locator("#text span").count(), 8);
  await end(file);
});
test.run();
