// The lab drives the shipped model: text, shading, map, time and links, against the session's own account and against Deno.
// The quick run takes one run of a text; links, stops, files and chats are left to the full one.
import * as assert from "uvu/assert";
import type { Page } from "playwright-core";
import { MOST_BYTES } from "../../build/lab.mjs";
import type { Account } from "../../page/protocol.ts";
import { cacheLine } from "../../src/cli/report-lines.ts";
import { load } from "../../src/load.ts";
import { fewOf } from "../support/depth.ts";
import { suiteWhere } from "../support/device.ts";
import { repoPath } from "../support/files.ts";
import {
  accountOf,
  begun,
  differences,
  drawn,
  drop,
  ended,
  hashOf,
  inSight,
  type Lab,
  made,
  MODEL_FILES,
  openLab,
  ready,
  shaded,
  stopAt,
} from "./lab.ts";

const PROMPT = "Once upon a time";
const SETTINGS = {
  mode: "text",
  temperature: "0",
  policy: "roco",
  budget: "24",
  stride: "4",
  stopAtEnd: "no",
  kv: "f32",
};
/** One run and all that is shown of it: what the quick run takes. */
const RUN = [
  "the page's own scripts",
  "shading and map",
  "greedy text",
  "a step gone by",
  "a token says",
  "keys move",
  "the map says",
];
const test = fewOf(suiteWhere(inSight, "lab"), RUN);

let it: Lab;
let page: Page;
let url = "";
const accounts: Account[] = [];
test.before(async () => {
  if (inSight) it = await openLab();
});
test.after(() => it?.close());

test("the page's own scripts weigh at most 219 KB gzipped before it can write, and 258 KB with all views", () => {
  const { first, all } = it.bytes;
  console.log(`    ${[first, all].map((bytes) => (bytes / 1024).toFixed(1)).join(" and ")} KB gzipped`);
  assert.ok(first > 20_000 && first <= MOST_BYTES.first, `${first} bytes`);
  assert.ok(all > first && all <= MOST_BYTES.all, `${all} bytes`);
});

test("shading and map are the session's books at three steps", async () => {
  page = await it.open(hashOf(SETTINGS, `12:${PROMPT}`), { colorScheme: "light" });
  await ended(page);
  for (const more of ["11", "17", ""]) {
    const account = await accountOf(page);
    accounts.push(account);
    assert.equal(await differences(page, account, "light"), []);
    if (more === "") break;
    await page.fill("#max", more);
    await begun(page, () => page.click("#go"));
    await ended(page);
  }
  assert.equal(accounts.map(({ seen }) => seen), [16, 27, 44]);
  assert.ok(accounts[2].live.every(({ length }) => length === 24));
});

test("greedy text is Deno's over its first 40 tokens", async () => {
  const model = await load(repoPath("models/fable-2m"), { device: "wasm", sampling: "greedy" }); // as the page, whose adapter is software
  const session = model.session({ policy: "roco", budget: 24, stride: 4, kv: "f32" });
  let text = "";
  for await (const piece of session.generate(PROMPT, { maxNewTokens: 40, stopAtEnd: false })) text += piece;
  assert.equal(session.livePositions(), accounts[2].live);
  const line = cacheLine(session.report());
  assert.is(await page.locator("#numbers div", { hasText: "K and V" }).locator("dd").textContent(), line);
  assert.match(line, /^24 of 24 slots used, \d+ KiB; reserved \d+ KiB; a full cache passes that at token 29$/);
  model.dispose();
  assert.is(await made(page), text);
});

test("a step gone by is shown as it was, in text and map; live comes back", async () => {
  for (const account of [accounts[0], accounts[1]]) {
    await page.fill("#step", String(account.step));
    await drawn(page);
    assert.equal(await differences(page, account, "light"), []);
    assert.match((await page.textContent("#step-text"))!, new RegExp(`^step ${account.step} of ${accounts[2].step}$`));
  }
  await page.click("#live");
  await drawn(page);
  assert.equal(await differences(page, accounts[2], "light"), []);
});

