// What a page prints: the first line that it logs, and what it warns of before.
import { launchChromium } from "./browser.ts";

export interface Printed {
  readonly text: string;
  readonly warnings: readonly string[];
}

/** Opens a page and waits for its line; `script`: a module that is run in it. @throws what the page throws, or cannot load */
export async function printed(url: string, script?: string): Promise<Printed> {
  const browser = (await launchChromium())!;
  try {
    const page = await browser.newPage();
    const warnings: string[] = [];
    const said = new Promise<string>((resolve, reject) => {
      page.on("console", (message) => {
        if (message.type() === "log") resolve(message.text());
        else if (message.type() === "warning") warnings.push(message.text());
      });
      page.on("pageerror", reject);
    });
    said.catch(() => {}); // while the page is opened
    await page.goto(url);
    if (script !== undefined) await page.addScriptTag({ type: "module", content: script });
    return { text: await said, warnings };
  } finally {
    await browser.close();
  }
}
