// A cache of downloads among random faults: servers that break off, are in trouble, answer late, know no ranges or bring another version; a
// disk without room; files damaged meanwhile. What is read is right or refused in one sentence, and once all is well again the cache is, too.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { cachedSource } from "../../src/files/cached.ts";
import { folderStore } from "../../src/files/cache/folder.ts";
import { KvcapError } from "../../src/errors.ts";
import { dice, type Roll } from "../support/damage.ts";
import { depth, seed } from "../support/depth.ts";
import { type Behaviour, content, freshStore, reach, sameBytes, smallDisk, startWeights } from "../support/weights.ts";

const TRIALS = depth(15, 250);
const test = suite("download, among faults");

/** So many of what is drawn. */
const some = <T>(roll: Roll, most: number, draw: () => T): T[] => Array.from({ length: roll(most + 1) }, draw);

/** How a version of a file is served for a while. */
function faulty(roll: Roll, version: number, size: number): Behaviour {
  return {
    ...{ size, seed: version, etag: `"${version}"` },
    breaks: some(roll, 4, () => roll(size + 1)),
    statuses: some(roll, 3, () => [0, 0, 503, 500, 429, 404, 403][roll(7)]),
    ...(roll(4) === 0 ? { ranges: false } : {}),
    ...(roll(6) === 0 ? { slow: 5 } : {}),
    ...(roll(8) === 0 ? { headers: { "content-encoding": "zstd" } } : {}),
    ...(roll(8) === 0 ? { headers: { "retry-after": "0" } } : {}),
  };
}

/** Damages a file of the cache: cut, changed, gone. Not a part of one: without a hub's sum nobody knows what it was. */
async function damage(folder: string, roll: Roll): Promise<void> {
  const files: string[] = [];
  for (const { name } of Deno.readDirSync(folder)) {
    for (const inner of Deno.readDirSync(`${folder}/${name}`)) {
      if (inner.isFile && !inner.name.endsWith(".part")) files.push(`${folder}/${name}/${inner.name}`);
    }
  }
  if (files.length === 0) return;
  const path = files[roll(files.length)];
  const bytes = await Deno.readFile(path);
  if (roll(4) === 0) return await Deno.remove(path);
  if (roll(3) === 0) return await Deno.writeFile(path, bytes.subarray(0, roll(bytes.length + 1)));
  if (bytes.length > 0) bytes[roll(bytes.length)] ^= 1 << roll(8);
  await Deno.writeFile(path, bytes);
}

test(`${TRIALS} trials`, async () => {
  const server = await startWeights();
  let [right, refused, mended] = [0, 0, 0];
  for (let trial = 0; trial < TRIALS; trial++) {
    const roll = dice(seed * 100_000 + trial);
    const cache = await freshStore();
    const size = 1 + roll(300_000);
    let version = 1;
    let damaged = false; // since the last time that all was looked at
    try {
      for (let step = 0; step < 5; step++) {
        if (roll(3) === 0) version++;
        await server.set("w.bin", faulty(roll, version, size));
        if (roll(3) === 0) {
          await damage(cache.folder, roll);
          damaged = true;
        }
        const store = roll(5) === 0 ? folderStore(smallDisk(roll(2 * size)), cache.folder) : cache.store;
        const pulls = damaged || roll(3) === 0; // who only reads believes what is there
        const onDamage = pulls ? () => void mended++ : null;
        const { patience } = reach(null).net;
        const net = { patience: { ...patience, tries: 2 + roll(4), pause: 1, longest: 5 }, token: null };
        const source = cachedSource(new URL(server.url), server.url, reach(store, { net, onDamage }), store);
        const begin = roll(size);
        try {
          const bytes = await source.read("w.bin", begin, size);
          // Where the server does not say what is the newest, one that was is.
          const known = Array.from({ length: version }, (_, i) => content({ size, seed: i + 1 }).subarray(begin));
          assert.ok(known.some((one) => one.every((byte, i) => byte === bytes[i])), `step ${step}: other bytes`);
          if (pulls) damaged = false;
          right++;
        } catch (error) {
          assert.ok(error instanceof KvcapError, `${(error as Error).stack}`);
          assert.match((error as Error).message, /^Cannot load model: [^\n]+, got:? [^\n]+$/);
          refused++;
        }
      }
      await server.set("w.bin", { size, seed: version, etag: `"${version}"` });
      const access = reach(cache.store, { onDamage: () => {} });
      const pulled = cachedSource(new URL(server.url), server.url, access, cache.store);
      sameBytes(await pulled.read("w.bin", 0, size), content({ size, seed: version }));
      await server.seen();
      const again = cachedSource(new URL(server.url), server.url, reach(cache.store), cache.store);
      sameBytes(await again.read("w.bin", 0, size), content({ size, seed: version }));
      assert.equal(await server.seen(), [`GET w.bin bytes=0-0`]);
    } catch (error) {
      (error as Error).message = `trial ${trial}: ${(error as Error).message}`;
      throw error;
    } finally {
      await cache.remove();
    }
  }
  await server.stop();
  assert.ok(right > TRIALS && refused > TRIALS / 4 && (TRIALS < 100 || mended > 10), `${right}, ${refused}, ${mended}`);
  console.log(`    ${right} reads right, ${refused} refused, ${mended} mended`);
});
test.run();
