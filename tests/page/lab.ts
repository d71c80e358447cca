// The lab in Chromium: built once, served, opened, and asked what it shows.
import * as assert from "uvu/assert";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { buildLab } from "../../build/lab.mjs";
import { serveFolder } from "../../src/cli/serve-folder.ts";
import type { Account } from "../../page/protocol.ts";
import { PLAIN, ramp, type RGB, type Theme } from "../../page/view/colour.ts";
import { levelOf, scaleOf } from "../../page/view/scale.ts";
import { launchChromium, PATIENCE } from "../support/browser.ts";
import { shared } from "../support/shared.ts";

/** Whether there is a browser to drive. */
export const inSight = Boolean(Deno.env.get("KVCAP_CHROMIUM"));
/** The files of the shipped model. */
export const MODEL_FILES = ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"];

/** The built lab, served to a browser of its own. */
export interface Lab {
  readonly url: string;
  readonly out: string; // the folder that is served
  readonly browser: Browser;
  readonly bytes: { readonly first: number; readonly all: number }; // of scripts, gzipped
  readonly elsewhere: string[]; // addresses that pages may ask besides
  /** Opens the page; an error on it fails the test at `close`. @param prelude put before the worker's own code */
  open(hash?: string, options?: BrowserContextOptions, prelude?: string): Promise<Page>;
  close(): Promise<void>;
}

export async function openLab(): Promise<Lab> {
  const { folder: out, made: { bytes } } = await shared("lab", buildLab);
  const worker = await Deno.readTextFile(`${out}/worker.js`);
  const overrides = new Map<string, string>();
  const { url, stop } = await serveFolder(out, { overrides });
  const browser = (await launchChromium())!;
  const errors: string[] = [];
  const elsewhere: string[] = [];
  return {
    url,
    out,
    browser,
    bytes,
    elsewhere,
    async open(hash = "", options = {}, prelude = "") {
      if (prelude) overrides.set("/worker.js", `${prelude};${worker}`);
      else overrides.delete("/worker.js");
      const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
      const page = await context.newPage();
      page.setDefaultTimeout(PATIENCE);
      page.on("pageerror", (error) => errors.push(error.message));
      page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
      page.on("request", (request) => {
        const own = [url, "blob:", ...elsewhere].some((begin) => request.url().startsWith(begin));
        if (!own) errors.push(`a request to ${request.url()}`);
      });
      await page.goto(url + hash);
      return page;
    },
    async close() {
      await browser.close();
      await stop();
      const unexpected = errors.filter((text) => !/Failed to load resource|localhost:9\/|404/.test(text));
      if (unexpected.length > 0) throw new Error(`The page had errors: ${unexpected.join("; ")}`);
    },
  };
}

/** The address of a run. */
export function hashOf(settings: Record<string, string>, ...turns: string[]): string {
  const parts = new URLSearchParams(settings);
  for (const turn of turns) parts.append("turn", turn);
  return `#${parts}`;
}

/** Waits until the model is there. */
export const ready = (page: Page) => page.waitForSelector("#go:not(:disabled)");

/** Waits until the run that was asked for has ended, and everything is drawn. */
export async function ended(page: Page): Promise<void> {
  await page.waitForFunction(() => {
    const text = (id: string) => document.getElementById(id)!.textContent!;
    return /it can go on|ended the text/.test(text("status")) || !document.getElementById("trouble")!.hidden;
  });
  await drawn(page);
}

/** Does what begins a run, and waits until it has begun: it may be over by then. */
export async function begun(page: Page, act: () => Promise<unknown>): Promise<void> {
  await page.evaluate(() => {
    const stop = document.getElementById("stop")!; // shown while a run is under way
    stop.dataset.shown = "";
    new MutationObserver((_, observer) => {
      stop.dataset.shown = "yes";
      observer.disconnect();
    }).observe(stop, { attributeFilter: ["hidden"] });
  });
  await act();
  await page.waitForFunction(() => document.getElementById("stop")!.dataset.shown === "yes");
}

/** The page's own workers: the threads of a pass wait for work, and answer nothing. */
export const workers = (page: Page) => page.workers().filter((worker) => !worker.url().startsWith("blob:"));

const FRAMES = 18; // 0.3 s of a machine that does nothing else

/** Waits until what is known is drawn: the workers have answered, and frames came in which all that was left could be drawn. */
export async function drawn(page: Page): Promise<void> {
  for (const worker of workers(page)) await worker.evaluate("0").catch(() => {}); // one that has ended
  await page.evaluate((frames) =>
    new Promise<void>((resolve) => {
      const frame = () => frames-- > 0 ? requestAnimationFrame(frame) : resolve();
      frame();
    }), FRAMES);
}

/** The sentence about what went wrong. */
export async function trouble(page: Page): Promise<string> {
  await page.waitForSelector("#trouble:not([hidden])");
  return (await page.textContent("#trouble-text"))!;
}

/** Waits for a sentence about what went wrong that says `what`: another may stand there until it comes. */
export async function troubled(page: Page, what: RegExp): Promise<void> {
  const said = ([source, flags]: string[]) =>
    !document.getElementById("trouble")!.hidden &&
    new RegExp(source, flags).test(document.getElementById("trouble-text")!.textContent!);
  await page.waitForFunction(said, [what.source, what.flags]).catch(() => {});
  assert.match(await trouble(page), what);
}

