// The lab's other views: three runs side by side against the command line, what it exports, links, the cost of eviction, looks.
// With KVCAP_SCREENSHOTS set to a folder (page/screenshots) it writes pictures there.
import * as assert from "uvu/assert";
import type { Page } from "playwright-core";
import { evaluate } from "../../src/session/evaluate.ts";
import { load } from "../../src/load.ts";
import { corePolicies as policies } from "../../src/policies/core.ts";
import { faults } from "./axe.ts";
import { suiteWhere, testDevice } from "../support/device.ts";
import { depth } from "../support/depth.ts";
import { repoPath } from "../support/files.ts";
import { drawn, inSight, type Lab, openLab, ready, trouble } from "./lab.ts";
import { inside } from "../support/inside.ts";

const PROMPT = "Once upon a time, there was a little fox who lived near the river. One day he found a red key under a";
const TEXT = "Lily had a big dog. They played with a ball, ran and laughed until the sun went down.";
const RUNS = [["full", "", "", "f32"], ["roco", "14", "cache", "f32"], ["recency", "50%", "", "f32"]];
const [MAX, STRIDE] = [10, 4];
const EVICTING = Object.values(policies).filter(({ evicts }) => evicts).length;
const WIDTHS = [[360, 640], [768, 1024], [1024, 768], [1440, 900], [3840, 2160]];

const test = suiteWhere(inSight, "lab compare");
const folder = Deno.env.get("KVCAP_SCREENSHOTS");

interface Exported {
  reference: { ids: number[] };
  runs: {
    report: { ids: number[]; kvBytes: number; evictions: number; liveSlots: number };
    perplexity: { perplexity: number; tokens: number };
    agreement: { sameTop: number; meanKl: number };
    firstDifference: number | null;
    tokens: { id: number; text: string; liveKvBytes: number; stepMs: number | null }[];
    steps: { same: boolean; kl: number }[];
  }[];
}

let it: Lab;
let page: Page;
let found: Exported;
test.before(async () => {
  if (inSight) it = await openLab();
});
test.after(() => it?.close());

/** The command line's answer. */
async function kvcap(...args: string[]) {
  const flags = ["run", "--no-prompt", "--quiet", "--no-check", "-A", repoPath("src/cli/main.ts")];
  const command = new Deno.Command(Deno.execPath(), { args: [...flags, ...args, "--json"], stdout: "piped" });
  const { stdout } = await command.output();
  return JSON.parse(new TextDecoder().decode(stdout));
}

const status = (page: Page) => page.textContent("#compare-status");
const told = (page: Page) =>
  page.waitForFunction(() => /^(done|stopped)/.test(document.getElementById("compare-status")?.textContent ?? ""));

/** Where everything stands that must not move. */
const places = (page: Page) =>
  page.evaluate(() =>
    [...document.querySelectorAll(
      "#compare :is(.card, .texts, figure, .results, .results th[scope=col], .rail textarea)",
    )]
      .map((element) => {
        const { x, y, width, height } = element.getBoundingClientRect();
        return `${element.className || element.textContent} ${[x, y, width, height].map(Math.round)}`;
      })
  );

async function download(page: Page, name: string): Promise<Uint8Array> {
  const [file] = await Promise.all([page.waitForEvent("download"), page.click(`#compare button:text-is("${name}")`)]);
  return await Deno.readFile(await file.path());
}

const json = async (page: Page): Promise<Exported> =>
  JSON.parse(new TextDecoder().decode(await download(page, "JSON")));

/** What does not depend on the clock. */
const timeless = ({ runs, ...rest }: Exported) =>
  JSON.stringify(
    { ...rest, runs },
    (key, value) => ["stepMs", "prefillMs", "tokensPerSecond"].includes(key) ? 0 : value,
  );

test("the licences of what is bundled come along", async () => {
  const text = await Deno.readTextFile(`${it.out}/licenses.txt`);
  for (const name of ["uplot", "@huggingface/tokenizers"]) assert.match(text, `\n${name} `);
});

