// A real model in the lab: SmolLM2, dropped as a file where this machine has it, answers by its chat template, with the ids that
// `kvcap chat` has (it prints none: they are taken from the session that it runs).
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { load } from "../src/model.ts";
import { testDevice } from "./device.ts";
import { checkedCase, modelFolder } from "./files.ts";
import { accountOf, differences, drop, ended, inSight, openLab } from "./lab.ts";

const NAME = "SmolLM2-135M-Instruct.Q4_1.gguf";
const file = await modelFolder(`smollm2-135m/${NAME}`);
const QUESTION = "What is the capital of France?";
const NEW = 12; // tokens
const lab = suite("golden lab chat");
const able = inSight && await testDevice() !== null;
const test = able ? lab : Object.assign((...args: Parameters<typeof lab.skip>) => lab.skip(...args), lab);

test("SmolLM2 answers as in Deno, and the page says what its cache holds", async () => {
  if (!file) return checkedCase("lab chat: model absent, and there is nothing to check without it");
  const it = await openLab();
  const page = await it.open("", { colorScheme: "dark" });
  await page.waitForSelector("#go:not(:disabled)");
  await Deno.symlink(file, `${it.out}/dropped.gguf`);
  await drop(page, [{ name: NAME, url: "dropped.gguf" }]);
  await page.waitForFunction((name) => document.getElementById("model-name")!.textContent === name, NAME);
  await page.selectOption("[name=mode]", "chat");
  for (const [name, value] of [["budget", "40"], ["stride", "8"], ["temperature", "0"]]) {
    await page.fill(`[name=${name}]`, value);
  }
  await page.selectOption("[name=kv]", "f32");
  await page.fill("#max", String(NEW));
  await page.fill("#prompt", QUESTION);
  await page.click("#go");
  await page.waitForSelector("#stop:not([hidden])");
  await ended(page);
  const account = await accountOf(page);
  assert.equal(await differences(page, account, "dark"), []);
  const answer = await page.locator("#text span:not(.read)").allTextContents();
  await it.close();

  const model = await load(file!, { device: (await testDevice())! });
  const session = model.session({ budget: 40, stride: 8, kv: "f32" });
  const ids: number[] = [];
  const onToken = (id: number) => ids.push(id);
  let text = "";
  for await (const piece of session.chat(QUESTION, { maxNewTokens: NEW, onToken })) text += piece;
  assert.equal(session.livePositions(), account.live);
  const bytes = new TextDecoder();
  assert.equal(answer, ids.map((id) => bytes.decode(model.tokenizer.bytes(id))));
  model.dispose();
  checkedCase(`lab chat: ${text}`);
});
lab.run();