test("a token says where it lives, since when, and why it went", async () => {
  const held = await shaded(page);
  const least = Math.min(...held.filter((count) => count !== null));
  const gone = held.indexOf(least);
  const partly = held.findIndex((count, at) => count !== null && count > 0 && count < 10 && at !== gone);
  await page.focus(`[data-position="${gone}"]`);
  await drawn(page);
  assert.match((await page.textContent("#token-line"))!, `at position ${gone}, read in step`);
  assert.match((await page.textContent("#token-line"))!, `held by ${least} of 10 lanes`);
  const rows = () =>
    page.locator("#token-lanes tbody tr").evaluateAll((rows) =>
      rows.map((row) => [...row.children].map((cell) => cell.textContent!))
    );
  const went = (await rows()).filter(([, , , left]) => left !== "");
  assert.is(went.length, 10 - least);
  for (const [, score, , left, next] of went) {
    assert.ok(Number(left) <= accounts[2].step);
    assert.ok(Number(score) <= Number(next), `${score} went before ${next}`);
  }
  await page.hover(`[data-position="${partly}"]`);
  await drawn(page);
  const { live, scores } = accounts[2];
  (await rows()).forEach(([, score, , left], lane) => {
    const at = live[lane].indexOf(partly);
    assert.is(left === "", at >= 0);
    if (at >= 0) assert.ok(Math.abs(Number(score) - scores[lane][at]) <= 0.006 * scores[lane][at]);
  });
});

test("keys move among tokens, and about the map", async () => {
  await page.focus("[data-position='5']");
  const at = () => page.evaluate(() => (document.activeElement as HTMLElement).dataset.position);
  for (const [key, expected] of [["ArrowRight", "6"], ["ArrowLeft", "5"], ["Home", "0"], ["End", "44"]]) {
    await page.keyboard.press(key);
    assert.is(await at(), expected);
  }
  assert.is(await page.locator("#text span[tabindex='0']").count(), 1);
  const view = async () => {
    await drawn(page);
    return (await page.getAttribute("#map", "data-view"))!.split(" ").map(Number);
  };
  await page.focus("#map");
  const [, , wide] = await view();
  for (let i = 0; i < 4; i++) await page.keyboard.press("+");
  const [x, , zoomed] = await view();
  assert.ok(zoomed > 2 * wide);
  await page.keyboard.press("ArrowRight");
  assert.ok((await view())[0] > x);
  assert.is(await page.getAttribute("#fit", "aria-pressed"), "false");
  await page.keyboard.press("0");
  assert.is((await view())[2], wide);
});

test("the map says what is under the pointer", async () => {
  const { live, scores } = accounts[2];
  const [x, y, wide, high, left, top] = (await page.getAttribute("#map", "data-view"))!.split(" ").map(Number);
  const point = async (lane: number, position: number) => {
    await page.hover("#map", { position: { x: left + (position - x + 0.5) * wide, y: top + (lane - y + 0.5) * high } });
    await drawn(page);
    return (await page.textContent("#readout"))!;
  };
  const at = live[3].at(-6)!;
  const said = await point(3, at);
  assert.match(said, `layer 1, head 1, position ${at} “`);
  const score = Number(/score ([\d.]+),/.exec(said)![1]);
  assert.ok(Math.abs(score - scores[3][live[3].length - 6]) <= 0.006 * score, said);
  const gone = Array.from({ length: 40 }, (_, i) => i).find((i) => !live[3].includes(i))!;
  const height = () => page.evaluate(() => document.getElementById("map")!.clientHeight);
  const before = await height();
  assert.match(await point(3, gone), /left at step \d+$/);
  await page.hover("h1");
  await drawn(page);
  assert.equal([await page.textContent("#readout"), await height()], ["", before]); // nothing jumps
});

test("a link reproduces the run", async () => {
  url = page.url();
  assert.match(url, "turn=40%3AOnce");
  const [text, held] = [await made(page), await shaded(page)];
  const other = await it.open(new URL(url).hash);
  await ended(other);
  assert.is(await made(other), text);
  assert.equal(await shaded(other), held);
  await other.context().close();
});

test("a link's run can be stopped like any other, and the skip link leaves its address alone", async () => {
  const other = await it.open(hashOf(SETTINGS, `15000:${PROMPT}`));
  await other.waitForFunction(() => document.querySelectorAll("#text span").length > 12);
  assert.equal([await other.isVisible("#stop"), await other.isVisible("#go")], [true, false]);
  assert.is(await other.textContent("#status"), "running");
  const before = other.url();
  await other.focus("#skip");
  await other.keyboard.press("Enter");
  assert.is(await other.evaluate(() => document.activeElement!.id), "text");
  assert.is(other.url(), before);
  await other.click("#stop");
  await ended(other);
  assert.equal([await other.isVisible("#stop"), await other.isVisible("#go")], [false, true]);
  await other.context().close();
});

