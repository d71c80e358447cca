// Damaged model files: each is loaded or refused with one sentence, in bounded time and memory.
// The quick run opens 15 000 of the 200 000.
import process from "node:process";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { openFolder, openGgufModel } from "../../src/model/open.ts";
import type { Source } from "../../src/files/source.ts";
import { depth, seed } from "../support/depth.ts";
import { modelFolder, readBytes } from "../support/files.ts";
import { smallLlama, smallQwen, writeGguf } from "../support/gguf.ts";
import { folder } from "../support/memory.ts";

const COUNT = depth(15_000, 200_000);
const SLOWEST = 5000; // ms of processor time for one file

/** Pseudo-random integers below `below` (mulberry32). */
function dice(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor(((t ^ (t >>> 14)) >>> 0) / 2 ** 32 * below);
  };
}

const EXTREMES = [0n, 1n, 3n, 127n, 255n, 65535n, 1n << 22n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 40n]
  .concat([2n ** 53n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 32n, 2n ** 64n - 1n]);

/** A copy of `bytes` with a few faults, most of them among the first `header` bytes. */
function damaged(bytes: Uint8Array<ArrayBuffer>, header: number, roll: (below: number) => number) {
  let out = bytes.slice();
  for (let faults = 1 + roll(3); faults > 0; faults--) {
    const at = roll(roll(20) === 0 ? out.length : Math.min(header, out.length));
    const view = new DataView(out.buffer);
    const span = 1 + roll(16);
    switch (roll(9)) {
      case 0: // a bit
        out[at] ^= 1 << roll(8);
        break;
      case 1: // a byte
        out[at] = roll(256);
        break;
      case 2: // a number of 4 or 8 bytes
      case 3:
        if (at + 8 <= out.length) view.setBigUint64(at, EXTREMES[roll(EXTREMES.length)], true);
        break;
      case 4:
        if (at + 4 <= out.length) view.setUint32(at, Number(EXTREMES[roll(EXTREMES.length)] & 0xffffffffn), true);
        break;
      case 5: // the end missing
        out = out.slice(0, at);
        break;
      case 6: // something cut out
        out = joined(out.subarray(0, at), out.subarray(at + span));
        break;
      case 7: // something twice
        out = joined(out.subarray(0, at + span), out.subarray(at));
        break;
      case 8: // something from elsewhere
        out.set(out.subarray(at, at + span), roll(Math.max(1, Math.min(header, out.length) - span)));
        break;
    }
    if (out.length === 0) break;
  }
  return out;
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}

/** Opens `count` damaged copies and says how it went. */
async function batter(
  bytes: Uint8Array<ArrayBuffer>,
  header: number,
  count: number,
  open: (
    bytes: Uint8Array<ArrayBuffer>,
  ) => { source: Source & { taken: number }; opened: ReturnType<typeof openFolder> },
): Promise<string> {
  let [loaded, refusals, slowest] = [0, 0, 0];
  for (let i = 0; i < count; i++) {
    const copy = seed * 1_000_003 + i;
    const file = damaged(bytes, header, dice(copy));
    const begun = process.cpuUsage();
    const { source, opened } = open(file);
    try {
      const { tokenizer } = await opened;
      const ids = tokenizer.encode("the <s> 12 é\n<|im_start|>");
      assert.type(tokenizer.decode(ids), "string");
      loaded++;
    } catch (error) {
      const { message } = error as Error;
      const sentence = /^Cannot load model: [^\n]+, got [^\n]+$/.test(message) && message.length < 1000;
      assert.ok(sentence, `copy ${copy}: ${(error as Error).stack}`);
      refusals++;
    }
    const ms = process.cpuUsage(begun).user / 1000;
    slowest = Math.max(slowest, ms);
    assert.ok(ms < SLOWEST, `copy ${copy} took ${ms} ms`);
    assert.ok(source.taken <= 3 * file.length + 1000, `copy ${copy}: ${source.taken} bytes read of ${file.length}`);
  }
  assert.ok(loaded > 0 && refusals > count / 4, `${loaded} loaded, ${refusals} refused`);
  return `${count} copies: ${loaded} loaded, ${refusals} refused, the slowest in ${slowest.toFixed(0)} ms`;
}

const fuzz = suite("damaged files");

for (const [name, described] of [["llama", smallLlama()], ["qwen2", smallQwen()]] as const) {
  fuzz(`gguf, ${name}`, async () => {
    const bytes = writeGguf(described);
    const header = bytes.length - writeGguf({ ...described, metadata: {} }).length + 900; // metadata, names and some data
    const line = await batter(bytes, header, Math.ceil(COUNT / 3), (bytes) => {
      const source = folder({ "model.gguf": bytes });
      return { source, opened: openGgufModel(source, "model.gguf") };
    });
    console.log(`    ${line}`);
  });
}

fuzz("safetensors", async () => {
  const path = (await modelFolder("tiny-qwen3"))!;
  const read = (name: string) => readBytes(`${path}/${name}`);
  const [config, tokenizer, weights] = [
    await read("config.json"),
    await read("tokenizer.json"),
    await read("model.safetensors"),
  ];
  const header = 8 + Number(new DataView(weights.buffer, weights.byteOffset).getBigUint64(0, true));
  const line = await batter(weights.slice(), header, Math.ceil(COUNT / 3), (bytes) => {
    const source = folder({ "config.json": config, "tokenizer.json": tokenizer, "model.safetensors": bytes });
    return { source, opened: openFolder(source) };
  });
  console.log(`    ${line}`);
});

fuzz.run();
