/** Writes a recording while a session runs: see format.ts. */
import { slotsOf } from "../core/core.ts";
import type { Tokens } from "../engine/engine.ts";
import type { Books } from "../eviction/books.ts";
import type { Tenants } from "../eviction/evictions.ts";
import { describeModel, type ModelConfig } from "../engine/config.ts";
import type { RecordSink } from "../options/events.ts";
import type { CheckedSession, Span } from "../options/index.ts";
import type { Telling } from "../options/telling.ts";
import { checksum, END, MAGIC, PASS, PASS_WORDS, PIN, type RecordingHeader, RESET, VERSION } from "./format.ts";
import { toldOptions } from "./told.ts";

/** One recording, from a session's first step to its last. */
export class Recorder {
  readonly #sink: RecordSink;
  readonly #telling: Telling;
  #words = new Uint32Array(1024); // the frame being written
  #floats = new Float32Array(this.#words.buffer);
  #at = 0; // words of it
  #counts = 0; // where in a pass its lanes' victims are counted
  #passes = 0;
  #begun = false;
  #ended = false;
  #torn = false;

  /** @param telling keeps what the sink throws: the recording is torn there, and nothing follows */
  constructor(sink: RecordSink, telling: Telling) {
    this.#sink = sink;
    this.#telling = telling;
  }

  /** Writes what comes before the first pass; again: nothing. */
  begin(config: ModelConfig, options: CheckedSession): void {
    if (this.#begun) return;
    this.#begun = true;
    const header: RecordingHeader = {
      layers: config.layers,
      kvHeads: config.kvHeads,
      model: describeModel(config),
      options: toldOptions(options),
    };
    const json = new TextEncoder().encode(JSON.stringify(header));
    const bytes = Math.ceil(json.length / 4) * 4;
    this.#reserve(MAGIC.length + 3 + bytes / 4);
    this.#words.set([...MAGIC, VERSION, bytes]);
    const text = new Uint8Array(this.#words.buffer, 16, bytes).fill(0x20);
    text.set(json);
    this.#at = 4 + bytes / 4;
    this.#flush();
    for (const span of options.pin) this.pin(span);
  }

  pin([from, to]: Span): void {
    if (this.#begun) this.#frame(PIN, from, to);
  }

  /** @param pins the spans that are pinned again */
  reset(pins: readonly Span[]): void {
    if (!this.#begun) return;
    this.#frame(RESET);
    for (const span of pins) this.pin(span);
  }

  /** Ends the recording; again: nothing. */
  end(): void {
    if (!this.#begun || this.#ended) return;
    this.#ended = true;
    this.#frame(END, this.#passes);
  }

  #frame(kind: number, ...body: number[]): void {
    this.#words.set([kind, body.length, ...body]);
    this.#at = 2 + body.length;
    this.#flush();
  }

  /** A pass whose rows the books have just been given; nothing is evicted yet. */
  pass(books: Books, { ids, begin, count: queries }: Tokens): void {
    const { lanes, groups, seen } = books;
    const planes = queries === 1 ? 1 : 3;
    const lists = groups.some(({ core }) => core.live < seen) ? 1 : 0;
    const total = groups.reduce((sum, { core }) => sum + core.lanes * core.live, 0);
    this.#reserve(2 + PASS_WORDS + queries + 2 * lanes + (lists + planes) * total);
    const words = this.#words;
    const floats = this.#floats;
    words.set([PASS, 0, queries, seen - queries, planes, lists]);
    let at = 2 + PASS_WORDS;
    for (let t = 0; t < queries; t++) words[at++] = ids[begin + t];
    for (const { core } of groups) for (let i = 0; i < core.lanes; i++) words[at++] = core.live;
    this.#counts = at;
    at += lanes;
    let positions = at;
    at += lists * total;
    const rows = at;
    let done = 0;
    books.forEachLane((_, live, { core }, inGroup) => {
      const lane = inGroup * core.capacity;
      const plane = core.lanes * core.capacity;
      for (let i = 0; i < live.length; i++, done++) {
        if (lists) words[positions++] = slotsOf(core).positions[lane + live[i]];
        for (let k = 0; k < planes; k++) floats[rows + k * total + done] = core.rows[k * plane + lane + live[i]];
      }
    });
    this.#at = rows + planes * total;
  }

  /** What was evicted after the pass: it is written. */
  evicted(books: Books, { positions }: Tenants): void {
    const victims = books.groups.reduce((sum, { victims }) => sum + victims.length, 0);
    this.#reserve(this.#at + victims + 1);
    const words = this.#words;
    for (const { core, first, victims, freed } of books.groups) {
      for (let i = 0; i < core.lanes; i++) {
        words[this.#counts + first + i] = freed;
        const from = this.#at;
        for (let j = i * freed; j < (i + 1) * freed; j++) {
          words[this.#at++] = positions[(first + i) * books.width + victims[j]];
        }
        words.subarray(from, this.#at).sort();
      }
    }
    words[1] = this.#at - 2;
    this.#passes++;
    this.#flush();
  }

  /** Makes room for so many words and a checksum, and keeps what is written. */
  #reserve(words: number): void {
    if (words < this.#words.length) return;
    const larger = new Uint32Array(2 * words + 2);
    larger.set(this.#words);
    this.#words = larger;
    this.#floats = new Float32Array(larger.buffer);
  }

  #flush(): void {
    this.#words[this.#at] = checksum(this.#words, 0, this.#at);
    const piece = new Uint8Array(this.#words.buffer, 0, 4 * this.#at + 4);
    this.#at = 0;
    if (!this.#torn) this.#torn = !this.#telling.tell(this.#sink, piece);
  }
}