test("a run stopped while it reads is taken back, and can be asked for again", async () => {
  const long = await it.open("#stride=1");
  await ready(long);
  const text = "The fox ran to the river. ".repeat(500);
  await long.fill("#max", "3");
  for (const before of ["", "Once upon a time"]) {
    if (before) {
      await long.fill("#prompt", before);
      await long.click("#go");
      await ended(long);
    }
    const url = long.url();
    await long.fill("#prompt", text);
    await stopAt(long, 60);
    await long.click("#go");
    await long.waitForSelector("#go:not([hidden]):not(:disabled)");
    assert.is(await long.textContent("#status"), "stopped while it read: ask again");
    assert.equal([await long.inputValue("#prompt"), long.url()], [text, url]);
  }
  await long.fill("#prompt", " and");
  await long.click("#go");
  await ended(long);
  assert.match(long.url(), /turn=3%3AOnce\+upon\+a\+time&turn=3%3A\+and$/);
  assert.match(await long.textContent("#text").then(String), /^<\|bos\|>Once upon a time[^]* and/);
  await long.context().close();
});

test("the full cache needs no budget; settings that cannot run leave no run in the address", async () => {
  const other = await it.open();
  await ready(other);
  await other.fill("#max", "3");
  await other.fill("[name=budget]", "4");
  await other.selectOption("[name=policy]", "full");
  assert.is(await other.inputValue("[name=budget]"), "");
  await other.fill("[name=budget]", "4");
  await other.click("#go");
  await other.waitForSelector("#trouble:not([hidden])");
  await other.waitForSelector("#go:not([hidden]):not(:disabled)");
  assert.is(new URL(other.url()).hash, "");
  await other.fill("[name=budget]", "");
  await other.click("#go");
  await ended(other);
  assert.match(other.url(), /policy=full&turn=3%3AOnce/);
  await other.context().close();
});

test("stop, go on, run again under other settings, reset", async () => {
  await page.fill("#max", "15000");
  await page.click("#go");
  await page.waitForFunction((seen) => document.querySelectorAll("#text span").length > seen + 5, 45);
  await page.click("#stop");
  await ended(page);
  const { seen } = await accountOf(page);
  assert.ok(seen > 45 && seen < 15000);
  assert.match(page.url(), `turn=${seen - 5 + 1}%3AOnce`); // the prompt has five tokens; the last new one is not taken in
  await page.selectOption("[name=policy]", "recency");
  assert.match((await page.textContent("#hint"))!, "from the next run on");
  await page.goto(url.replace("policy=roco", "policy=recency"));
  await page.reload();
  await ended(page);
  const { live } = await accountOf(page);
  assert.equal(live[0].slice(-3), [41, 42, 43]);
  assert.ok(live.every((lane) => lane.join() === live[0].join()));
  await page.click("#reset");
  assert.is(await page.locator("#text span").count(), 0);
  assert.is(await page.inputValue("#prompt"), PROMPT);
  assert.is(new URL(page.url()).hash, "");
});

test("a model dropped as files runs", async () => {
  await drop(page, MODEL_FILES.map((name) => ({ name, url: `model/${name}` })));
  await page.waitForFunction(() => document.getElementById("model-name")!.textContent === "model.safetensors");
  await page.fill("#max", "3");
  await page.click("#go");
  await ended(page);
  assert.is(await page.locator("#text span").count(), 8);
  assert.match(page.url(), "model=file%3Amodel.safetensors");
  await page.context().close();
});

test("a chat by the model's own template, and its link", async () => {
  const chat = await it.open();
  await ready(chat);
  const template =
    "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}";
  const files = [...MODEL_FILES.map((name) => ({ name, url: `model/${name}` })), {
    name: "chat_template.jinja",
    text: template,
  }];
  await drop(chat, files);
  await chat.waitForFunction(() => document.getElementById("model-name")!.textContent === "model.safetensors");
  await chat.selectOption("[name=mode]", "chat");
  await chat.fill("[name=system]", "Be brief.");
  for (const message of ["Who are you?", "And then?"]) {
    await chat.fill("#max", "6");
    await chat.fill("#prompt", message);
    await begun(chat, () => chat.keyboard.press("Enter"));
    await ended(chat);
  }
  const text = (await chat.textContent("#text"))!;

  assert.match(
    text,
    /^system: Be brief\.\nuser: Who are you\?\nassistant:[\s\S]+user: And then\?\nassistant:/,
  );
  assert.is(await chat.textContent("#go"), "Send");
  const hash = new URL(chat.url()).hash;
  await chat.context().close();
  const other = await it.open(hash);
  await other.waitForSelector("#trouble:not([hidden])");
  await drop(other, files);
  await ended(other);
  assert.is(await other.textContent("#text"), text);
  await other.context().close();
});
test.run();
