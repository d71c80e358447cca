// Snapshots that a forger changed under a checksum that agrees: each is refused, or the core goes on within its bounds.
// The quick run forges half as many.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Core, type CoreRule, type CoreShape } from "../../src/core/core.ts";
import { POOLS, readsWindow, SCOPES, SCORES } from "../../src/core/rule.ts";
import { crc32 } from "../../src/core/snapshot.ts";
import { corePolicies as policies, type Policy, ruleFor } from "../../src/policies/core.ts";
import { depth, seed } from "../support/depth.ts";
import { randomFrom, ruleOf, scalarWasm } from "../support/trio.ts";

const FORGERIES = depth(600, 2000);
const STEPS = 50;
const HEADER = 32; // bytes

type Below = (n: number) => number;

const withoutWindow = SCORES.filter((score) => !readsWindow(score));

function anyRule(below: Below, window: number): CoreRule {
  const scores = window ? SCORES : withoutWindow;
  return ruleOf({
    score: scores[below(scores.length)],
    scope: SCOPES[below(SCOPES.length)],
    unsettled: below(8),
    peaks: below(8),
    halfLife: 1 + below(40),
    sinks: below(4),
    newest: below(4),
    pool: POOLS[below(POOLS.length)],
    width: 3,
    shared: below(4) === 0,
  });
}

/** Calls of every kind; a refusal is an answer. A trap is none, and a core that hangs is ended by the runner. */
function use(core: Core, below: Below, steps: number): void {
  const calls = [
    () => core.claim(1 + below(3), below(8) > 0),
    () => core.claim(Math.max(1, core.capacity - core.live)),
    () => core.observe(core.pending),
    () => core.advance(core.pending),
    () => core.step(core.pending, below(3)),
    () => core.step(core.pending, 1),
    () => core.evict(1 + below(4)),
    () => core.evict(core.evictable),
    () => core.evictBy((_, { positions }, scores) => scores.set(positions.map((at) => -at % 5)), 1),
    () => core.free(core.choose(1)),
    () => core.pin(below(core.seen + 1), core.seen + below(3)),
    () => core.setRule(anyRule(below, core.window)),
    () => core.showScores(),
    () => core.liveList(),
  ];
  for (let step = 0; step < steps; step++) {
    for (let i = 0; i < core.rows.length; i++) core.rows[i] = below(9) / 8;
    try {
      calls[below(calls.length)]();
    } catch (error) {
      if (!(error as Error).message.startsWith("Cannot ")) throw error;
    }
  }
}

/** Changes one or several bytes, or words to numbers that mean something, or swaps two words; anywhere, or in the state. */
function forge(good: Uint8Array, below: Below): Uint8Array {
  const bytes = good.slice();
  const view = new DataView(bytes.buffer);
  const end = bytes.length - 4;
  const span = below(3) === 0 ? 112 : end - HEADER; // bytes after the head
  const word = () => HEADER + 4 * below(span >> 2);
  for (let changes = 1 + (below(2) ? 0 : below(8)); changes > 0; changes--) {
    const kind = below(5);
    if (kind === 0) bytes[HEADER + below(span)] ^= 1 << below(8);
    else if (kind === 1) bytes[HEADER + below(span)] = below(256);
    else if (kind === 2) view.setInt32(word(), [-1, 0, 2 ** 31 - 1, -(2 ** 31), below(2 ** 31)][below(5)], true);
    else if (kind === 3) view.setInt32(word(), below(24), true);
    else {
      const [a, b] = [word(), word()];
      const first = view.getInt32(a, true);
      view.setInt32(a, view.getInt32(b, true), true);
      view.setInt32(b, first, true);
    }
  }
  view.setUint32(end, crc32(bytes.subarray(0, end)), true);
  return bytes;
}

const test = suite("forged snapshots");
for (const [build, wasm] of [["SIMD", undefined], ["scalar", scalarWasm]] as const) {
  test(`${FORGERIES} are refused or lead nowhere they should not, ${build}`, () => {
    const counts = { refused: 0, taken: 0 };
    const list = Object.values(policies) as Policy[];
    for (let run = seed * FORGERIES; run < (seed + 1) * FORGERIES; run++) {
      const random = randomFrom(run);
      const below: Below = (n) => Math.floor(random() * n);
      const policy = list[below(list.length)];
      const shape: CoreShape = { layers: 1, kvHeads: 1 + below(2), capacity: 4 + below(16), window: below(2) && 4 };
      const rule = policy.window && !shape.window ? ruleOf({}) : ruleFor(policy, shape.capacity);
      const core = Core.create(shape, rule, wasm);
      use(core, below, below(60));
      const good = core.snapshot();
      const bytes = forge(good, below);
      const memory = new Uint8Array(core.rows.buffer);
      const before = memory.slice(0, core.rows.byteOffset - new DataView(good.buffer).getUint32(28, true)); // its own data
      try {
        core.restore(bytes);
        counts.taken++;
      } catch (error) {
        assert.match((error as Error).message, "Cannot restore: the books must be those of a core, got ");
        assert.equal(core.snapshot(), good);
        counts.refused++;
        continue;
      }
      assert.equal(core.snapshot(), bytes);
      use(core, below, STEPS);
      core.restore(core.snapshot()); // the books still agree with themselves
      assert.ok(memory.subarray(core.bytes).every((byte) => byte === 0), `run ${run} wrote beyond the arena`);
      assert.equal(memory.slice(0, before.length), before, `run ${run} wrote before the arena`);
    }
    assert.ok(counts.refused > FORGERIES / 4 && counts.taken > FORGERIES / 4, JSON.stringify(counts));
    console.log(`    ${counts.refused} refused, ${counts.taken} taken`);
  });
}
test.run();
