// Recorded references of sampling: which ids transformers' logits processors leave, and what they make of logits.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { crc32 } from "../../src/core/snapshot.ts";
import { Penaliser, type Penalties, Recent } from "../../src/session/penalties.ts";
import { type Drawing, Sampler } from "../../src/session/sample.ts";
import { checkedCase, readJson, repoPath } from "../support/files.ts";

const VOCAB = 48;
const PLAIN: Drawing & Penalties = {
  ...{ temperature: 1, topK: 0, topP: 1, minP: 0, typicalP: 1 },
  ...{ repetitionPenalty: 1, presencePenalty: 0, frequencyPenalty: 0, penaltyWindow: 4096, logitBias: [] },
};
type Roll = (below: number) => number;

/** As record/sampling.py draws. */
function dice(seed: number): Roll {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % below;
  };
}

function drawLogits(roll: Roll, apart: boolean): Float32Array {
  const width = 64 << roll(6);
  const values = Array.from({ length: VOCAB }, (_, i) => (roll(width) - width / 2) / 64 + (apart ? i / 65536 : 0));
  return Float32Array.from(values, (value, i) => roll(12) === 0 && i > 0 ? -Infinity : value);
}

const OWN: Record<string, (roll: Roll) => Partial<Drawing & Penalties>> = {
  topK: (roll) => ({ topK: 1 + roll(VOCAB) }),
  topP: (roll) => ({ topP: (1 + roll(99)) / 100 }),
  minP: (roll) => ({ minP: roll(101) / 100 }),
  typicalP: (roll) => ({ typicalP: (1 + roll(99)) / 100 }),
  repetitionPenalty: (roll) => ({ repetitionPenalty: (50 + roll(150)) / 100 }),
  logitBias: (roll) => {
    const ids = new Set([roll(VOCAB), roll(VOCAB), roll(VOCAB)]);
    return { logitBias: [...ids].sort((a, b) => a - b).map((id) => [id, (roll(81) - 40) / 4]) };
  },
};
OWN.all = (roll) => Object.assign({}, ...Object.values(OWN).slice(0, 6).map((make) => roll(2) ? make(roll) : {}));

/** Ids that a draw may give. */
function left(sampler: Sampler, logits: Float32Array, how: Drawing): bigint {
  const chances = new Float64Array(VOCAB);
  sampler.chances(logits, how, chances);
  return chances.reduce((bits, chance, id) => chance > 0 ? bits | 1n << BigInt(id) : bits, 0n);
}

const golden = suite("golden: sampling");
const recorded = await readJson<Record<string, string[]>>(repoPath("tests/golden/sampling.json"));
Object.entries(recorded).forEach(([kind, cases], number) => {
  golden(`${kind}: the ids that are left, and their logits, are transformers'`, () => {
    const roll = dice(number + 1), sampler = new Sampler(VOCAB), penaliser = new Penaliser();
    cases.forEach((wanted, i) => {
      const logits = drawLogits(roll, !["topK", "minP"].includes(kind));
      const temperature = (1 + roll(8)) / 4;
      const ids = Array.from({ length: 1 + roll(30) }, () => roll(VOCAB));
      const how = { ...PLAIN, temperature, ...OWN[kind](roll) };
      const recent = new Recent();
      recent.take({ ids, begin: 0, count: ids.length });
      penaliser.change(logits, recent, how);
      const [kept, crc] = wanted.split(" ");
      if (crc) assert.is(crc32(new Uint8Array(logits.buffer)).toString(16), crc, `${kind} ${i}`);
      assert.is(left(sampler, logits, how).toString(16), kept, `${kind} ${i}`);
    });
    checkedCase(`sampling ${kind}: ${cases.length} distributions`);
  });
});
golden.run();
