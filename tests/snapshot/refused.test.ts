// Snapshots that are damaged, foreign or forged: one sentence, and nothing left behind.
import * as assert from "uvu/assert";
import { Core, type CoreRule } from "../../src/core/core.ts";
import { load, type Model } from "../../src/load.ts";
import type { GenerateOptions, SessionOptions } from "../../src/options/index.ts";
import type { Session } from "../../src/session/session.ts";
import { repoPath } from "../support/files.ts";
import { endOfHeader, SNAPSHOT } from "../support/forge.ts";
import { rejection } from "../support/spies.ts";
import { PROMPT, say as sayWhole } from "../support/say.ts";
import { engineSuite, onEngine } from "../support/engine.ts";

const SMALL: SessionOptions = { budget: 24, stride: 4, sinks: 2, newest: 2 };

const test = await engineSuite("session, snapshots that are refused");
let model: Model;

test.before(async () => {
  model = await load(repoPath("models/fable-2m"), await onEngine());
});
test.after(() => model.dispose());

async function say(session: Session, maxNewTokens = 16, options: GenerateOptions = {}, prompt = PROMPT) {
  const generate = { maxNewTokens, banned: model.config.eosIds, ...options };
  const { text, ids } = await sayWhole(session, generate, prompt);
  return { text, ids };
}

async function snapshotOf(options: SessionOptions): Promise<Uint8Array<ArrayBuffer>> {
  const session = model.session(options);
  await say(session);
  const bytes = await session.snapshot();
  session.dispose();
  return bytes;
}

async function refusedBytes(bytes: Uint8Array, rule: string) {
  const before = model.gpuBytes;
  const message = await rejection(model.restore(bytes));
  assert.match(message, rule);
  assert.match(message, /^Cannot restore session: [^\n]*$/);
  assert.is(model.gpuBytes, before, "its buffers are given back");
}

// deno-lint-ignore no-explicit-any
type Header = any;

const OLDEST: CoreRule = { score: "recency", scope: "all", sinks: 0, newest: 0, unsettled: 0, seed: 0 };

/** A snapshot whose header is changed, and whose checksum is right. */
function forged(
  bytes: Uint8Array<ArrayBuffer>,
  change: (header: Header, body: DataView) => void,
): Uint8Array<ArrayBuffer> {
  const header = SNAPSHOT.read(bytes);
  const end = endOfHeader(bytes);
  const body = bytes.slice(end);
  change(header, new DataView(body.buffer));
  const changed = bytes.slice();
  changed.set(body, end);
  return SNAPSHOT.write(changed, header);
}

test("damaged, cut and foreign bytes are refused in one sentence, and leave nothing behind", async () => {
  const bytes = await snapshotOf(SMALL);
  await refusedBytes(new Uint8Array(0), "a snapshot must have more than 24 bytes, got 0");
  assert.match(await rejection(model.restore("bytes" as never)), "a snapshot must be a Uint8Array");
  for (let i = 0; i < 40; i++) {
    const at = Math.floor(i * bytes.length / 40);
    const bad = bytes.slice();
    bad[at] ^= 1 << i % 8;
    await refusedBytes(bad, "Cannot restore session: ");
    await refusedBytes(bytes.slice(0, at), "Cannot restore session: ");
  }
  const other = await load(repoPath("tests/golden/models/tiny-mha"), await onEngine());
  assert.match(await rejection(other.restore(bytes)), "the snapshot must be of this model (llama");
  other.dispose();
});

test("forged snapshots with a right checksum are refused too", async () => {
  const bytes = await snapshotOf(SMALL);
  const cases: [rule: string, change: (header: Header, body: DataView) => void][] = [
    ["with these weights", (header) => header.fingerprint++],
    ["policy must be one of", (header) => header.asked.policy = "best"],
    ["options are", (header) => header.asked.toString = 1],
    ["a cache under these options has 28 slots, got 29", (header) => header.context.slots++],
    ["a cache under these options has 29 slots, got 28", (header) => header.asked.budget++],
    ["budgets must add up to 24, got 25", (header) => header.context.budgets[0]++],
    ["budgets and books of 1 groups", (header) => header.context.budgets = []],
    ["random must be 4 numbers", (header) => header.random.pop()],
    ["random must be 32-bit numbers", (header) => header.random[0] = 2 ** 31],
    ["recent must be a list", (header) => header.recent = 7],
    ["a recent id must be a number of at least 0", (header) => header.recent[0] = -1],
    ["recent ids must be below", (header) => header.recent[0] = 1 << 20],
    ["recent ids must be 4096 at most", (header) => header.recent = Array(4097).fill(0)],
    ["the id generated last must be below", (header) => header.pending = 1e6],
    ["a pinned span must be [from, to]", (header) => header.pins = [[4, 4]]],
    ["ownScore must be true or false", (header) => header.ownScore = 1],
    ["the session's own score must be given again", (header) => header.ownScore = true],
    ["the snapshot must be", (header) => header.context.books[0]--],
    ["must be of this model", (header) => header.model = { toString: 1 }],
    ["the bytes must be those that were written", (_, body) => body.setInt32(32 + 4, -1, true)],
  ];
  for (const [rule, change] of cases) {
    await refusedBytes(forged(bytes, change), rule);
  }
  await refusedBytes(forged(bytes.slice(0, -16), () => {}), "books, K and V must be");
  const pooled = await snapshotOf({ ...SMALL, allocation: "adaptive" });
  await refusedBytes(
    forged(pooled, (header, body) => {
      const rows = header.context.books.reduce((sum: number, bytes: number) => sum + bytes, 0);
      body.setInt32(rows, 1e6, true);
      for (let word = 0; word < 40; word++) body.setInt32(rows + 4 * word, 3, true);
    }),
    "every row must be free or one slot's",
  );
  await refusedBytes(
    forged(pooled, ({ context }) => {
      context.budgets[0]++;
      context.budgets[2]--;
    }),
    "budgets must add up to 48",
  );
  await refusedBytes(
    forged(pooled, ({ context: { budgets } }) => {
      budgets[1] += budgets[0];
      budgets[0] = 0;
    }),
    "a lane's budget must be from",
  );
  const full = await snapshotOf({ policy: "full", budget: 100 });
  await refusedBytes(
    forged(full, ({ context }, body) => {
      const core = Core.create({ layers: 5, kvHeads: 2, capacity: 100 }, OLDEST);
      core.claim(10);
      core.advance(10);
      core.evict(2);
      core.claim(1);
      core.advance(1);
      const books = core.snapshot();
      assert.is(books.length, context.books[0]);
      new Uint8Array(body.buffer).set(books);
    }),
    "a full cache must hold all tokens in order",
  );
  await refusedBytes(
    forged(full, (header) => header.asked.budget = header.context.slots = 4e6),
    "4000000 slots must be",
  );
});

test.run();
