// A model's folder, picked and dropped as a browser does it: a real folder of this machine, handed over by Chromium itself.
import * as assert from "uvu/assert";
import type { Page } from "playwright-core";
import { repoPath } from "../support/files.ts";
import { fewOf } from "../support/depth.ts";
import { suiteWhere } from "../support/device.ts";
import { ended, inSight, type Lab, MODEL_FILES, openLab, ready, trouble } from "./lab.ts";

// The quick run leaves out the folder's single files.
const test = fewOf(suiteWhere(inSight, "lab, folders"), ["a folder that is dropped", "a folder that is picked"]);
const NAME = "my-storyteller";

let it: Lab;
let home: string;
let folder: string; // as people have them: with a folder in it, and more files than a browser lists at once
test.before(async () => {
  if (!inSight) return;
  it = await openLab();
  home = await Deno.makeTempDir({ prefix: "kvcap-folder-" });
  folder = `${home}/${NAME}`;
  await Deno.mkdir(`${folder}/onnx`, { recursive: true });
  await Deno.writeTextFile(`${folder}/onnx/config.json`, "{}");
  for (const file of MODEL_FILES) await Deno.copyFile(repoPath(`models/fable-2m/${file}`), `${folder}/${file}`);
  for (let i = 0; i < 120; i++) await Deno.writeTextFile(`${folder}/checkpoint-${i}.txt`, "");
});
test.after(async () => {
  await it?.close();
  if (home) await Deno.remove(home, { recursive: true });
});

/** Drags files or folders of this machine over the page and lets them fall. @returns whether the page showed where */
async function dropPaths(page: Page, ...files: string[]): Promise<boolean> {
  const devtools = await page.context().newCDPSession(page);
  const send = (type: "dragEnter" | "dragOver" | "drop") =>
    devtools.send("Input.dispatchDragEvent", {
      ...{ type, x: 300, y: 300 },
      data: { items: [], files, dragOperationsMask: 1 },
    });
  await send("dragEnter");
  await send("dragOver");
  const shown = await page.isVisible("#drop");
  await send("drop");
  return shown;
}

/** Runs a little with the model that is named so. */
async function runs(page: Page, name: string) {
  await page.waitForFunction((name) => document.getElementById("model-name")!.textContent === name, name);
  await ready(page);
  await page.fill("#prompt", "Once upon a time");
  await page.fill("#max", "3");
  await page.click("#go");
  await ended(page);
  assert.is(await page.locator("#text span").count(), 8);
  assert.match(page.url(), `model=file%3A${name}`);
}

test("a folder that is dropped", async () => {
  const page = await it.open();
  await ready(page);
  assert.ok(await dropPaths(page, folder));
  assert.ok(await page.isHidden("#drop"));
  await runs(page, NAME);
  await page.context().close();
});

test("a folder's files that are dropped, and a folder with no model in it", async () => {
  const page = await it.open();
  await ready(page);
  await dropPaths(page, ...MODEL_FILES.map((name) => `${folder}/${name}`));
  await runs(page, "model.safetensors");
  await dropPaths(page, repoPath("docs"));
  assert.match(await trouble(page), /among the files must be config\.json/);
  await page.context().close();
});

test("formats that the lab leaves out are refused by name", async () => {
  const page = await it.open();
  await ready(page);
  await dropPaths(page, repoPath("tests/golden/models/tiny-fp8-rows"));
  assert.match(await trouble(page), "weights must be plain in the lab");
  await page.reload();
  await ready(page);
  await dropPaths(page, repoPath("tests/golden/gguf/tiny-codes-ALL.gguf"));
  assert.match(await trouble(page), /token_embd\.weight must be one of F32, .*, got IQ1_S/);
  await page.context().close();
});

test("a folder that is picked", async () => {
  const page = await it.open();
  await ready(page);
  await page.click("#open");
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.click("#load-folder")]);
  await chooser.setFiles(folder);
  assert.ok(await page.isHidden("#loader"));
  await runs(page, NAME);
  await page.context().close();
});
test.run();
