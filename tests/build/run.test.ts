// The runner itself: whatever becomes of a file is counted, and nothing that hangs or dies takes the rest with it.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { chosen } from "../support/depth.ts";
import { repoPath } from "../support/files.ts";
import { lanesOf, type Plan, planOf } from "../support/plan.ts";
import { type FileResult, runProcess } from "../support/process.ts";
import { Meter } from "../support/processor.ts";
import { shared } from "../support/shared.ts";
import { totalsLine } from "../support/totals.ts";
import { watch } from "../support/watch.ts";

const folder = await Deno.makeTempDir({ prefix: "kvcap-run-" });

/** Runs files of these contents, as many processes as they need, and says what became of each. */
async function run(contents: string[]): Promise<FileResult[]> {
  const paths = contents.map((text, i) => {
    Deno.writeTextFileSync(`${folder}/${i}.ts`, text);
    return `${"../".repeat(repoPath("").split("/").length)}${folder.slice(1)}/${i}.ts`;
  });
  const results: FileResult[] = [];
  const next = () => paths.shift();
  while (await runProcess("deno", [], next, (result) => results.push(result)));
  return results;
}

const suiteOf = (body: string) =>
  `import { suite } from "uvu"; import * as assert from "uvu/assert"; const test = suite("s"); ${body} test.run();`;

const test = suite("runner");
test.after(() => Deno.remove(folder, { recursive: true }));

test("counts what passes, fails and is skipped, and shows what was printed", async () => {
  const [good] = await run([suiteOf(`
    test("one", () => console.log("    heard"));
    test("two", () => assert.is(1, 2));
    test.skip("three");`)]);
  assert.is(totalsLine(good), "1 passed, 1 failed, 1 skipped");
  assert.ok(good.lines.includes("    heard") && good.lines.some((line) => line.includes('"two"')));
});

test("what is no test, or fails outside of one, is a failure", async () => {
  const results = await run([
    `export {};`,
    `import "./nothing.ts";`,
    suiteOf(`test.before(() => { throw new Error("x"); }); test("one", () => {});`),
    suiteOf(`test("one", () => void Promise.reject(new Error("nobody")));`),
    suiteOf(``),
  ]);
  assert.equal(results.map(({ failed }) => failed), [1, 1, 1, 1, 1]);
});

test("a process that dies is its file's failure, and the files behind it run", async () => {
  const results = await run([
    suiteOf(`test("exits", () => Deno.exit(0));`),
    suiteOf(`test("one", () => {});`),
    suiteOf(`test("killed", () => Deno.kill(Deno.pid, "SIGKILL"));`),
    suiteOf(`test("one", () => {});`),
  ]);
  assert.equal(results.map(totalsLine), [
    "0 passed, 1 failed, 0 skipped",
    "1 passed, 0 failed, 0 skipped",
    "0 passed, 1 failed, 0 skipped",
    "1 passed, 0 failed, 0 skipped",
  ]);
  assert.match(results[2].lines.join("\n"), 'test "killed" when the process');
});

test("what never ends is found by its processor time, not by the clock", async () => {
  if (Deno.build.os !== "linux") return;
  const child = new Deno.Command(Deno.execPath(), { args: ["eval", "for (;;);"] }).spawn();
  const why = await new Promise<string>((resolve) => watch(new Meter(child.pid), resolve, 1));
  child.kill("SIGKILL");
  await child.status;
  assert.is(why, "did not end within 1 s of processor time");
});

test("wrong flags and settings are refused in one sentence", async () => {
  const refused = async (args: string[], env: Record<string, string>, words: string) => {
    const command = [...["run", "-A", "--quiet", repoPath("tests/support/run.ts")], ...args];
    const { code, stderr } = await new Deno.Command(Deno.execPath(), { args: command, env }).output();
    assert.is(code, 2);
    assert.match(new TextDecoder().decode(stderr), new RegExp(`^Cannot run the tests: [^\n]+, got ${words}\n$`));
  };
  await refused(["--only=firefox"], {}, "--only=firefox");
  await refused(["--name"], {}, "--name");
  await refused([], { KVCAP_DEPTH: "deep", KVCAP_TEST_SEED: "1" }, "deep and 1");
  await refused([], { KVCAP_DEPTH: "quick", KVCAP_TEST_SEED: "x" }, "quick and x");
});

