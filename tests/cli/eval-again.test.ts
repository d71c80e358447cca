// The command eval goes on where it was ended, and leaves alone what is there.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Measurement, Result } from "../../src/eval/results.ts";
import { ended, kvcap, kvcapRefuses, spawn } from "../support/command.ts";

const folder = await Deno.makeTempDir({ prefix: "kvcap-eval-" });
const TINY = ["--documents", "2", "--length", "96", "--no-times", "--device", "wasm"];
const read = (name: string) => Deno.readTextFile(`${folder}/${name}`);
const lines = <T = Measurement>(text: string): T[] => text.trim().split("\n").map((line) => JSON.parse(line));

const test = suite("command line: eval, again");

test("ended at any moment it goes on, to the same file, and while it is there nobody else writes to it", async () => {
  const args = ["eval", "--policies", "full,roco,h2o", "--budgets", "50%,25%,30", ...TINY];
  const plan = `${folder}/plan.yaml`;
  await Deno.writeTextFile(plan, "tasks: [passkey]\n");
  const whole = await kvcap([...args, "--out", `${folder}/whole.jsonl`]);
  assert.is(whole.code, 0, whole.stderr);
  const wanted = await read("whole.jsonl");
  assert.is(lines(wanted).length, 2 * (1 + 2 * 3));
  const child = spawn([...args, "--out", `${folder}/torn.jsonl`]);
  for (let count = 0; count < 3;) {
    await new Promise((done) => setTimeout(done, 20));
    count = (await read("torn.jsonl").catch(() => "")).split("\n").length - 1;
  }
  child.kill("SIGSTOP"); // it holds the file, and does nothing
  const held = await read("torn.jsonl");
  for (const command of [args, ["sweep", plan]]) {
    const words = "torn.jsonl must be written by one program at a time, got another that measures into it";
    await kvcapRefuses([...command, "--out", `${folder}/torn.jsonl`], 1, words);
  }
  assert.is(await read("torn.jsonl"), held);
  child.kill("SIGKILL");
  await ended(child);
  const before = await read("torn.jsonl");
  assert.ok(before.length < wanted.length);
  await Deno.writeTextFile(
    `${folder}/torn.jsonl`,
    before + lines<Result>(wanted).map((one) => JSON.stringify(one))[13].slice(0, 99),
  );
  const again = await kvcap([...args, "--out", `${folder}/torn.jsonl`]);
  assert.is(again.code, 0, again.stderr);
  assert.is(await read("torn.jsonl"), wanted);
  assert.is(again.stdout, whole.stdout);
});

test("what is there is not measured again, and what the plan lacks stays", async () => {
  const out = `${folder}/twice.jsonl`;
  const args = ["eval", "--tasks", "passkey", "--budgets", "50%", ...TINY, "--out", out];
  assert.is((await kvcap([...args, "--policies", "h2o"])).code, 0);
  const [first] = lines(await Deno.readTextFile(out));
  const changed = { ...first, metrics: { found: 0.125 } }; // as no measurement would find it
  await Deno.writeTextFile(out, `${JSON.stringify(changed)}\n`);
  assert.is((await kvcap([...args, "--policies", "recency,h2o"])).code, 0);
  const both = lines(await Deno.readTextFile(out));
  assert.equal(both.map(({ unit }) => unit.policy), ["recency", "h2o"]);
  assert.equal(both[1], changed);
  assert.is((await kvcap([...args, "--policies", "roco"])).code, 0);
  assert.equal(lines(await Deno.readTextFile(out)).map(({ unit }) => unit.policy), ["roco", "recency", "h2o"]);
});

test.after(() => Deno.remove(folder, { recursive: true }));
test.run();
