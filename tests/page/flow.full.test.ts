// How one goes about in the lab: what the button does, what the address names, Back and Forward, bad links, reading.
import * as assert from "uvu/assert";
import type { Page } from "playwright-core";
import { suiteWhere } from "../support/device.ts";
import { begun, drawn, drop, ended, hashOf, inSight, type Lab, MODEL_FILES, openLab, ready, trouble } from "./lab.ts";

const test = suiteWhere(inSight, "lab flow");
const PROMPT = "Once upon a time";
const SETTINGS = { mode: "text", temperature: "0", policy: "roco", budget: "24" };
const COMPARISON = hashOf({ view: "compare", prompt: PROMPT, max: "3", text: "Lily had a dog." }) +
  "&run=roco%2C25%25&run=full&run=recency%2C3";

let it: Lab;
test.before(async () => {
  if (inSight) it = await openLab();
});
test.after(() => it?.close());

const end = (page: Page) => page.context().close();
const hash = (page: Page) => new URL(page.url()).hash;
const asked = (page: Page) => new URLSearchParams(hash(page).slice(1));
const button = (page: Page) => page.textContent("#go");
const spans = (page: Page) => page.locator("#text span").count();
const compared = (page: Page) =>
  page.waitForFunction(() => /^(done|stopped)/.test(document.getElementById("compare-status")?.textContent ?? ""));

/** Does what begins a run, and waits until it has ended. */
async function running(page: Page, act: () => Promise<unknown>) {
  await page.evaluate(() => document.getElementById("status")!.textContent = "");
  await act();
  await ended(page);
}

test("a run goes on only under its own settings; the button says what it will do", async () => {
  const page = await it.open(hashOf(SETTINGS, `4:${PROMPT}`));
  await ended(page);
  assert.is(await button(page), "Continue");
  await page.fill("[name=budget]", "20");
  assert.is(await button(page), "Run again"); // with nothing in the box: what was asked before
  await running(page, () => page.press("[name=budget]", "Enter"));
  assert.equal([asked(page).get("budget"), ...asked(page).getAll("turn")], ["20", `4:${PROMPT}`]);
  assert.is(await button(page), "Continue");
  await page.fill("#prompt", "Lily had");
  assert.is(await button(page), "Continue");
  await page.fill("[name=temperature]", "0.5");
  assert.is(await button(page), "New run"); // of what is in the box
  assert.is(await page.textContent("#prompt-label"), "Prompt");
  await running(page, () => page.press("[name=temperature]", "Enter"));
  assert.equal([asked(page).get("temperature"), ...asked(page).getAll("turn")], ["0.5", "4:Lily had"]);
  await page.fill("[name=seed]", "7");
  await page.fill("[name=seed]", ""); // as the run has it
  assert.is(await button(page), "Continue");
  const shown = [hash(page), await page.textContent("#text")];
  for (const [name, wrong, right] of [["budget", "much", "20"], ["temperature", "-1", "0.5"], ["stride", "0", ""]]) {
    await page.fill(`[name=${name}]`, wrong);
    await page.press(`[name=${name}]`, "Enter");
    assert.match(await trouble(page), new RegExp(`must be .*, got`));
    await page.waitForSelector("#go:not([hidden]):not(:disabled)");
    assert.equal([hash(page), await page.textContent("#text")], shown); // what cannot run leaves the run there is
    assert.equal([await button(page), await page.inputValue("#prompt")], ["Run again", ""]);
    await page.fill(`[name=${name}]`, right);
    assert.is(await button(page), "Continue");
    await page.click("#trouble-close");
  }
  await running(page, () => page.press("#max", "Enter"));
  assert.equal(asked(page).getAll("turn"), ["8:Lily had"]);
  assert.ok(await page.isEnabled("#picture"));
  await page.click("#reset");
  assert.ok(await page.isDisabled("#picture")); // there is nothing to be seen
  await end(page);
});

test("the address names the run and the model that are shown, or none", async () => {
  const page = await it.open(COMPARISON);
  await compared(page);
  await page.click("#view-watch");
  await page.fill("#max", "3");
  await running(page, () => page.click("#go"));
  assert.match(hash(page), "turn=3%3A");
  await drop(page, MODEL_FILES.map((name) => ({ name, url: `model/${name}` })));
  await page.waitForFunction(() => document.getElementById("model-name")!.textContent === "model.safetensors");
  await ready(page);
  await drawn(page);
  assert.equal([hash(page), await spans(page)], ["", 0]);
  assert.ok(await page.isDisabled("#picture"));
  assert.match(await page.inputValue("#prompt"), PROMPT);
  await page.click("#view-compare");
  assert.ok(await page.locator("#compare .texts td span").count() > 0); // still shown: the other model's
  await page.waitForFunction(() => location.hash.includes("run="));
  assert.is(asked(page).get("model"), null);
  await page.click("#compare button:text-is('Compare')");
  await page.waitForFunction(() => location.hash.includes("model=file"));
  await end(page);
});

