// 2 000 tokens under a budget: live slots stay within it and memory does not grow.
// The quick run makes half as many under one policy, drawn anew every day.
import * as assert from "uvu/assert";
import { load } from "../../src/load.ts";
import { chosen, depth } from "../support/depth.ts";
import { engineSuite, onEngine } from "../support/engine.ts";
import { repoPath } from "../support/files.ts";
import { allocating } from "../support/inside.ts";

const TOKENS = depth(1000, 2000);
const BUDGET = 48;
const STRIDE = 16;

const test = await engineSuite("soak");
for (const policy of chosen(["roco", "h2o", "tova", "recency", "random"] as const, () => "any")) {
  test(`${policy}: ${TOKENS} tokens in ${BUDGET} slots`, async () => {
    const model = await load(repoPath("models/fable-2m"), await onEngine());
    const session = model.session({ policy, budget: BUDGET, stride: STRIDE });
    const prompt = model.tokenizer.encode("The fox and the crow met again and again. ".repeat(12), { bos: true });
    assert.ok(prompt.length > 2 * BUDGET);
    const bytes = model.gpuBytes;
    let most = 0;
    let steps = 0;
    let made: ReturnType<typeof allocating> | null = null;
    let resident = 0;
    const onToken = () => {
      made ??= allocating(model); // from the first token on
      steps++;
      most = Math.max(most, session.report().liveSlots, ...session.livePositions().map((lane) => lane.length));
      if (steps === TOKENS / 4) resident = Deno.memoryUsage().rss;
    };
    const options = { maxNewTokens: TOKENS, banned: model.config.eosIds, onToken, temperature: 1, seed: 1 };
    for await (const _ of session.generate(prompt, options));
    made!.stop();
    const report = session.report();
    assert.is(report.newTokens, TOKENS);
    assert.ok(most <= BUDGET, `${most} live slots after a step`);
    assert.is(report.maxLiveSlots, BUDGET + STRIDE);
    assert.is(report.evictions, prompt.length + TOKENS - 1 - BUDGET);
    assert.is(model.gpuBytes, bytes);
    assert.is(made!.count, 0);
    // The software adapter keeps buffers in this process: from a quarter of the tokens on it may not grow by even a copy of the cache a step.
    const grown = Deno.memoryUsage().rss - resident;
    assert.ok(grown < 64 << 20, `resident memory grew by ${grown} bytes`);
    session.dispose();
    model.dispose();
  });
}
test.run();
