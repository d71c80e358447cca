// The report of `kvcap eval`: what is in it is what was found, whatever names are, and it opens in Chromium without a network.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { checkPlan } from "../../src/eval/plan.ts";
import { ticksOf } from "../../src/eval/report/chart.ts";
import { reportPage } from "../../src/eval/report/page.ts";
import { type Result, resultOf } from "../../src/eval/results.ts";
import type { Found } from "../../src/eval/run.ts";
import { unitsOf } from "../../src/eval/units.ts";
import { launchChromium, PATIENCE } from "../support/browser.ts";
import { faults } from "./axe.ts";
import { inSight } from "./lab.ts";

const FORGED = `"><script>document.title="forged"</script><img src=x onerror="document.title='forged'">&amp;'\u0007`;

/** Results of two tasks, their numbers made of the budget alone, and one failure. */
function results(model: string): Result[] {
  const plan = checkPlan({
    models: [model],
    tasks: [{ task: "perplexity", documents: 6 }, { task: "needle", documents: 2, lengths: [64, 128], depths: [0, 1] }],
    policies: ["full", "roco", "h2o", `./${FORGED}/mine.ts`],
    budgets: ["50%", "10%"],
  });
  const versions = { kvcap: "0.1.0", runtime: "deno 2", device: "wasm" };
  const found = unitsOf(plan, "").map((unit): Result => {
    const share = unit.policy === "full" ? 1 : (unit.budget as { share: number }).share;
    const worse = unit.policy === "h2o" ? 0.2 : 0;
    const documents: Found["documents"] = unit.task === "perplexity"
      ? [1, 2, 3, 4, 5, 6].map((loss) => ({ told: {}, values: { loss: loss + (1 - share) / 10 + worse + loss / 100 } }))
      : [64, 128].flatMap((length) =>
        [0, 1].flatMap((depth) =>
          [0, 1].map((i) => ({
            told: { length, depth },
            values: { found: depth === 1 || share > 0.2 && i === 0 ? 1 : 0 },
          }))
        )
      );
    return resultOf(unit, versions, {
      metrics: {},
      cost: { budget: 100 * share, kvBytes: 1024 * 100 * share },
      documents,
    });
  });
  return [...found, resultOf(found[0].unit, null, { error: new Error(`Cannot load model: ${FORGED}`) })];
}

const test = suite("report");

test("ticks are round and span the values", () => {
  assert.equal(ticksOf(0, 1), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.equal(ticksOf(1.013, 1.07), [1, 1.02, 1.04, 1.06, 1.08]);
  assert.equal(ticksOf(0, 642), [0, 200, 400, 600, 800]);
  for (const [low, high] of [[0, 0], [5, 5], [-3, -3], [1e-9, 2e-9], [-7, 1e6]]) {
    const ticks = ticksOf(low, high);
    assert.ok(ticks.length > 1 && ticks.length < 12 && ticks[0] <= low && ticks.at(-1)! >= high, ticks.join());
    assert.ok(ticks.every((tick, i) => i === 0 || tick > ticks[i - 1]));
  }
});

test("the same results give the same page; none gives one, too", () => {
  assert.is(reportPage(results("a"), "roco"), reportPage(results("a"), "roco"));
  assert.match(reportPage([], "roco"), "0 units measured");
});

const run = inSight ? test : test.skip;
run("opens in Chromium by day and by night: nothing is run or fetched, all is there to be read", async () => {
  const folder = await Deno.makeTempDir({ prefix: "kvcap-report-" });
  await Deno.writeTextFile(`${folder}/report.html`, reportPage(results(FORGED), "roco"));
  const browser = (await launchChromium())!;
  try {
    for (const colorScheme of ["light", "dark"] as const) {
      const context = await browser.newContext({ colorScheme });
      const page = await context.newPage();
      page.setDefaultTimeout(PATIENCE);
      const heard: string[] = [];
      page.on("console", (message) => heard.push(message.text()));
      page.on("pageerror", (error) => heard.push(error.message));
      const asked: string[] = [];
      page.on("request", (request) => asked.push(request.url()));
      await page.goto(`file://${folder}/report.html`);
      const said = (await page.locator("body").innerText()).replace(/\s+/g, " ");
      assert.is(await page.title(), "kvcap: what eviction costs");
      assert.is(await page.locator("script, img, iframe, link, object").count(), 0);
      const shown = FORGED.replace("\u0007", "\ufffd");
      for (const text of [`${shown}: perplexity`, `./${shown}/mine.ts`, `Cannot load model: ${shown}`]) {
        assert.ok(said.includes(text), text);
      }
      assert.match(said, "better or worse than roco");
      // Perplexity over the full cache's: exp of the mean difference, 0.05 at 50 % and 0.09 at 10 %, and 0.2 more for h2o.
      const table = page.locator("table").first();
      for (const [row, ratio, verdict] of [[1, 0.05, ""], [2, 0.09, ""], [3, 0.25, "worse: 0.2 [0.2, 0.2]"]] as const) {
        const cells = await table.locator("tr").nth(row + 1).locator("td").allInnerTexts();
        const text = Number(Math.exp(ratio).toFixed(4)).toString();
        assert.ok(cells.includes(`${text} [${text}, ${text}]`), cells.join(" | "));
        assert.is(cells.at(-1), verdict);
      }
      const maps = page.locator("section").nth(1).locator("svg", { has: page.locator("rect") });
      assert.is(await maps.count(), 7);
      const cells = async (at: number) =>
        (await maps.nth(at).locator("text").evaluateAll((all) => all.map((one) => one.firstChild?.textContent)))
          .filter((text) => text?.endsWith("%"));
      assert.equal(await cells(1), ["50 %", "50 %", "100 %", "100 %"]); // at half the budget
      assert.equal(await cells(2), ["0 %", "0 %", "100 %", "100 %"]);
      const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      assert.is(ground, colorScheme === "dark" ? "rgb(16, 19, 23)" : "rgb(244, 243, 239)");
      assert.equal(heard, []); // axe, which comes now, is refused by the page's own rules
      assert.equal(asked, [`file://${folder}/report.html`]);
      await context.close();
      const open = await browser.newContext({ colorScheme, bypassCSP: true });
      const readable = await open.newPage();
      await readable.goto(`file://${folder}/report.html`);
      assert.equal(await faults(readable), []);
      await open.close();
    }
  } finally {
    await browser.close();
    await Deno.remove(folder, { recursive: true });
  }
});

run("a script that gets into the page is not run", async () => {
  const browser = (await launchChromium())!;
  try {
    const page = await browser.newPage();
    const forged = reportPage(results("a"), "roco").replace(
      "<main>",
      `<main><script>document.title = "forged"</script>`,
    );
    const file = await Deno.makeTempFile({ suffix: ".html" });
    await Deno.writeTextFile(file, forged);
    await page.goto(`file://${file}`);
    assert.is(await page.title(), "kvcap: what eviction costs");
    await Deno.remove(file);
  } finally {
    await browser.close();
  }
});

test.run();