test("the way to the settings leads to the one that is named", async () => {
  const page = await it.open(hashOf(SETTINGS, `2:${PROMPT}`));
  await ended(page);
  const focused = () => page.evaluate(() => (document.activeElement as HTMLInputElement).name);
  for (const [name, wrong] of [["topP", "x"], ["topP", "3"], ["newest", "200%"], ["seed", "1.5"]]) {
    await page.evaluate(() => document.querySelector<HTMLDetailsElement>("#form details")!.open = true);
    await page.fill(`[name=${name}]`, wrong);
    await page.press(`[name=${name}]`, "Enter");
    await trouble(page);
    await page.waitForSelector("#go:not([hidden]):not(:disabled)");
    await page.click("#trouble-way");
    assert.is(await focused(), name);
    await page.fill(`[name=${name}]`, "");
  }
  await end(page);
});

test("a comparison that cannot run leaves the one there is", async () => {
  const page = await it.open(COMPARISON);
  await compared(page);
  const shown = () =>
    Promise.all([hash(page), page.textContent("#compare .texts"), page.textContent("#compare-status")]);
  const before = await shown();
  for (const [name, wrong] of [["temperature", "hot"], ["seed", "1.5"], ["topP", "2"], ["stride", "0"]]) {
    await page.fill(`#compare [name=${name}]`, wrong);
    await page.press(`#compare [name=${name}]`, "Enter");
    assert.match(await trouble(page), /must be .*, got/);
    await page.waitForSelector("#compare button:text-is('Compare'):not([hidden]):not(:disabled)");
    assert.equal(await shown(), before);
    await page.fill(`#compare [name=${name}]`, "");
    await page.click("#trouble-close");
  }
  await page.fill("#compare [data-run=C] [data-key=budget]", "5");
  await page.press("#compare [data-run=C] [data-key=budget]", "Enter"); // in a card, too
  await page.waitForFunction(() => location.hash.includes("recency%2C5"));
  await compared(page);
  await end(page);
});

test("each run of a comparison has its own perplexity, or says why it has none", async () => {
  const prompt = `${PROMPT}, there was a little girl named Lily. `.repeat(3); // a quarter of it holds a chunk, of the text it does not
  const asked = hashOf({ view: "compare", prompt, max: "3", text: "Lily had a dog.", stride: "4" });
  const page = await it.open(`${asked}&run=roco%2C25%25&run=full&run=recency%2C8`, { acceptDownloads: true });
  await compared(page);
  assert.is(await page.textContent("#compare-status"), "done");
  const measured = await page.locator("#compare .results tbody td:nth-last-child(2)").allTextContents();
  assert.is(measured[0], "–");
  assert.ok(measured.slice(1).every((text) => Number(text) > 1), measured.join());
  const refused =
    "Cannot measure run A’s perplexity: for a text beyond the budget, budget must be above sinks + newest + " +
    "stride = 4, got 1 (25% of the text)";
  assert.is(await page.textContent("#compare-refused"), `${refused}.`);
  assert.ok(await page.isHidden("#trouble"));
  const [file] = await Promise.all([page.waitForEvent("download"), page.click("#compare button:text-is('JSON')")]);
  const { runs } = JSON.parse(await Deno.readTextFile(await file.path()));
  assert.equal([runs[0].perplexity, runs[0].refused, runs[1].refused], [null, refused, null]);
  await page.fill("#compare [name=text]", "");
  await page.click("#compare button:text-is('Compare')");
  await page.waitForFunction(() => document.getElementById("compare-refused")!.textContent === "");
  await end(page);
});

test("what is bad in a link is refused, and the rest can be used", async () => {
  const page = await it.open(hashOf({ ...SETTINGS, shared: "banana", kv: "f8" }, `3:${PROMPT}`, "2: and", "none"));
  await ready(page);
  assert.is(
    await trouble(page),
    "Cannot open the link: kv must be f32, f16 or q8, got f8. " +
      "Cannot open the link: shared must be yes or no, got banana. " +
      "Cannot open the link: turn must be its new tokens, a colon and its text, 20000 tokens in all at most, got none.",
  );
  assert.equal([hash(page), await spans(page)], ["", 0]);
  assert.equal([await page.inputValue("#prompt"), await page.inputValue("#max")], [PROMPT, "3"]);
  assert.equal([await page.inputValue("[name=budget]"), await page.inputValue("[name=shared]")], ["24", ""]);
  await running(page, () => page.click("#trouble-way")); // "Open the rest"
  assert.equal(asked(page).getAll("turn"), [`3:${PROMPT}`, "2: and"]);
  assert.equal([asked(page).get("budget"), asked(page).get("shared")], ["24", null]);

  await page.evaluate(() => location.hash = "view=compare&run=roco,some&run=full&max=3&prompt=Lily&temperature=hot");
  assert.is(
    await trouble(page),
    "Cannot open the link: temperature must be a number, got hot. " +
      "Cannot open the link: budget must be slots (96), a share of the prompt (25%), bytes (512KB) or a number behind it (+48), got some.",
  );
  await page.waitForSelector("#compare [name=prompt]");
  assert.is(await page.inputValue("#compare [name=prompt]"), "Lily");
  assert.is(hash(page), "#view=compare");
  await page.click("#trouble-way");
  await compared(page);
  assert.equal(asked(page).getAll("run"), ["roco", "full"]);
  await end(page);
});

