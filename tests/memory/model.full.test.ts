// A model of real size inside a hard bound on GPU memory: three bounds, never exceeded, and 1 024 slots in 160 MB.
import * as assert from "uvu/assert";
import { load } from "../../src/load.ts";
import { gpuSuite, testDevice } from "../support/device.ts";
import { modelFolder } from "../support/files.ts";

const FILE = "smollm2-135m/SmolLM2-135M-Instruct.Q4_1.gguf";
const test = await gpuSuite("memory of a model of 135 million weights");

test("SmolLM2 in 110, 130 and 160 MB", async () => {
  const place = await modelFolder(FILE);
  if (!place) return console.log(`  ${FILE} is not here: nothing is checked`);
  for (const memory of [110e6, 130e6, 160e6]) {
    const model = await load(place, { device: (await testDevice())!, memory });
    try {
      const wanted = memory === 160e6 ? { budget: 1024, exactBudget: true } : {};
      const session = model.session(wanted);
      for await (const _ of session.generate("The capital of France is", { maxNewTokens: 3 }));
      const { budget, kv } = session.options;
      assert.is(kv, "f16");
      assert.ok(model.peakGpuBytes <= memory, `${model.peakGpuBytes} of ${memory}`);
      console.log(`    ${memory / 1e6} MB: ${budget} slots, ${(model.peakGpuBytes / 1e6).toFixed(1)} MB at most`);
      if (memory < 160e6) assert.ok(model.peakGpuBytes > 0.999 * memory, "all of it is used");
    } finally {
      model.dispose();
    }
  }
});
test.run();
