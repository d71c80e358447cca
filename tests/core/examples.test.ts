// The examples of examples/ and the tables of docs/core-abi.md do and say what the core does.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { run as runWasm } from "../../examples/core-from-wasm.ts";
import { run as runCore } from "../../examples/core-in-javascript.ts";
import { run as runScore } from "../../examples/core-own-score.ts";
import * as abi from "../../assembly/abi.ts";
import { NUMBERS, POOLS, SCOPES, SCORES } from "../../src/core/rule.ts";
import { Core } from "../../src/core/core.ts";
import { readBytes, readText, repoPath } from "../support/files.ts";
import { ruleOf, scalarWasm } from "../support/trio.ts";

const wasm = await readBytes(repoPath("build/out/core.wasm"));

const examples = suite("examples");
examples("Core alone keeps to its budget, sinks and newest", () => {
  const kept = runCore(200);
  assert.is(kept.length, 4);
  for (const positions of kept) {
    assert.is(positions.length, 16);
    assert.equal([...positions.slice(0, 2), ...positions.slice(-3)], [0, 1, 197, 198, 199]);
  }
  assert.ok(new Set(kept.map(String)).size > 1, "lanes choose for themselves");
});
examples("WebAssembly's API alone gives the façade's answers", async () => {
  const core = Core.create(
    { layers: 1, kvHeads: 2, capacity: 9 },
    ruleOf({ score: "sum", sinks: 1, newest: 2 }),
  );
  const expected: number[][] = [[], []];
  for (let token = 0; token < 40; token++) {
    const claimed = core.claim(1);
    for (let lane = 0; lane < 2; lane++) {
      for (let slot = 0; slot < 9; slot++) core.rows[lane * 9 + slot] = ((slot * 7 + lane * 3) % 11) / 60;
      core.rows[lane * 9 + claimed[lane]] = 0.3;
    }
    core.observe(1);
    if (core.live > 8) core.evict(1).forEach((slot, lane) => expected[lane].push(slot));
  }
  assert.equal(await runWasm(wasm, 40), expected);
  assert.equal(await runWasm(scalarWasm, 40), expected);
});
examples("a score of one's own keeps what it calls worth keeping", () => {
  assert.equal(runScore(100, (position) => (position % 10 === 0 ? 0.5 : 0.1)), [0, 1, 50, 60, 70, 80, 90, 99]);
});
examples.run();

const documented = suite("the page on the ABI");
const page = await readText(repoPath("docs/core-abi.md"));
/** The first cells of a section's table rows. */
function cells(title: string): string[][] {
  const section = page.split(`\n## ${title}\n`)[1].split("\n## ")[0];
  return section.split("\n").filter((line) => line.startsWith("| ")).map((line) =>
    line.split("|").slice(1, -1).map((x) => x.trim())
  );
}
documented("names every export, with as many numbers as it takes", async () => {
  const named = cells("Exports").slice(1).flatMap(([cell]) => [...cell.matchAll(/`(\w+)\((.*?)\)`/g)]);
  const { exports } = await WebAssembly.instantiate(await WebAssembly.compile(wasm), {
    env: { memory: new WebAssembly.Memory({ initial: 1 }) },
  });
  const functions = Object.entries(exports).filter(([, value]) => typeof value === "function");
  const told = new Map(named.map(([, name, numbers]) => [name, numbers ? numbers.split(",").length : 0]));
  assert.equal([...told.keys()].sort(), functions.map(([name]) => name).sort());
  for (const [name, value] of functions) assert.is((value as () => void).length, told.get(name), name);
});
/** The numbers of assembly/abi.ts whose names begin with a prefix: "number name", in the order of the numbers. */
function numbered(prefix: RegExp): string[] {
  const found = Object.entries(abi).filter(([name]) => prefix.test(name)).sort((a, b) => a[1] - b[1]);
  return found.map(([name, number]) => `${number} ${name.replace(prefix, "")}`);
}
documented("lists the codes, regions and parts of a rule that the sources have", async () => {
  const codes = cells("Codes").slice(1).map(([code, name]) => `${code} ${name}`);
  assert.equal(codes, numbered(/^(?!(SCORE|SCOPE|POOL|REGION|STATE|MOST|P)_)/));
  const named = (names: Record<string, number>) =>
    Object.entries(names).map(([name, number]) => `${number} ${name.toUpperCase().replace("-", "_")}`);
  assert.equal([...named(NUMBERS.score), `${SCORES.length} GIVEN`], numbered(/^SCORE_/));
  assert.equal(named(NUMBERS.scope), numbered(/^SCOPE_/));
  assert.equal(named(NUMBERS.pool), numbered(/^POOL_/));
  for (const [part, list] of [["score", SCORES], ["scope", SCOPES], ["pool", POOLS]] as const) {
    assert.equal(Object.keys(NUMBERS[part]), list, "told in the order of their numbers");
  }
  const layout = await readText(repoPath("assembly/layout.ts"));
  const regions = [...layout.matchAll(/│ (\d+) +(\w+).*?│ *(\w*) *│ *(\[.*?\])/g)];
  const drawn = regions.slice(0, 16).map(([, number, name, type, shape]) => `${number} ${name} ${type} ${shape}`);
  assert.is(drawn.length, 16);
  const numbers = regions.slice(0, 17).map(([, number, name]) => `${number} ${name.toUpperCase()}`);
  assert.equal(numbers.sort(), numbered(/^REGION_/).sort());
  assert.equal(cells("Arena").slice(1, 17).map((row) => row.slice(0, 4).join(" ")), drawn);
});
documented(
  "the module is at most 18 KB, and its façade imports nothing but itself, its numbers and how it refuses",
  async () => {
    assert.ok(wasm.length <= 18 * 1024, `${wasm.length} bytes`);
    const seen = new Set<string>();
    const walk = async (file: string) => {
      if (seen.has(file)) return;
      seen.add(file);
      const text = file.endsWith(".wasm") ? "" : await readText(repoPath(file));
      for (const [, path] of text.matchAll(/from "(.*?)"/g)) {
        await walk(new URL(path, `file:///${file}`).pathname.slice(1));
      }
    };
    await walk("src/core/core.ts");
    const own = ["abi", "arena", "compile", "core", "errors", "module", "rule", "snapshot", "views"].map((name) =>
      `src/core/${name}.ts`
    );
    assert.equal([...seen].sort(), ["assembly/abi.ts", "build/out/core.wasm", ...own, "src/errors.ts"]);
  },
);
documented.run();
