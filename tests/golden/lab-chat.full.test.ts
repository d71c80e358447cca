// A real model in the lab: SmolLM2, dropped as a file where this machine has it, answers by its chat template, word for word what
// `kvcap chat` prints.
import * as assert from "uvu/assert";
import { suiteWhere, testDevice } from "../support/device.ts";
import { checkedCase, modelFolder, repoPath } from "../support/files.ts";
import { accountOf, differences, drop, ended, inSight, made, openLab } from "../page/lab.ts";

const NAME = "SmolLM2-135M-Instruct.Q4_1.gguf";
const file = await modelFolder(`smollm2-135m/${NAME}`);
const QUESTION = "How does water travel around the world?";
const [BUDGET, STRIDE, NEW] = [40, 8, 12]; // slots, queries, tokens
const able = inSight && await testDevice() !== null;
const test = suiteWhere(able, "golden lab chat");

/** What the command line prints as the answer, less the line's end. */
async function printed(model: string): Promise<string> {
  const program = [
    "run",
    "--no-prompt",
    "--quiet",
    "--no-check",
    "-A",
    repoPath("src/cli/main.ts"),
    "chat",
    "--model",
    model,
  ];
  const flags = { budget: BUDGET, stride: STRIDE, positions: "absolute", kv: "f32", "max-new-tokens": NEW };
  const args = [...program, ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`)];
  const child = new Deno.Command(Deno.execPath(), { args, stdin: "piped", stdout: "piped", stderr: "piped" }).spawn();
  const input = child.stdin.getWriter();
  await input.write(new TextEncoder().encode(`${QUESTION}\n`));
  await input.close();
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  assert.is(code, 0, decoder.decode(stderr));
  return decoder.decode(stdout).replace(/\n$/, "");
}

test("SmolLM2 answers as on the command line, and the page says what its cache holds", async () => {
  if (!file) return checkedCase("lab chat: model absent, and there is nothing to check without it");
  const it = await openLab();
  const page = await it.open("", { colorScheme: "dark" });
  await page.waitForSelector("#go:not(:disabled)");
  await Deno.copyFile(file, `${it.out}/dropped.gguf`); // no link: the server follows none out of its folder
  await drop(page, [{ name: NAME, url: "dropped.gguf" }]);
  await page.waitForFunction((name) => document.getElementById("model-name")!.textContent === name, NAME);
  await page.selectOption("[name=mode]", "chat");
  for (const [name, value] of [["budget", `${BUDGET}`], ["stride", `${STRIDE}`], ["temperature", "0"]]) {
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
  assert.ok(account.seen > BUDGET && account.live.every(({ length }) => length === BUDGET)); // something was evicted
  const answer = await made(page);
  assert.is(await page.locator("#text span:not(.read)").count(), NEW);
  await it.close();

  const said = await printed(file);
  assert.is(answer, said);
  checkedCase(`lab chat: ${said}`);
});
test.run();
