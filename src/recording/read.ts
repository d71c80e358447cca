/** Reads a recording and checks every word of it, before anything is made of what it says: see format.ts. */
import { MOST_SIDE, P_BOUND } from "../../assembly/abi.ts";
import { refuse, show, words } from "../errors.ts";
import { isRecord } from "../files/checks.ts";
import { checksum, END, MAGIC, PASS, PASS_WORDS, PIN, type RecordingHeader, RESET, VERSION } from "./format.ts";

/** What happened in one pass; lists are by lane, one after the other. */
export interface Pass {
  /** Which kind of event it is. */
  readonly kind: "pass";
  /** How many tokens it took in. */
  readonly queries: number;
  /** Position of its first query. */
  readonly first: number;
  /** Ids of the tokens, [queries]. */
  readonly ids: Uint32Array;
  /** Live tokens of each lane, those of the pass included, [lanes]. */
  readonly live: Uint32Array;
  /** Positions of the live tokens, ascending in each lane; null: all lanes hold positions 0, 1, … */
  readonly positions: Uint32Array | null;
  /** Σp of the live tokens; with several queries Σp² and the last query's p as well. */
  readonly planes: readonly Float32Array[];
  /** Tokens evicted from each lane after the pass, [lanes]. */
  readonly gone: Uint32Array;
  /** Their positions, ascending in each lane. */
  readonly victims: Uint32Array;
}

/** Tokens at positions [from, to) are not evicted from here on. */
export interface Pinning {
  /** Which kind of event it is. */
  readonly kind: "pin";
  /** The first position. */
  readonly from: number;
  /** The position behind the last. */
  readonly to: number;
}

/** Everything seen is forgotten. */
export interface Forgetting {
  /** Which kind of event it is. */
  readonly kind: "reset";
}

/** What a recording tells of, one after the other. */
export type RecordedEvent = Pass | Pinning | Forgetting;

/** A recording that was checked. */
export interface Recording extends RecordingHeader {
  /** Steps of the run, those that read the prompt among them. */
  readonly passes: number;
  /** Tokens taken in by all of them. */
  readonly tokens: number;
  /** Most queries of a pass. */
  readonly stride: number;
  /** Most tokens since a reset. */
  readonly longest: number;
  /** In order. */
  readonly events: readonly RecordedEvent[];
}

function bad(rule: string, got: unknown): never {
  refuse("read the recording", rule, typeof got === "string" ? words(got) : got, { code: "bad-file" });
}

/**
 * Reads the bytes of a recording.
 * @throws RangeError in one sentence for a foreign, damaged or truncated one
 */
export function readRecording(bytes: Uint8Array): Recording {
  const whole = bytes.length - bytes.length % 4;
  const words = new Uint32Array(bytes.slice(0, whole).buffer);
  if (words.length < 6 || words[0] !== MAGIC[0] || words[1] !== MAGIC[1]) {
    bad("it must be a recording of kvcap", `${bytes.length} bytes of something else`);
  }
  if (words[2] !== VERSION) bad(`its version must be ${VERSION}`, words[2]);
  const headerEnd = 4 + words[3] / 4;
  if (words[3] % 4 !== 0 || headerEnd >= words.length) bad("it must be whole", "one that ends in its header");
  if (checksum(words, 0, headerEnd) !== words[headerEnd]) bad("its checksums must hold", "a damaged header");
  const header = readHeader(new Uint8Array(words.buffer, 16, words[3]));
  const reader = new Reader(words, header.layers * header.kvHeads);
  for (let at = headerEnd + 1; at < words.length;) at = reader.frame(at);
  return { ...header, ...reader.finish(bytes.length - whole) };
}

function readHeader(text: Uint8Array): RecordingHeader {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(text));
  } catch {
    bad("its header must be JSON", "something else");
  }
  const dimension = (value: unknown) =>
    Number.isInteger(value) && (value as number) > 0 && (value as number) <= MOST_SIDE;
  if (!isRecord(header) || !dimension(header.layers) || !dimension(header.kvHeads) || !isRecord(header.options)) {
    bad("its header must have layers, kvHeads and options", header);
  }
  const { layers, kvHeads, model, options } = header;
  return {
    layers: layers as number,
    kvHeads: kvHeads as number,
    model: typeof model === "string" ? model : show(model),
    options,
  };
}

/** Goes from frame to frame, and remembers what the frames before allow the next to say. */
class Reader {
  readonly #words: Uint32Array;
  readonly #lanes: number;
  readonly #events: RecordedEvent[] = [];
  #live: number[] = []; // tokens of each lane after the last pass
  #seen = 0;
  #tokens = 0;
  #stride = 0;
  #longest = 0;
  #passes = 0;
  #ended = false;

  constructor(words: Uint32Array, lanes: number) {
    this.#words = words;
    this.#lanes = lanes;
  }