test("three runs side by side give the numbers of the command line", async () => {
  page = await it.open("", { colorScheme: "light", acceptDownloads: true });
  await ready(page);
  const before = page.url();
  await page.click("#view-compare");
  await page.waitForURL(/#view=compare$/);
  await page.fill("#compare [name=prompt]", PROMPT);
  await page.fill("#compare [name=text]", TEXT);
  await page.fill("#compare [name=max]", String(MAX));
  await page.fill("#compare [name=stride]", String(STRIDE));
  await page.locator("#compare .card").nth(RUNS.length).locator("[data-key=policy]").selectOption("");
  await page.fill("#compare [name=answer]", "");
  for (const [run, [policy, budget, positions, kv]] of RUNS.entries()) {
    const card = page.locator("#compare .card").nth(run);
    await card.locator("[data-key=policy]").selectOption(policy);
    if (budget) await card.locator("[data-key=budget]").fill(budget);
    await card.locator("[data-key=positions]").selectOption(positions);
    await card.locator("[data-key=kv]").selectOption(kv);
  }
  await page.focus("#compare [name=stride]");
  await page.keyboard.press("Enter"); // as in any form
  await page.waitForSelector("#compare .texts tbody td span");
  const begun = await places(page);
  await told(page);
  assert.equal(await places(page), begun); // nothing jumped
  assert.is(await status(page), "done");
  found = await json(page);
  for (const [run, [policy, budget, positions, kv]] of RUNS.entries()) {
    const flags = ["--policy", policy, "--stride", String(STRIDE), "--kv", kv];
    if (budget) flags.push("--budget", budget);
    if (positions) flags.push("--positions", positions);
    const { report, perplexity, tokens } = found.runs[run];
    const said = await kvcap("generate", PROMPT, ...flags, "--max-new-tokens", String(MAX), "--temperature", "0");
    assert.equal(report.ids, said.ids, policy);
    for (const name of ["kvBytes", "evictions", "liveSlots"] as const) assert.is(report[name], said[name], name);
    assert.is(tokens.map(({ text }) => text).join(""), said.text);
    const read = await kvcap("perplexity", TEXT, ...flags);
    assert.is(perplexity.tokens, read.tokens);
    const off = Math.abs(perplexity.perplexity / read.perplexity - 1);
    assert.ok(off < 1e-4, `${policy}: perplexity is off by ${off}`);
  }
  await page.click("#view-watch");
  assert.is(page.url(), before);
  await page.click("#view-compare");
});

test("agreement is that of the library's own logits, over the reference's text", async () => {
  const model = await load(repoPath("models/fable-2m"), { device: (await testDevice())!, sampling: "greedy" });
  const { ids } = found.reference;
  const { vocab } = model.config;
  const prompt = model.tokenizer.encode(PROMPT, { bos: true, special: true });
  const { logits } = await evaluate(inside(model), [...prompt, ...ids]);
  const softmax = (row: ArrayLike<number>) => {
    const largest = Array.from(row).reduce((a, b) => Math.max(a, b));
    const weights = Array.from(row, (logit) => Math.exp(logit - largest));
    const sum = weights.reduce((a, b) => a + b);
    return weights.map((weight) => weight / sum);
  };
  assert.equal(ids, found.runs[0].report.ids); // run A is the reference
  assert.ok(found.runs[0].steps.every(({ same, kl }) => same && kl < 1e-9));
  let at = 0;
  const session = model.session({ policy: "roco", budget: 14, positions: "cache", kv: "f32", stride: STRIDE });
  const onLogits = (row: Float32Array) => {
    const from = (prompt.length - 1 + at) * vocab;
    const [p, q] = [softmax(logits.subarray(from, from + vocab)), softmax(row)];
    const kl = p.reduce((sum, share, id) => sum + share * Math.log(share / q[id]), 0);
    const told = found.runs[1].steps[at];
    assert.ok(Math.abs(kl - told.kl) < 1e-3 * Math.max(1, kl), `step ${at}: ${kl}, told ${told.kl}`);
    assert.is(told.same, p.indexOf(Math.max(...p)) === q.indexOf(Math.max(...q)));
    row.fill(-Infinity);
    row[ids[at++]] = 0;
  };
  for await (const _ of session.generate(prompt, { maxNewTokens: ids.length, stopAtEnd: false, onLogits }));
  model.dispose();
  assert.is(at, MAX);
  const { steps, agreement } = found.runs[1];
  assert.ok(Math.abs(agreement.meanKl - steps.reduce((sum, { kl }) => sum + kl, 0) / MAX) < 1e-9);
  assert.ok(agreement.meanKl > 1e-3, `${agreement.meanKl}`);
});

test("what is shown and what is exported is the same", async () => {
  const rows = await page.locator("#compare .results tbody tr").evaluateAll((rows) =>
    rows.map((row) => [...row.children].map((cell) => cell.textContent!))
  );
  const marks = await page.locator("#compare .texts mark").count();
  assert.is(marks, found.runs.filter(({ firstDifference }) => firstDifference !== null).length);
  found.runs.forEach(({ perplexity, report, firstDifference, agreement }, run) => {
    const [, tokens, , evicted, , , , , until, same, , measured] = rows[run];
    assert.is(tokens, String(MAX));
    assert.is(Number(evicted), report.evictions);
    assert.is(measured, perplexity.perplexity.toFixed(4));
    assert.is(same, `${(100 * agreement.sameTop).toFixed(1)} %`);
    if (run > 0) assert.is(until, firstDifference === null ? "the end" : String(firstDifference + 1));
  });
  const lines = new TextDecoder().decode(await download(page, "CSV")).trimEnd().split("\r\n");
  const [head, ...cells] = lines.map((line) =>
    [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) =>
      quoted?.replaceAll('""', '"') ?? plain
    )
  );
  assert.is(cells.length, 3 * MAX);
  cells.forEach((values, i) => {
    const line = Object.fromEntries(head.map((name, at) => [name, values[at]]));
    const [run, at] = [Math.floor(i / MAX), i % MAX];
    const { tokens, steps } = found.runs[run];
    assert.equal([line.run, line.policy, Number(line.token)], ["ABC"[run], RUNS[run][0], at]);
    assert.equal([Number(line.id), line.text], [tokens[at].id, tokens[at].text]);
    assert.equal([Number(line.live_kv_bytes), line.step_ms], [tokens[at].liveKvBytes, String(tokens[at].stepMs ?? "")]);
    assert.equal([Number(line.kl_nats), line.same_top === "1"], [steps[at].kl, steps[at].same]);
    assert.is(Number(line.reference_id), found.reference.ids[at]);
    assert.is(at === 0, tokens[at].stepMs === null);
  });
  const png = await download(page, "PNG");
  assert.equal([...png.subarray(1, 4)], [..."PNG"].map((letter) => letter.charCodeAt(0)));
  const view = new DataView(png.buffer, png.byteOffset);
  assert.ok(view.getUint32(16) > 400 && view.getUint32(20) > 200);
});

