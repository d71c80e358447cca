// The benchmark of the core runs in Deno and in a page, refuses a build that differs, and draws what it measured.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { chart } from "../../bench/core-chart.ts";
import { header, promiseLines, timeLine } from "../../bench/core-report.ts";
import { benchInChromium } from "../../bench/core-page.ts";
import { benchCore, type CorePromises, type CoreTime } from "../../bench/core-times.ts";
import { corePolicies as all } from "../../src/policies/core.ts";
import { scalarWasm } from "../support/trio.ts";

const policies = Object.values(all).filter(({ evicts }) => evicts).map(({ name }) => name);

const bench = suite("bench of the core");
bench("times every policy, and says so as it goes", async () => {
  const told: (CorePromises | CoreTime)[] = [];
  const { promises, times } = await benchCore(
    scalarWasm,
    { layers: [1], slots: [256], samples: 1 },
    (what) => told.push(what),
  );
  assert.equal(told, [promises, ...times]);
  assert.equal(
    times.map(({ policy, evict }) => `${policy} ${evict}`),
    policies.flatMap((name) => [`${name} 1`, `${name} 64`]),
  );
  for (const { policy, layers, slots, evict, ...numbers } of times) {
    assert.equal([layers, slots], [1, 256]);
    for (const [name, n] of Object.entries(numbers)) {
      assert.ok(n > 0 && n < Infinity, `${policy} ${evict}: ${name} ${n}`);
    }
  }
  assert.equal(promises.linear.map(({ slots }) => slots), [64, 256, 1024, 4096, 16384, 65536]);
  for (const line of [...promiseLines(promises), ...times.map(timeLine)]) assert.not.match(line, /NaN|undefined/);
  assert.is(timeLine(times[0]).length, header.length);
});
(Deno.env.get("KVCAP_CHROMIUM") ? bench : bench.skip)("times them in a page, too", async () => {
  const told: string[] = [];
  const sizes = { layers: [1], slots: [256], samples: 1 };
  const result = await benchInChromium(sizes, (what) => told.push("policy" in what ? what.policy : "promises"));
  assert.equal(told, ["promises", ...policies.flatMap((name) => [name, name])]);
  for (const { policy, ms, ofCopy } of result!.times) assert.ok(ms > 0 && ofCopy > 0 && ofCopy < Infinity, policy);
});
bench("stops at a build that differs", async () => {
  // The module with another constant in the hash of its random draws.
  const bytes = scalarWasm.slice();
  const hash = [0xeb, 0x94, 0xaf, 0xaf, 0x78]; // 0x85ebca6b, as Wasm writes it
  const at = bytes.findIndex((_, i) => hash.every((byte, j) => bytes[i + j] === byte));
  assert.ok(at > 0, "the constant is in the module");
  bytes[at] ^= 1;
  try {
    await benchCore(bytes, { layers: [], slots: [], samples: 1 });
  } catch (error) {
    assert.is((error as Error).message, "random, evict 1: scalar differs from the twin");
    return;
  }
  assert.unreachable("must throw");
});
bench("the chart is a picture of the largest size", () => {
  const time = { evict: 1, ms: 1, gbPerSecond: 1, ofCopy: 1, nsPerSlot: 0.5, scalar: 4, javascript: 10, twin: 300 };
  const times = [1, 32].flatMap((layers) =>
    policies.map((policy): CoreTime => ({ ...time, policy, layers, slots: 4096 }))
  );
  const svg = chart([...times, { ...times[0], evict: 64 }], "a test");
  assert.match(svg, "32 layers × 8 KV heads × 4096 slots");
  assert.is(svg.match(/<circle/g)!.length, 4 * (policies.length + 1));
  for (
    const [kind, ns] of [["Wasm, SIMD", "0.50"], ["Wasm, scalar", "2.00"], ["JavaScript", "5.00"], [
      "naive twin",
      "150.00",
    ]]
  ) {
    assert.match(svg, `<title>roco, ${kind}: ${ns} ns</title>`);
  }
  assert.not.match(svg, /NaN|undefined/);
});
bench.run();