test("views are entries of the history: Back and Forward switch them, and what runs goes on", async () => {
  const page = await it.open();
  await ready(page);
  await page.fill("#max", "20000"); // so that it is stopped before it ends
  await page.locator("[name=stopAtEnd]").evaluate((list: HTMLSelectElement) => list.value = "no");
  await begun(page, () => page.click("#go"));
  await page.click("#view-compare");
  await page.click("#view-compare"); // the view that is shown already: no entry
  await page.click("#view-cost");
  const shown = () => page.locator("[aria-current=page]").textContent();
  const went = async (act: () => Promise<unknown>, name: string) => {
    await act();
    await page.waitForFunction((name) => document.querySelector("[aria-current=page]")!.textContent === name, name);
  };
  assert.equal([await shown(), hash(page)], ["Cost", "#view=cost"]);
  await went(() => page.goBack(), "Side by side");
  assert.is(hash(page), "#view=compare");
  await went(() => page.goBack(), "Watch");
  assert.match(hash(page), "turn=20000%3AOnce");
  assert.ok(await page.isVisible("#stop")); // it runs on
  const before = await spans(page);
  await page.waitForFunction((before) => document.querySelectorAll("#text span").length > before, before);
  await page.click("#stop");
  await ended(page);
  const run = hash(page);
  await went(() => page.goForward(), "Side by side");
  await went(() => page.goForward(), "Cost");
  await went(() => page.evaluate(() => history.go(-2)), "Watch");
  assert.is(hash(page), run);
  assert.is(await page.textContent("#model-name"), "fable-2m");

  const other = hashOf(SETTINGS, "2:Lily had"); // a link put in by hand is another run, and Back comes to the one before
  await running(page, () => page.evaluate((hash) => location.hash = hash, other));
  assert.equal(asked(page).getAll("turn"), ["2:Lily had"]);
  await page.click("#view-cost");
  await went(() => page.goBack(), "Watch");
  await running(page, () => page.goBack());
  assert.is(hash(page), run);

  await page.click("#view-cost"); // after the page has come anew no run is there: Back makes it again
  await page.reload();
  await page.waitForSelector("#go:not(:disabled)", { state: "attached" });
  await running(page, () => went(() => page.goBack(), "Watch"));
  assert.is(hash(page), run);
  await end(page);
});

test("the reading of a long prompt shows how far it is, and is read out once", async () => {
  const page = await it.open();
  await ready(page);
  await page.evaluate(() => {
    const told = { live: [] as string[], read: [] as string[], tops: [] as number[] };
    Object.assign(globalThis, { told });
    const [status, count] = ["status", "count"].map((id) => document.getElementById(id)!);
    new MutationObserver(() => told.live.push(status.textContent!)).observe(status, { childList: true });
    new MutationObserver(() => {
      if (count.textContent) told.read.push(count.textContent);
      told.tops.push(document.querySelector(".settings")!.getBoundingClientRect().top);
    }).observe(count, { childList: true });
  });
  await page.fill("#prompt", "The fox ran to the river. ".repeat(80));
  await page.fill("#max", "3");
  await running(page, () => page.click("#go"));
  const { live, read, tops } = await page.evaluate(() => {
    return (globalThis as unknown as { told: { live: string[]; read: string[]; tops: number[] } }).told;
  });
  assert.equal(live.filter(Boolean), ["running", "reading", "running", "all new tokens are there: it can go on"]);
  const counts = read.map((text) => /^: (\d+) of (\d+) tokens$/.exec(text)!.slice(1).map(Number));
  assert.ok(counts.length > 1, read.join()); // drawn once a frame: on a busy machine several parts come with one
  counts.forEach(([done, total], i) => assert.ok(done < total && (i === 0 || done > counts[i - 1][0])));
  assert.is(new Set(tops).size, 1); // nothing jumped
  assert.is(await page.evaluate(() => document.getElementById("count")!.closest("[role=status], [aria-live]")), null);

  await page.click("#view-compare");
  await page.fill("#compare [name=prompt]", "The fox ran to the river. ".repeat(30));
  await page.fill("#compare [name=max]", "2");
  const phases = page.evaluate(() =>
    new Promise<string[]>((resolve) => {
      const status = document.getElementById("compare-status")!;
      const texts: string[] = [];
      new MutationObserver(() => {
        texts.push(status.textContent!);
        if (status.textContent === "done") resolve(texts);
      }).observe(status, { childList: true });
    })
  );
  await page.click("#compare button:text-is('Compare')");
  assert.equal(await phases, [
    ...["the runs read the prompt", "the runs write"],
    ...["the runs read the prompt", "the runs read the reference’s text", "done"],
  ]);
  await end(page);
});
test.run();