test("a link reproduces the comparison", async () => {
  const other = await it.open(new URL(page.url()).hash, { acceptDownloads: true });
  await told(other);
  assert.is(timeless(await json(other)), timeless(found));
  await other.context().close();
});

test("a comparison can be stopped, and what cannot run says so", async () => {
  await page.fill("#compare [name=max]", "2000");
  await page.click("#compare button:text-is('Compare')");
  await page.waitForFunction(() => location.hash.includes("max=2000")); // what was found before is gone
  await page.waitForFunction(() => document.querySelectorAll("#compare .texts tbody td span").length > 6);
  await page.click("#compare button:text-is('Stop')");
  await told(page);
  assert.match((await status(page))!, "stopped");
  const partial = await json(page);
  assert.ok(partial.runs.every(({ tokens }) => tokens.length > 0 && tokens.length < 2000));
  await page.fill("#compare [name=max]", "800");
  await page.fill("#compare [name=text]", "");
  await page.click("#compare button:text-is('Compare')"); // and while it reads the reference's text
  await page.waitForFunction(() => /reference/.test(document.getElementById("compare-status")!.textContent!));
  await page.waitForFunction(() =>
    document.querySelector("#compare progress")!.getAttribute("title")!.match(/: [1-9]/)
  );
  await page.click("#compare button:text-is('Stop')");
  await told(page);
  assert.match((await status(page))!, "stopped");
  const { steps } = (await json(page)).runs[0];
  assert.ok(steps.length > 0 && steps.length < 800, `${steps.length} steps`);
  await page.locator("#compare [data-key=budget]").nth(1).fill("much");
  await page.click("#compare button:text-is('Compare')");
  assert.match(await trouble(page), /^Budget must be slots \(96\)/);
  await page.click("#view-cost"); // the way leads back to where the setting is
  await page.click("#trouble-way");
  assert.is(await page.evaluate(() => (document.activeElement as HTMLElement).dataset.key), "budget");
});

