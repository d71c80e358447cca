// The command sweep: by several processes, which may be killed, the same bytes as by one; and over a Redis server, likewise.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Result } from "../../src/eval/results.ts";
import { endAll, killChild, linesIn, waitFor } from "../support/children.ts";
import { ended, kvcap, kvcapRefuses, spawn } from "../support/command.ts";
import { depth } from "../support/depth.ts";
import { Redis, redisServer } from "../support/redis.ts";

const folder = await Deno.makeTempDir({ prefix: "kvcap-sweep-" });
const plan = `${folder}/plan.yaml`;
const SEEDS = depth([0], [0, 1]);
const UNITS = 20 * SEEDS.length; // half of them of a model that is not there
await Deno.writeTextFile(
  plan,
  "models: [fable-2m, no/such/model]\ntasks: [{ task: passkey, documents: 1, length: 100 }, " +
    "{ task: agreement, documents: 1, length: 60, newTokens: 6 }]\n" +
    `policies: [full, roco, h2o]\nbudgets: [50%, 30%]\nseeds: [${SEEDS}]\nload: { device: wasm }\n`,
);
const out = (name: string) => `${folder}/${name}.jsonl`;
const args = (name: string, command = "sweep") => [command, plan, "--no-times", "--out", out(name)];
const results = async (name: string): Promise<Result[]> =>
  (await Deno.readTextFile(out(name))).trim().split("\n").map((line) => JSON.parse(line));
const wanted = kvcap(args("one", "eval")); // by one process, in order

const test = suite("command line: sweep");

test("three workers, one of them killed twice: the bytes of one", async () => {
  const one = await wanted;
  const child = spawn([...args("three"), "--workers", "3"]);
  await linesIn(out("three"), 1);
  const first = await killChild(child.pid);
  await linesIn(out("three"), 4);
  await killChild(child.pid, [first]);
  const { code, stdout, stderr } = await ended(child);
  assert.is(code, 1, stderr); // the model that is not there
  assert.is(await Deno.readTextFile(out("three")), await Deno.readTextFile(out("one")));
  assert.is(stdout, one.stdout);
  assert.is(stderr, one.stderr);
  const failed = (await results("three")).filter((result) => "error" in result);
  assert.equal([...new Set(failed.map(({ unit }) => unit.model))], ["no/such/model"]);
  assert.is(failed.length * 2, (await results("three")).length);
});

test("ended with workers at work it goes on at once", async () => {
  await wanted;
  const child = spawn([...args("ended"), "--workers", "2"]);
  await linesIn(out("ended"), 3);
  child.kill("SIGKILL"); // its workers go when they find nobody to tell
  const { code, stderr } = await kvcap([...args("ended"), "--workers", "2"]);
  assert.is(code, 1, stderr); // the model that is not there
  assert.is(await Deno.readTextFile(out("ended")), await Deno.readTextFile(out("one")));
  assert.is((await ended(child)).stderr, "");
});

test("status says how far it is, and nothing is changed by asking", async () => {
  await wanted;
  const all = await Deno.readTextFile(out("one"));
  const some = all.split("\n").slice(0, 5).join("\n") + "\n" + all.slice(0, 50); // a torn line behind it
  await Deno.writeTextFile(out("some"), some);
  const { stdout } = await kvcap(["sweep", "status", plan, "--out", out("some")]);
  assert.is(stdout, `5 of ${UNITS} units done, 0 failed, ${UNITS - 5} left\n`);
  assert.is(await Deno.readTextFile(out("some")), some);
  const json = await kvcap(["sweep", "status", plan, "--out", out("one"), "--json"]);
  assert.equal(JSON.parse(json.stdout), { units: UNITS, done: UNITS / 2, failed: UNITS / 2, left: 0 });
});

test("a unit whose worker ends three times is given up, and said", async () => {
  const child = spawn([
    ...["sweep", plan, "--no-times", "--out", out("given-up"), "--workers", "1", "--models", "fable-2m"],
    ...["--policies", "full", "--tasks", "passkey", "--seeds", "0"],
  ]);
  const killed: number[] = [];
  while (killed.length < 3) killed.push(await killChild(child.pid, killed));
  const { code, stderr } = await ended(child);
  assert.is(code, 1);
  assert.match(
    stderr,
    /^Cannot measure the unit: its process must go on, got one that ended 3 times \(npm start -- eval /,
  );
});

const online = redisServer ? test : test.skip;
online("machines on a Redis server that is killed and started again: the bytes of one", async () => {
  await wanted;
  const redis = await Redis.open(await Deno.makeTempDir({ dir: folder }));
  const asked = async () => {
    const { stdout } = await kvcap(["sweep", "status", plan, "--out", out("queue"), "--queue", redis.url, "--json"]);
    return JSON.parse(stdout);
  };
  const processes: Deno.ChildProcess[] = [];
  try {
    const child = spawn([...args("queue"), "--workers", "0", "--queue", redis.url]);
    processes.push(child);
    await waitFor("queue of all units", async () => (await asked()).queue.waiting === UNITS || undefined);
    assert.equal(await asked(), {
      units: UNITS,
      done: 0,
      failed: 0,
      left: UNITS,
      queue: { waiting: UNITS, active: 0 },
    });
    const machines = [1, 2].map(() => spawn(["sweep", "--workers", "1", "--queue", redis.url]));
    processes.push(...machines);
    await linesIn(out("queue"), 2);
    await killChild(machines[0].pid);
    await redis.restart(300);
    const { code, stderr } = await ended(child);
    assert.is(code, 1, stderr);
    assert.is(await Deno.readTextFile(out("queue")), await Deno.readTextFile(out("one")));
    const begun = await Promise.all(machines.map(async (machine) => {
      machine.kill("SIGINT");
      const { code, stderr } = await ended(machine);
      assert.is(code, 0, stderr);
      return stderr.split("\n").filter((line) => line.startsWith("npm start -- eval")).length;
    }));
    assert.ok(begun.every((count) => count > 0), `each took its part: ${begun}`);
  } finally {
    endAll(processes);
    await redis.close();
  }
});

test("what it cannot do", async () => {
  const cases: [string[], number, string][] = [
    [["sweep"], 2, "sweep takes one plan, got none"],
    [["sweep", plan], 2, "sweep needs --out FILE for its results, got none"],
    [["sweep", plan, "--out", "x", "--workers", "0"], 2, '--workers must be a whole number from 1 to 256, got "0"'],
    [
      ["sweep", plan, "--queue", "http://user:secret@x"],
      2,
      '--queue must be a Redis server, as redis://localhost:6379, got "http://…@x"',
    ],
    [
      ["sweep", plan, "--queue", "redis://user:%zz@x"],
      2,
      '--queue must be a Redis server, as redis://localhost:6379, got "redis://…@x"',
    ],
    [
      ["sweep", plan, "--queue", "redis://x?db=2"],
      2,
      '--queue must be a Redis server, as redis://localhost:6379, got "redis://x?db=2"',
    ],
    [
      ["sweep", plan, "--out", out("none"), "--queue", "redis://127.0.0.1:9"],
      1,
      "Cannot open the queue: a Redis server must answer at 127.0.0.1:9, got: ",
    ],
  ];
  for (const [args, wanted, words] of cases) {
    await kvcapRefuses(args, wanted, words);
  }
});

test.after(async () => {
  await wanted;
  await Deno.remove(folder, { recursive: true });
});
test.run();
