// Snapshots: a restored core answers as its original would have, whatever the build; one that is not whole is refused.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { SCORE_GIVEN } from "../../assembly/abi.ts";
import { Core, type CoreShape } from "../../src/core/core.ts";
import { crc32 } from "../../src/core/snapshot.ts";
import { corePolicies as policies, type Policy, ruleFor } from "../../src/policies/core.ts";
import { eight, randomFrom, restored, ruleOf, scalarWasm, shape, throws, Trio } from "../support/trio.ts";

/** So many chunks of tokens, and evictions back to the budget, every answer compared with the twin's. */
function live(trio: Trio, random: () => number, steps: number, budget: number): void {
  const { lanes, capacity } = trio.cores[0];
  for (let step = 0; step < steps; step++) {
    const tokens = 1 + Math.floor(random() * (capacity - trio.live));
    trio.claim(tokens);
    const rows = Float32Array.from({ length: 3 * lanes * capacity }, random);
    trio.step(tokens, rows, Math.max(0, trio.live - budget));
  }
}

const same = suite("snapshot, restore and fork");
for (const policy of Object.values(policies) as Policy[]) {
  if (!policy.evicts) continue;
  same(`${policy.name} goes on to the last bit, SIMD from scalar and scalar from SIMD`, () => {
    for (const at of [0, 1, 5, 23]) { // steps: empty, filling, within a block of the window and beyond some
      const some: CoreShape = { layers: 2, kvHeads: 2, capacity: 19, window: policy.window && 8 };
      const trio = new Trio(some, ruleFor(policy, 16, { newest: 2, sinks: 1, unsettled: 5, seed: 9 }));
      const random = randomFrom(at + 1);
      trio.pin(at, at + 2);
      trio.pin(60, 62); // yet to come
      live(trio, random, at, 14);
      trio.exchange();
      live(trio, random, 40, 14);
      trio.fork();
      live(trio, random, 10, 14);
    }
  });
}
same("an original and its fork part only when their calls do", () => {
  const [core] = eight({ score: "random" }).cores;
  core.pin(9, 11);
  const fork = core.fork();
  const twins = [core, fork, restored(shape, core.snapshot(), scalarWasm)];
  for (let step = 0; step < 12; step++) {
    const answers = twins.map((core) => {
      core.claim(1);
      core.rows.fill(step / 16);
      return Array.from(core.step(1, 1));
    });
    assert.equal(answers[1], answers[0]);
    assert.equal(answers[2], answers[0]);
  }
  assert.equal(fork.snapshot(), core.snapshot());
  const before = core.snapshot();
  fork.evict(2);
  assert.equal(core.snapshot(), before);
  assert.not.equal(fork.snapshot(), before);
});
same("tokens claimed and not observed, and pins to come, are part of it", () => {
  const [core] = eight({ score: "recency" }).cores;
  core.claim(2);
  core.pin(8, 12);
  const other = restored(shape, core.snapshot());
  assert.is(other.pending, 2);
  throws(() => other.observe(1), "Cannot observe: queries must be the 2 tokens claimed since the last row, got 1");
  other.advance(2);
  other.claim(2);
  other.advance(2);
  assert.equal(Array.from(other.evict(8).subarray(0, 8)), [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.is(other.evictable, 0);
});
same("a snapshot may lie anywhere in a larger buffer, and is not kept", () => {
  const [core] = eight().cores;
  const bytes = core.snapshot();
  const buffer = new Uint8Array(bytes.length + 13);
  buffer.set(bytes, 5);
  const other = restored(shape, buffer.subarray(5, 5 + bytes.length));
  buffer.fill(0);
  assert.equal(other.snapshot(), bytes);
});
same("CRC-32 is that of zip", () => {
  assert.is(crc32(new TextEncoder().encode("123456789")), 0xcbf43926);
});
same.run();

const refuses = suite("restore refuses");
const [original] = eight({ score: "windowed" }).cores;
const good = original.snapshot();

/** A copy with one word changed, under a checksum that agrees. */
function forged(at: number, word: number, bytes = good): Uint8Array<ArrayBuffer> {
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  view.setUint32(at, word, true);
  view.setUint32(copy.length - 4, crc32(copy.subarray(0, copy.length - 4)), true);
  return copy;
}

/** Refused with this message, by both builds, which are then as they were. */
function refuse(bytes: unknown, message: string, kind?: ErrorConstructor): void {
  for (const core of eight({ score: "sum" }).cores) {
    core.pin(3, 20);
    const before = core.snapshot();
    throws(() => core.restore(bytes as Uint8Array), `Cannot restore: ${message}`, kind);
    assert.equal(core.snapshot(), before);
  }
}
refuses("what is no snapshot", () => {
  refuse(undefined, "a snapshot must be a Uint8Array, got undefined", TypeError);
  refuse("KVCS", "a snapshot must be a Uint8Array, got KVCS", TypeError);
  refuse(new Uint8Array(0), "a snapshot must have a head of 32 bytes and more, got 0 bytes");
  refuse(new Uint8Array(40), "a snapshot must begin with KVCS, got 00000000");
});
refuses("another version", () => refuse(forged(4, 2), "the snapshot must be of version 1, got 2"));
refuses("another shape", () => {
  const others: [CoreShape, string][] = [
    [{ ...shape, layers: 1, kvHeads: 4 }, "1 × 4 × 12 slots with a window of 4 rows"], // as many bytes
    [{ ...shape, capacity: 13 }, "2 × 2 × 13 slots with a window of 4 rows"],
    [{ ...shape, window: 0 }, "2 × 2 × 12 slots with a window of 0 rows"],
  ];
  for (const [other, told] of others) {
    refuse(
      Core.create(other, ruleOf({})).snapshot(),
      `the snapshot must be of 2 × 2 × 12 slots with a window of 4 rows, got ${told}`,
    );
  }
});
refuses("what is not whole", () => {
  for (const cut of [1, 4, 100, good.length - 36]) {
    const bytes = good.subarray(0, good.length - cut);
    refuse(bytes, `the snapshot must be ${good.length} bytes long, got ${bytes.length}`);
  }
  refuse(Uint8Array.from([...good, 0]), `the snapshot must be ${good.length} bytes long, got ${good.length + 1}`);
  refuse(
    forged(24, 2 ** 32 - 1),
    `the snapshot must be ${good.length + 8 * (2 ** 32 - 1)} bytes long, got ${good.length}`,
  );
  refuse(forged(28, 16), `the snapshot must be ${good.length} bytes long, got ${good.length}`);
});
refuses("damage anywhere, to the bit", () => {
  const [core] = eight().cores;
  const before = core.snapshot();
  for (let at = 0; at < good.length; at++) {
    const bytes = good.slice();
    bytes[at] ^= 1 << (at % 8);
    assert.throws(
      () => core.restore(bytes),
      (error: Error) => error.message.startsWith("Cannot restore: "),
      `byte ${at}`,
    );
  }
  assert.equal(core.snapshot(), before);
});
refuses("pins that cannot be", () => {
  const [core] = eight().cores;
  core.pin(6, 20);
  const bytes = core.snapshot();
  const spans = bytes.length - 12;
  for (const [at, word, got] of [[0, 21, "21 to 20"], [4, 8, "6 to 8"], [4, 2 ** 31, "6 to 2147483648"]] as const) {
    refuse(forged(spans + at, word, bytes), `the books must be those of a core, got tokens ${got} yet to be pinned`);
  }
});
refuses("books that contradict themselves", () => {
  const contradict = "the books must be those of a core, got some that contradict themselves";
  // State words, by their places in assembly/layout.ts: seen, clock, pending, live, extent, freed, …
  const bad: [word: number, values: number[]][] = [
    [0, [1]],
    [1, [1, 3]],
    [2, [11]],
    [3, [3]],
    [4, [7, 9, -1, 2 ** 31 - 1]],
    [5, [7, 9, -1]],
    [6, [1, -1]],
    [7, [7, 9, -1, 13]],
    [8, [7, 9, 13, -1]],
    [9, [1, -1]],
    [10, [1, -1]],
    [11, [5, -1]],
    [12, [2, -1]],
    [13, [2, -1]],
    [14, [7, 9, 25, -1]],
    [15, [9, -1]],
    [16, [-1]],
    [17, [-1, SCORE_GIVEN]],
    [18, [-1, 3]],
    [19, [-1]],
    [20, [-1]],
    [21, [-1]],
    [23, [-1, 3]],
    [25, [-1, 2]],
    [26, [0, 2]],
  ];
  for (const [word, values] of bad) for (const value of values) refuse(forged(32 + 4 * word, value), contradict);
  const ema = eight({ score: "ema", scope: "peak", halfLife: 3 }).cores[0].snapshot();
  for (const halfLife of [0, -1]) refuse(forged(32 + 4 * 22, halfLife, ema), contradict);
  for (const value of [0x7fc00000, 0x7f800000, 0xbf800000]) { // e and m of slot 2 of lane 1
    for (const region of [1, 2]) refuse(forged(32 + 112 + 4 * (48 * region + 12 + 2), value, ema), contradict);
  }
  // Slot 2 of lane 1 in each region of 48 words; the log has 96.
  const at = (region: number, slot = 2) => 32 + 112 + 4 * (48 * region + 12 + slot);
  const [sum, sumsq, , birth, position, loose, order, , freed] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  for (const region of [sum, sumsq]) {
    for (const value of [0x7fc00000, 0x7f800000, 0x80000000, 0xbf800000]) refuse(forged(at(region), value), contradict);
  }
  for (const value of [3, -1, 9]) refuse(forged(at(birth), value), contradict);
  for (const value of [3, -1, 8, -2, 2 ** 31 - 1]) refuse(forged(at(position), value), contradict);
  for (const value of [3, -1, 7]) refuse(forged(at(loose), value), contradict); // nothing was pinned
  refuse(forged(at(position, 9), 3), contradict); // a slot never used
  refuse(forged(at(loose, 9), 3), contradict);
  const log = at(order) + 4 * 12; // lane 1 begins 24 words in
  for (const value of [3, 8, 12, -1]) refuse(forged(log, value), contradict);
  const [core] = eight().cores;
  core.evict(3);
  const some = core.snapshot();
  const stack = at(freed, 0);
  const [first, second] = new Uint32Array(some.buffer, stack, 2);
  refuse(forged(32 + 4 * 3, 4, forged(stack, second, some)), contradict);
  const wrong = Core.create(shape, ruleOf({}));
  for (const value of [second, 12, -1, [0, 1, 2, 3, 4, 5, 6, 7].find((slot) => core.positions[12 + slot] >= 0)!]) {
    throws(() => wrong.restore(forged(stack, value, some)), `Cannot restore: ${contradict}`);
  }
  assert.not.equal(first, second);
  wrong.restore(some);
});
refuses.run();