test("the cost of eviction, at one click", async () => {
  await page.click("#view-cost");
  await page.waitForSelector("#cost button");
  await page.focus("#cost button");
  // The limit of 15 seconds begins when one policy is measured: a busy machine may measure none in that time.
  await page.evaluate((limit) => {
    const { setTimeout } = globalThis;
    const after = (run: () => void, ms: number): unknown =>
      setTimeout(() => document.querySelector("#cost tbody tr") ? setTimeout(run, ms) : after(run, ms), 200);
    globalThis.setTimeout = ((run: () => void, ms: number) =>
      ms === 15_000 ? after(run, limit) : setTimeout(run, ms)) as typeof setTimeout;
  }, depth(3000, 15_000));
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => /^(done|stopped)/.test(document.getElementById("cost-status")!.textContent!));
  const rows = await page.locator("#cost tbody tr").evaluateAll((rows) =>
    rows.map((row) => [...row.children].map((cell) => cell.textContent!))
  );
  console.log(
    `    ${rows.length} policies; RoCo, ns per slot: ${rows[0].slice(2, 5).join(", ")}`,
  );
  const how = await page.textContent("#cost-status");
  assert.ok(
    rows.length > 0 && (rows.length === EVICTING ? how === "done" : how!.startsWith("stopped after 15 seconds")),
    how!,
  );
  assert.is(rows[0][0], "roco");
  for (const [policy, ms, ...ns] of rows) {
    const [core, script, naive] = ns.map(Number);
    assert.ok(Number(ms) > 0 && core > 0.05 && core < 1000 && script > 0.05 && naive > core, `${policy}: ${ns}`);
  }
  for (const shape of ["wasm", "script", "naive"]) {
    assert.is(await page.locator(`#cost .chart .${shape}`).count(), rows.length);
  }
});

test("no serious fault in either theme, and nothing overflows", async () => {
  for (const view of ["cost", "compare"]) {
    await page.click(`#view-${view}`);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await drawn(page);
      assert.equal(await faults(page), [], `${view}, ${colorScheme}`);
    }
    for (const [width, height] of WIDTHS) {
      await page.setViewportSize({ width, height });
      await drawn(page);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(overflow <= 0, `${view}, ${width}: ${overflow} pixels too wide`);
    }
    await page.setViewportSize({ width: 1440, height: 900 });
  }
  await page.context().close();
});

if (folder) {
  test("pictures", async () => {
    const shot = (page: Page, name: string) => page.screenshot({ path: `${folder}/${name}.png` });
    const page = await it.open("#view=cost", { colorScheme: "light" });
    await page.click("#cost button");
    await page.waitForFunction(() => document.getElementById("cost-status")!.textContent === "done");
    await page.click("#view-compare");
    await page.locator("#compare .shared select").selectOption("2");
    await page.fill("#compare [name=text]", TEXT);
    await page.fill("#compare [name=max]", "80");
    await page.click("#compare button:text-is('Compare')");
    await told(page);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      for (const view of ["compare", "cost"]) {
        await page.click(`#view-${view}`);
        await page.setViewportSize({ width: 1440, height: 900 });
        await drawn(page);
        await shot(page, `${view}-${colorScheme}`);
        await page.setViewportSize({ width: 390, height: 844 });
        await drawn(page);
        await page.evaluate(() => document.querySelector(".texts")!.scrollIntoView());
        await shot(page, `phone-${view}-${colorScheme}`);
        await page.evaluate(() => scrollTo(0, 0));
      }
    }
    await page.context().close();
  });
}
test.run();
