// The queue on a Redis server: what others left there keeps nobody from their results.
import { type Job, Queue, Worker } from "bullmq";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import about from "../../package.json" with { type: "json" };
import { UnitQueue } from "../../src/cli/queue.ts";
import { digest } from "../../src/engine/sha256.ts";
import { checkPlan } from "../../src/eval/plan.ts";
import { isMeasured, type Result, resultOf } from "../../src/eval/results.ts";
import { idOf, unitsOf } from "../../src/eval/units.ts";
import { endAll, waitFor } from "../support/children.ts";
import { spawn } from "../support/command.ts";
import { Redis, redisServer } from "../support/redis.ts";

const NAME = `kvcap-${about.version}`;
const TEXT = "any text";
const [unit] = unitsOf(
  checkPlan({ policies: ["full"], tasks: [{ task: "passkey", documents: 1, length: 60 }], load: { device: "wasm" } }),
  TEXT,
);
const id = `unit-${idOf(unit)}`;
const found: Result = resultOf(unit, null, { metrics: { found: 1 }, cost: { budget: 1, kvBytes: 1 }, documents: [] });

const test = suite("queue");
const online = redisServer ? test : test.skip;
let folder: string;
let redis: Redis;
let queue: Queue;

test.before.each(async () => {
  folder = await Deno.makeTempDir({ prefix: "kvcap-queue-" });
  if (!redisServer) return;
  redis = await Redis.open(folder);
  queue = new Queue(NAME, { connection: { host: "127.0.0.1", port: redis.port } });
});
test.after.each(async () => {
  await queue?.close();
  await redis?.close();
  await Deno.remove(folder, { recursive: true });
});

/** What is collected of the unit, within some seconds. */
async function collected(): Promise<Result[]> {
  const results: Result[] = [];
  const mine = await UnitQueue.open(new URL(redis.url));
  const all = mine.measure([unit], TEXT, false, (result) => results.push(result));
  await Promise.race([all, new Promise((done) => setTimeout(done, 12_000))]);
  await mine.close();
  return results;
}

online("a result behind more than a hundred of plans that nobody collects is found", async () => {
  await queue.addBulk([
    { name: "unit", data: { unit }, opts: { jobId: id } },
    ...Array.from({ length: 120 }, (_, i) => ({ name: "unit", data: { unit }, opts: { jobId: `unit-other${i}` } })),
  ]);
  const worker = new Worker(NAME, (_: Job) => Promise.resolve(found), {
    connection: { host: "127.0.0.1", port: redis.port },
  });
  await waitFor("all done", async () => await queue.getCompletedCount() === 121 || undefined);
  await worker.close();
  assert.equal(await collected(), [found]);
});

online("a machine that met a unit before its text was there measures it when it is", async () => {
  const child = spawn(["sweep", "--workers", "1", "--queue", redis.url]);
  try {
    await queue.add("unit", { unit, text: digest(TEXT), times: false }, { jobId: id });
    await waitFor("a failure", async () => await queue.getFailedCount() === 1 || undefined);
    const results = await collected();
    assert.is(results.length, 1);
    assert.ok(isMeasured(results[0]), JSON.stringify(results[0]));
  } finally {
    endAll([child]);
  }
});

test.run();
