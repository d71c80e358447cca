// Suites of a page once more on a cross-origin isolated one, whose engine on the processor has threads.
import * as assert from "uvu/assert";
import { runInChromium } from "../support/browser.ts";
import { depth } from "../support/depth.ts";
import { suiteWhere } from "../support/device.ts";
import { ISOLATED } from "../support/server.ts";
import { setting } from "../support/setting.ts";
import type { Totals } from "../support/totals.ts";

const FILES = [
  ...["tests/golden/hf.page.test.ts on wasm", "tests/session/session.page.test.ts on wasm"],
  ...depth([], ["tests/session/twin.page.test.ts on wasm", "tests/wasm/engine.page.test.ts"]),
];

// A run of tests of one name would find none of that name in there.
const test = suiteWhere(
  Boolean(Deno.env.get("KVCAP_CHROMIUM")) && !setting("KVCAP_TEST_NAME"),
  "suites on an isolated page",
);
test("all of them pass", async () => {
  const left = [...FILES];
  const lines: string[] = [];
  const ended: Totals[] = [];
  const driver = {
    next: () => Promise.resolve(left.shift() ?? null),
    print: (line: string) => void lines.push(line),
    begins: () => {},
    ended: (totals: Totals) => void ended.push(totals),
  };
  await runInChromium(FILES, driver, ISOLATED);
  assert.is(ended.length, FILES.length, lines.join("\n"));
  for (const { passed, failed } of ended) assert.ok(passed > 0 && failed === 0, lines.join("\n"));
});
test.run();