test("what is chosen has something of every kind, in its order", () => {
  const items = Array.from({ length: 40 }, (_, i) => i);
  const some = chosen(items, (i) => [`of two ${i % 2}`, `of three ${i % 3}`]);
  for (const [n, rest] of [[2, 0], [2, 1], [3, 0], [3, 1], [3, 2]]) assert.ok(some.some((i) => i % n === rest));
  assert.equal(some, some.toSorted((a, b) => a - b));
  assert.equal(chosen(items, () => []).length === 0 || some.length === 40, true);
});
test("what several files need is made once, by another where the first fails", async () => {
  const before = Deno.env.get("KVCAP_RUN");
  Deno.env.set("KVCAP_RUN", folder);
  try {
    let made = 0;
    const make = async (at: string) => {
      await Deno.writeTextFile(`${at}/file`, `${++made}`);
      return { made };
    };
    await shared("thing", () => Promise.reject(new Error("no room"))).catch(() => {});
    const found = await Promise.all([1, 2, 3].map(() => shared("thing", make)));
    for (const one of found) assert.equal(one, { folder: `${folder}/thing`, made: { made: 1 } });
    assert.is(await Deno.readTextFile(`${folder}/thing/file`), "1");
  } finally {
    before === undefined ? Deno.env.delete("KVCAP_RUN") : Deno.env.set("KVCAP_RUN", before);
  }
});

const ALL = {
  full: false,
  parts: [],
  golden: false,
  host: undefined,
  deeper: false,
  engine: undefined,
  name: false,
  day: 0,
};

test("long files take turns in the quick run: three days take all, the deeper run the rest, and named parts are whole", () => {
  const flat = ({ gpu, plain, page }: Plan) => [...gpu, ...plain, ...page.map((path) => `${path} in a page`)].sort();
  const whole = flat(planOf({ ...ALL, full: true }));
  const met = new Set<string>();
  for (const day of [1, 2, 3]) {
    const quick = planOf({ ...ALL, day });
    const deeper = flat(planOf({ ...ALL, full: true, deeper: true, day }));
    assert.equal([...new Set([...flat(quick), ...deeper])].sort(), whole);
    assert.ok(deeper.length < whole.length);
    assert.ok(quick.left > 50 && flat(quick).includes("tests/golden/hf.page.test.ts on webgpu"));
    for (const path of flat(quick)) met.add(path);
  }
  const missed = whole.filter((path) => !met.has(path));
  assert.ok(missed.every((path) => path.includes(" on webgpu") || path.includes(".full.")), missed.join("\n"));
  const part = planOf({ ...ALL, parts: ["tests/cli"] });
  const files = [...Deno.readDirSync(new URL("../cli", import.meta.url))].filter(({ name }) =>
    /(?<!full)\.test\.ts$/.test(name)
  );
  assert.equal([part.left, new Set(flat(part).map((path) => path.split(" ")[0])).size], [0, files.length]);
});

test("three lanes begin with files of their own, those that start programs first", () => {
  const plan = planOf({ ...ALL, parts: ["tests/cli", "tests/architecture", "tests/page"] });
  const firsts = lanesOf(plan).map(([{ queues: [queue] }]) => queue[0]);
  assert.equal(firsts, [plan.gpu[0], plan.page[0], plan.plain[0]]);
  const at = (path: string) => plan.plain.indexOf(path);
  assert.ok(at("tests/cli/usage.test.ts") >= 0 && at("tests/cli/usage.test.ts") < at("tests/architecture.test.ts"));
});

test.run();
