/**
 * A session's snapshot, little-endian:
 * ```
 * magic "kvcapses" | u32 version | u32 bytes of the header | u32 bytes of the whole, in two words | header, JSON in UTF-8
 * | every group's books (core-snapshot.ts) | pooled: rows and free rows | sums of queries, where the policy reads their means | ids of the tokens in slots, where they are kept
 * | K and V, layer by layer, as they lie in GPU memory, and remainders | u32 CRC-32 of everything before
 * ```
 * What is checked here is that these are the bytes that were written and that the header is one; its reader checks the rest.
 */
import { crc32 } from "../core/snapshot.ts";
import { type ChatMessage, checkMessage } from "../chat/template.ts";
import { refuse, show, words } from "../errors.ts";
import { isRecord } from "../files/checks.ts";
import { MOST_SLOTS } from "../options/check.ts";
import { MOST_RECENT } from "../options/generate.ts";
import type { SessionOptions, Span } from "../options/index.ts";

const MAGIC = [0x6163766b, 0x73657370]; // "kvca" "pses"
const VERSION = 2;
const HEAD = 24; // bytes

/** All that a session goes on from, but books, K and V. */
export interface SavedSession {
  /** As the session was asked for, functions left out. */
  readonly asked: SessionOptions;
  /** Whether it evicts by a score of its own. */
  readonly ownScore: boolean;
  /** Tokens of the prompt that a budget was a share of; null before there was one. */
  readonly promptTokens: number | null;
  readonly pins: readonly Span[];
  /** The id generated last, where it is not taken in yet. */
  readonly pending: number | null;
  /** State of the sampler's random numbers, [4]. */
  readonly random: readonly number[];
  /** The last tokens taken in, the oldest first, MOST_RECENT at most. */
  readonly recent: readonly number[];
  /** What it has heard and answered, where that is a conversation. */
  readonly conversation: readonly ChatMessage[] | null;
  /** Its cache; null where that waits for the first prompt. */
  readonly context: SavedCache | null;
}

/** What a cache goes on from, but books, K and V. */
export interface SavedCache {
  /** Slots per lane, on average. */
  readonly slots: number;
  readonly peak: number;
  /** Tokens since the lanes of a layer got their budgets. */
  readonly since: number;
  /** Live slots per lane after a step, of every group of lanes. */
  readonly budgets: readonly number[];
  /** Bytes of the books of every group. */
  readonly books: readonly number[];
  /** Whether ids of the tokens in slots are kept. */
  readonly ids: boolean;
}

/** The model that a snapshot is of. */
export interface Origin {
  /** In words. */
  readonly model: string;
  /** See engine/fingerprint.ts. */
  readonly fingerprint: number;
}

/** @param got in words @throws KvcapError always */
export function refuseSnapshot(rule: string, got: string | number, action = "restore session"): never {
  refuse(action, rule, words(got), { code: "bad-file" });
}

/** A file with room for a body: `body` is to be filled, `seal` then ends it. */
export function beginFile(header: Origin & SavedSession, bodyBytes: number) {
  const json = new TextEncoder().encode(JSON.stringify(header));
  const length = HEAD + json.length + bodyBytes + 4;
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  [...MAGIC, VERSION, json.length, length % 2 ** 32, Math.floor(length / 2 ** 32)].forEach((word, i) => {
    view.setUint32(4 * i, word, true);
  });
  bytes.set(json, HEAD);
  return {
    body: bytes.subarray(HEAD + json.length, length - 4),
    seal: () => {
      view.setUint32(length - 4, crc32(bytes.subarray(0, length - 4)), true);
      return bytes;
    },
  };
}