/** Stops the run from inside the page, as soon as `tokens` of its text stand there: it does not wait for this process to see them. */
export async function stopAt(page: Page, tokens: number): Promise<void> {
  await page.evaluate((tokens) => {
    const [text, stop] = ["text", "stop"].map((id) => document.getElementById(id)!);
    new MutationObserver((_, observer) => {
      if (stop.hidden || text.querySelectorAll("span").length <= tokens) return;
      observer.disconnect();
      stop.click();
    }).observe(text, { childList: true, subtree: true });
  }, tokens);
}

/** The session's own account, through the worker's protocol: a message is put in, and its answer caught. */
export async function accountOf(page: Page): Promise<Account> {
  return await workers(page)[0].evaluate(() =>
    new Promise<Account>((resolve) => {
      const scope = globalThis as unknown as {
        postMessage(...args: unknown[]): void;
        dispatchEvent(event: Event): void;
      };
      const post = scope.postMessage;
      scope.postMessage = (message: unknown, ...rest: unknown[]) => {
        const { type, account } = message as { type: string; account: Account };
        if (type !== "account") return post.call(scope, message, ...rest);
        scope.postMessage = post;
        resolve(account);
      };
      scope.dispatchEvent(new MessageEvent("message", { data: { type: "books" } }));
    })
  );
}

/** How many lanes hold each token, as the text shows it; null: not taken in. */
export const shaded = (page: Page): Promise<(number | null)[]> =>
  page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>("#text span")].map(({ dataset }) =>
      dataset.held === "" ? null : Number(dataset.held)
    )
  );

/** The text that the model made. */
export const made = (page: Page): Promise<string> =>
  page.evaluate(() => [...document.querySelectorAll("#text span:not(.read)")].map((span) => span.textContent).join(""));

/** The colours in the middle of the map's cells: [lanes][positions], null outside. */
async function cells(page: Page, lanes: number, positions: number): Promise<(string | null)[][]> {
  return await page.evaluate(({ lanes, positions }) => {
    const canvas = document.querySelector<HTMLCanvasElement>("#map")!;
    const context = canvas.getContext("2d")!;
    const ratio = canvas.width / canvas.clientWidth;
    const [x, y, wide, high, left, top] = canvas.dataset.view!.split(" ").map(Number);
    return Array.from({ length: lanes }, (_, lane) =>
      Array.from({ length: positions }, (_, position) => {
        const [px, py] = [left + (position - x + 0.5) * wide, top + (lane - y + 0.3) * high];
        const [red, green, blue, alpha] =
          context.getImageData(Math.round(px * ratio), Math.round(py * ratio), 1, 1).data;
        return alpha === 0 ? null : [red, green, blue].join();
      }));
  }, { lanes, positions });
}

/** What differs between the page and the account: nothing where both agree. */
export async function differences(page: Page, { seen, live, scores }: Account, theme: Theme): Promise<string[]> {
  const found: string[] = [];
  const held = Array.from({ length: seen }, (_, at) => live.filter((lane) => lane.includes(at)).length);
  const shown = await shaded(page);
  held.forEach((count, at) => shown[at] !== count && found.push(`token ${at}: held by ${count}, shaded ${shown[at]}`));
  shown.slice(seen).forEach((count, i) => count !== null && found.push(`token ${seen + i} is shaded, not taken in`));

  const colours = ramp(theme);
  const all = Float32Array.from(scores.flat());
  const scale = scaleOf(all, "score", "mean");
  const name = (colour: RGB) => colour.join();
  const map = await cells(page, live.length, seen + 1);
  map.forEach((row, lane) =>
    row.forEach((colour, at) => {
      const index = live[lane].indexOf(at);
      const alive = () => name(colours[levelOf(scores[lane][index], scale) - 1]);
      const expected = at >= seen ? null : index < 0 ? name(PLAIN[theme].gone) : alive();
      if (colour !== expected) found.push(`cell ${lane}, ${at}: ${colour}, not ${expected}`);
    })
  );
  return found;
}

/** Drops files on the page, as a hand would. */
export async function drop(page: Page, files: { name: string; url?: string; text?: string }[]): Promise<void> {
  await page.evaluate(async (files) => {
    const dataTransfer = new DataTransfer();
    for (const { name, url, text } of files) {
      dataTransfer.items.add(new File([url ? await (await fetch(url)).blob() : text!], name));
    }
    document.body.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
  }, files);
}

/** A prelude under which the page takes the software adapter for a real GPU, and computes on it. */
export const REAL_GPU = `for (const name of ["vendor", "architecture", "device", "description"]) {
    Object.defineProperty(GPUAdapterInfo.prototype, name, { get: () => "a real one" });
  }
  for (const { prototype } of [GPUAdapterInfo, GPUAdapter]) {
    Object.defineProperty(prototype, "isFallbackAdapter", { get: () => false });
  }`;

/** And one under which that is too small. */
export const SMALL_GPU = `${REAL_GPU}
  Object.defineProperty(GPUAdapter.prototype, "limits", { get: () => ({ maxStorageBuffersPerShaderStage: 4 }) })`;
