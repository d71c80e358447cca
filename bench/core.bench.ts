// Times the Wasm core in Deno and in Chromium (bench/core-times.ts says what):
// `npm run bench:core -- [--only=deno|chromium] [--quick] [--json] [--chart FILE]`.
import { parseArgs } from "node:util";
import { chart } from "./core-chart.ts";
import { benchInChromium } from "./core-page.ts";
import { header, promiseLines, timeLine } from "./core-report.ts";
import { benchCore, type CoreBench, type CorePromises, type CoreTime, sizes } from "./core-times.ts";

const usage = "usage: npm run bench:core -- [--only=deno|chromium] [--quick] [--json] [--chart FILE]";

function options() {
  try {
    const { values } = parseArgs({
      args: Deno.args,
      options: {
        only: { type: "string" },
        quick: { type: "boolean" },
        json: { type: "boolean" },
        chart: { type: "string" },
      },
    });
    if (values.only && !["deno", "chromium"].includes(values.only)) {
      throw new Error(`no host of the name ${values.only}`);
    }
    return values;
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`);
    Deno.exit(2);
  }
}

const { only, quick, json, chart: file } = options();
const print = json ? () => {} : console.log;
const tell = (what: CorePromises | CoreTime) => {
  if ("policy" in what) return print(timeLine(what));
  for (const line of [...promiseLines(what), header]) print(line);
};
const measured = quick ? sizes.quick : sizes.all;
const results: Record<string, CoreBench & { version: string }> = {};

if (only !== "chromium") {
  print(`— Deno ${Deno.version.deno} —`);
  const scalar = await Deno.readFile(new URL("../build/out/core.scalar.wasm", import.meta.url));
  results.deno = { ...await benchCore(scalar, measured, tell), version: Deno.version.deno };
}
if (only !== "deno") {
  print("— Chromium —");
  const result = await benchInChromium(measured, tell);
  if (result) results.chromium = result;
  else console.error("no Chromium or Chrome: `npm run bench:core` looks for one, KVCAP_CHROMIUM names one");
}
const [host, result] = Object.entries(results)[0] ?? [];
if (!result) Deno.exit(1);
if (file) {
  const name = host === "deno" ? "Deno" : "Chromium";
  await Deno.writeTextFile(file, chart(result.times, `${name} ${result.version}`));
  console.error(`wrote ${file}`);
}
if (json) console.log(JSON.stringify(results, null, 2));