/** @throws TypeError if it is no Uint8Array; RangeError if it is not whole, damaged, or of another version */
export function readFile(bytes: Uint8Array): { header: Origin & SavedSession; body: Uint8Array } {
  if (!(bytes instanceof Uint8Array)) {
    refuse("restore session", "a snapshot must be a Uint8Array", bytes, { kind: "type" });
  }
  const { length } = bytes;
  if (length < HEAD + 4) refuseSnapshot(`a snapshot must have more than ${HEAD} bytes`, length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  const word = (i: number) => view.getUint32(4 * i, true);
  if (MAGIC.some((magic, i) => word(i) !== magic)) refuseSnapshot("a snapshot must begin with kvcapses", "other bytes");
  if (word(2) !== VERSION) refuseSnapshot(`a snapshot must be of version ${VERSION}`, word(2));
  const whole = word(4) + word(5) * 2 ** 32;
  if (length !== whole) refuseSnapshot(`the snapshot must be ${whole} bytes long`, length);
  const end = HEAD + word(3);
  if (end > length - 4 || view.getUint32(length - 4, true) !== crc32(bytes.subarray(0, length - 4))) {
    refuseSnapshot("the bytes must be those that were written", "damaged ones");
  }
  return { header: readHeader(bytes.subarray(HEAD, end)), body: bytes.subarray(end, length - 4) };
}

function readHeader(bytes: Uint8Array): Origin & SavedSession {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    refuseSnapshot("a snapshot's header must be JSON", "other bytes");
  }
  const record = (value: unknown, name: string) => {
    if (!isRecord(value)) refuseSnapshot(`${name} must be an object`, show(value));
    return value;
  };
  const number = (value: unknown, name: string, whole = true) => {
    const fits = whole ? Number.isSafeInteger(value) : Number.isFinite(value);
    if (!fits || (value as number) < 0) refuseSnapshot(`${name} must be a number of at least 0`, show(value));
    return value as number;
  };
  const list = <T>(value: unknown, name: string, read: (item: unknown) => T): T[] => {
    if (!Array.isArray(value)) refuseSnapshot(`${name} must be a list`, show(value));
    return value.map(read);
  };
  const flag = (value: unknown, name: string) => {
    if (typeof value !== "boolean") refuseSnapshot(`${name} must be true or false`, show(value));
    return value;
  };
  const optional = <T>(value: unknown, read: (value: unknown) => T) => value === null ? null : read(value);
  const word = (value: unknown) => {
    if (typeof value !== "number" || value !== (value | 0)) {
      refuseSnapshot("random must be 32-bit numbers", show(value));
    }
    return value;
  };

  const { model, fingerprint, asked, ownScore, promptTokens, pins, pending, random, recent, conversation, context } =
    record(
      header,
      "a snapshot's header",
    );
  const state = list(random, "random", word);
  if (state.length !== 4) refuseSnapshot("random must be 4 numbers", state.length);
  const last = list(recent, "recent", (id) => number(id, "a recent id"));
  if (last.length > MOST_RECENT) refuseSnapshot(`recent ids must be ${MOST_RECENT} at most`, last.length);
  return {
    model: typeof model === "string" ? model : show(model),
    fingerprint: number(fingerprint, "fingerprint"),
    asked: record(asked, "asked") as SessionOptions,
    ownScore: flag(ownScore, "ownScore"),
    promptTokens: optional(promptTokens, (value) => number(value, "promptTokens")),
    pins: list(pins, "pins", (span) => {
      const [from, to] = list(span, "a pinned span", (end) => number(end, "a pinned span's end"));
      if (!(from < to && to <= MOST_SLOTS)) refuseSnapshot("a pinned span must be [from, to]", show(span));
      return [from, to];
    }),
    pending: optional(pending, (value) => number(value, "pending")),
    random: state,
    recent: last,
    conversation: optional(
      conversation,
      (value) =>
        list(value, "conversation", (message) => checkMessage(message, (rule, got) => refuseSnapshot(rule, show(got)))),
    ),
    context: optional(context, (value) => {
      const { slots, peak, since, budgets, books, ids } = record(value, "context");
      return {
        slots: number(slots, "slots"),
        peak: number(peak, "peak", false),
        since: number(since, "since"),
        budgets: list(budgets, "budgets", (budget) => number(budget, "a budget")),
        books: list(books, "books", (bytes) => number(bytes, "the bytes of books")),
        ids: flag(ids, "ids"),
      };
    }),
  };
}
