// A sweep of 500 units over four workers on a Redis server, two of the workers and one machine killed, the server killed and
// started again: byte for byte what one worker writes.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { endAll, killChild, linesIn } from "../support/children.ts";
import { ended, kvcap, spawn } from "../support/command.ts";
import { Redis, redisServer } from "../support/redis.ts";

const folder = await Deno.makeTempDir({ prefix: "kvcap-sweep-" });
const test = suite("command line: sweep of 500 units");
const run = redisServer ? test : test.skip;

run("the bytes of one worker, whoever is killed", async () => {
  const plan = `${folder}/plan.yaml`;
  const seeds = Array.from({ length: 50 }, (_, i) => i);
  await Deno.writeTextFile(
    plan,
    "tasks: [{ task: passkey, documents: 1, length: 80 }]\npolicies: [roco, h2o, recency, snapkv, random]\n" +
      `budgets: [50%, 20]\nseeds: [${seeds}]\nload: { device: wasm }\n`,
  );
  const out = (name: string) => `${folder}/${name}.jsonl`;
  const args = (name: string) => [plan, "--no-times", "--out", out(name)];
  const one = await kvcap(["eval", ...args("one")]);
  assert.is(one.code, 0, one.stderr);
  const wanted = await Deno.readTextFile(out("one"));
  assert.is(wanted.split("\n").length - 1, 500);
  const redis = await Redis.open(folder);
  const machines = [2, 1].map((count) => spawn(["sweep", "--workers", `${count}`, "--queue", redis.url]));
  try {
    const child = spawn(["sweep", ...args("four"), "--workers", "1", "--queue", redis.url]);
    machines.push(child);
    await linesIn(out("four"), 50);
    await killChild(machines[0].pid);
    await linesIn(out("four"), 120);
    await killChild(child.pid);
    await linesIn(out("four"), 200);
    await redis.restart(500);
    await linesIn(out("four"), 250);
    machines[1].kill("SIGKILL"); // the machine's unit is another's when its lock has expired
    const { code, stdout, stderr } = await ended(child);
    assert.is(code, 0, stderr);
    assert.is(await Deno.readTextFile(out("four")), wanted);
    assert.is(stdout, one.stdout);
    machines[0].kill("SIGINT");
    await ended(machines[0]);
  } finally {
    endAll(machines);
    await redis.close();
  }
});

test.after(() => Deno.remove(folder, { recursive: true }));
test.run();