  /** Reads the frame at a word. @returns where the next one begins @throws RangeError */
  frame(at: number): number {
    const words = this.#words;
    const count = this.#events.length;
    if (this.#ended) bad("it must end with its last frame", "more behind it");
    const body = at + 2;
    const end = body + words[at + 1];
    if (body > words.length || end >= words.length) {
      bad("it must be whole", `one that ends in or after frame ${count}`);
    }
    if (checksum(words, at, end) !== words[end]) bad("its checksums must hold", `a damaged frame ${count}`);
    const frame = words.subarray(body, end);
    const good = this.#take(words[at], frame);
    if (!good) bad("every frame must follow from those before", `frame ${count} that does not`);
    return end + 1;
  }

  #take(kind: number, body: Uint32Array): boolean {
    if (kind === PASS) return this.#pass(body);
    if (kind === PIN && body.length === 2 && body[0] < body[1] && body[1] < 2 ** 31) {
      return this.#events.push({ kind: "pin", from: body[0], to: body[1] }) > 0;
    }
    if (kind === RESET && body.length === 0) {
      this.#seen = 0;
      this.#live = [];
      return this.#events.push({ kind: "reset" }) > 0;
    }
    return kind === END && body.length === 1 && (this.#ended = body[0] === this.#passes);
  }

  #pass(body: Uint32Array): boolean {
    const lanes = this.#lanes;
    const [queries, first, planes, lists] = body;
    const fixed = PASS_WORDS + queries + 2 * lanes;
    if (body.length < fixed || queries < 1 || first !== this.#seen || lists > 1) return false;
    if (planes !== (queries === 1 ? 1 : 3)) return false;
    let at = PASS_WORDS;
    const part = (length: number) => body.subarray(at, at += length);
    const ids = part(queries);
    const live = part(lanes);
    const gone = part(lanes);
    const total = sum(live);
    const lost = sum(gone);
    if (body.length !== fixed + (lists + planes) * total + lost) return false;
    const seen = first + queries;
    for (let lane = 0; lane < lanes; lane++) {
      const before = this.#live[lane] ?? 0;
      if (live[lane] !== before + queries || gone[lane] > live[lane]) return false;
      if (lists === 0 && live[lane] !== seen) return false;
    }
    const positions = lists === 1 ? part(total) : null;
    const rows = Array.from({ length: planes }, () => {
      const plane = part(total);
      return new Float32Array(plane.buffer, plane.byteOffset, total);
    });
    const victims = part(lost);
    const pass: Pass = { kind: "pass", queries, first, ids, live, positions, planes: rows, gone, victims };
    if (!rows.every((plane) => plane.every((p) => p >= 0 && p < P_BOUND))) return false;
    if (!ascending(pass) || !among(pass)) return false;
    this.#live = Array.from(live, (count, lane) => count - gone[lane]);
    this.#seen = seen;
    this.#tokens += queries;
    this.#stride = Math.max(this.#stride, queries);
    this.#longest = Math.max(this.#longest, seen);
    this.#passes++;
    return this.#events.push(pass) > 0;
  }

  /** What was read. @throws RangeError where the end is missing or there is nothing */
  finish(odd: number) {
    if (!this.#ended || odd > 0) bad("it must be whole", `one that ends after ${this.#passes} passes`);
    if (this.#passes === 0) bad("it must hold a pass", "none");
    const counts = { passes: this.#passes, tokens: this.#tokens, stride: this.#stride, longest: this.#longest };
    return { ...counts, events: this.#events };
  }
}

function sum(counts: Uint32Array): number {
  let total = 0;
  for (const count of counts) total += count;
  return total;
}

/** Whether each lane's positions ascend, and end with those of the pass's own queries. */
function ascending({ positions, live, first, queries }: Pass): boolean {
  if (!positions) return true;
  const seen = first + queries;
  let at = 0;
  for (const count of live) {
    const lane = positions.subarray(at, at += count);
    for (let i = 0; i < count; i++) {
      if (i > 0 && lane[i] <= lane[i - 1]) return false;
      if (i >= count - queries && lane[i] !== seen - count + i) return false;
    }
  }
  return true;
}

/** Whether each lane's victims ascend and are among its live tokens. */
function among({ victims, gone, positions, live, first, queries }: Pass): boolean {
  const seen = first + queries;
  let at = 0;
  let from = 0;
  for (let lane = 0; lane < live.length; lane++) {
    let held = from;
    for (const end = at + gone[lane], begin = at; at < end; at++) {
      if (at > begin && victims[at] <= victims[at - 1]) return false;
      if (!positions && victims[at] >= seen) return false;
      while (positions && held < from + live[lane] && positions[held] < victims[at]) held++;
      if (positions && (held === from + live[lane] || positions[held] !== victims[at])) return false;
    }
    from += live[lane];
  }
  return true;
}
