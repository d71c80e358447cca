// What a session asks of the GPU: one submission and one wait a step, no buffer that is not given back.
import * as assert from "uvu/assert";
import { load, type Model } from "../../src/load.ts";
import { fewOf } from "../support/depth.ts";
import { gpuSuite, testDevice } from "../support/device.ts";
import { inBrowser, repoPath } from "../support/files.ts";
import { onGpu } from "../support/inside.ts";
import { say } from "../support/say.ts";
import { counting } from "../support/spies.ts";

/** What the quick run takes in a page. */
const HOST = ["a decode step makes nothing", "dispose gives every buffer back"];
const whole = await gpuSuite("session on the GPU");
const test = inBrowser ? fewOf(whole, HOST) : whole;
let model: Model;
test.before(async () => {
  model = await load(repoPath("models/fable-2m"), { device: (await testDevice())!, sampling: "greedy" });
});
test.after(() => model.dispose());

test("a decode step makes nothing, submits once and maps once", async () => {
  const session = model.session({ policy: "roco", budget: 24, stride: 8 });
  await say(session, { maxNewTokens: 10 });
  const { device } = onGpu(model).gpu;
  const calls = counting(device, device.queue, GPUBuffer.prototype);
  try {
    const { newTokens, promptTokens } = await say(session, { maxNewTokens: 20, banned: model.config.eosIds });
    const steps = newTokens - 1 + Math.ceil(promptTokens / 8);
    assert.is(calls.counts.submit, steps);
    assert.is(calls.counts.mapAsync, steps);
    assert.is(calls.counts.createCommandEncoder, steps);
    const made = Object.keys(calls.counts).filter((name) =>
      name.startsWith("create") && name !== "createCommandEncoder"
    );
    assert.equal(made, []);
  } finally {
    calls.stop();
  }
  session.dispose();
});

test("dispose gives every buffer back", async () => {
  const before = model.gpuBytes;
  const { device } = onGpu(model).gpu;
  const calls = counting(device, device.queue, GPUBuffer.prototype);
  try {
    const session = model.session({ budget: 32, stride: 4 });
    assert.ok(model.gpuBytes > before);
    await say(session, { maxNewTokens: 4 });
    session.dispose();
    session.dispose();
    assert.is(model.gpuBytes, before);
    const full = model.session({ policy: "full" }); // grows between generations
    await say(full, { maxNewTokens: 4 });
    await say(full, { maxNewTokens: 40 });
    full.dispose();
    assert.is(model.gpuBytes, before);
    assert.is(calls.counts.destroy, calls.counts.createBuffer);
  } finally {
    calls.stop();
  }
});

test("weights split by a small binding limit give the same ids", async () => {
  const whole = model.session({ budget: 32 });
  const { ids } = await say(whole, { maxNewTokens: 20 });
  whole.dispose();
  for (const maxBinding of [100_000, 60_000]) { // the embedding alone has 786 432 bytes
    const split = await load(repoPath("models/fable-2m"), {
      device: (await testDevice())!,
      maxBinding,
      sampling: "greedy",
    });
    assert.ok(onGpu(split).weights.embedding.parts.length > 7);
    const session = split.session({ budget: 32, stride: 8 });
    assert.equal((await say(session, { maxNewTokens: 20 })).ids, ids);
    split.dispose();
  }
});

test.run();
