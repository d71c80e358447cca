// What Side by side opens with: a key told in a text, and which caches still have it, against the command line.
import * as assert from "uvu/assert";
import type { Page } from "playwright-core";
import { kvcap } from "../support/command.ts";
import { suiteWhere } from "../support/device.ts";
import { inSight, type Lab, openLab } from "./lab.ts";

interface Exported {
  prompt: string;
  answer: string;
  max: number;
  stride: string;
  runs: { policy: string; budget: string; found: boolean | null; tokens: { text: string }[] }[];
}

const test = suiteWhere(inSight, "lab, a key in a text");
let it: Lab;
test.before(async () => {
  if (inSight) it = await openLab();
});
test.after(() => it?.close());

async function exported(page: Page): Promise<Exported> {
  const [file] = await Promise.all([page.waitForEvent("download"), page.click('#compare button:text-is("JSON")')]);
  return JSON.parse(await Deno.readTextFile(await file.path()));
}

test("it opens with a key in a text: crest finds it in a tenth of the slots, and the marks are the command line's", async () => {
  const page = await it.open("#view=compare", { colorScheme: "light", acceptDownloads: true });
  for (const preset of ["0", "1"]) {
    await page.locator("#compare .shared select").selectOption(preset);
    await page.waitForSelector("#compare button:text-is('Compare'):not(:disabled)");
    await page.click("#compare button:text-is('Compare')");
    await page.waitForFunction(() => document.querySelectorAll("#compare .texts thead b").length === 4);
    await page.waitForFunction(() => document.getElementById("compare-status")!.textContent === "done");
    const { runs, prompt, answer, max, stride } = await exported(page);
    for (const { policy, budget, found, tokens } of runs) {
      const flags = [
        "--policy",
        policy,
        ...(budget ? ["--budget", budget] : []),
        "--stride",
        stride,
        "--temperature",
        "0",
      ];
      const { stdout, stderr } = await kvcap(["generate", prompt, ...flags, "--max-new-tokens", String(max), "--json"]);
      assert.ok(stdout, stderr);
      const { text } = JSON.parse(stdout);
      assert.is(tokens.map(({ text }) => text).join(""), text);
      assert.is(found, text.includes(answer), `${policy} ${budget}`);
    }
    const marks = await page.locator("#compare .texts thead b").allTextContents();
    assert.equal(marks, runs.map(({ found }) => found ? "✓ found" : "✗ lost"));
    assert.equal(runs.map(({ found }) => found), [true, true, preset === "1", false]); // full, crest, roco, recency
  }
  await page.context().close();
});

test.run();
