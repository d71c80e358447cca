/** A context of a page's engine: its memory is the worker's, and every pass goes there and comes back in one buffer. */
import type { ModelConfig } from "../engine/config.ts";
import type { ContextBytes, ContextShape, EngineContext, Pass } from "../engine/engine.ts";
import { messageOf } from "../errors.ts";
import { layoutOf, savedBytes } from "./layout.ts";
import type { Link } from "./link.ts";
import type { PassAnswer, PassSent } from "./messages.ts";
import { type Parcel, parcelOf } from "./parcel.ts";

/** What a context is made of. */
export interface Made {
  readonly link: Link;
  readonly config: ModelConfig;
  readonly threads: number;
  readonly shape: ContextShape;
  readonly bytes: ContextBytes;
  /** What the worker calls it. */
  readonly number: number;
  /** Counts bytes that are held from now on, or fewer. @throws RangeError where they are too many */
  readonly count: (more: number) => void;
  /** Hears the most bytes that the worker ever held. */
  readonly peak: (bytes: number) => void;
}

export class RemoteContext implements EngineContext {
  readonly shape: ContextShape;
  readonly bytes: ContextBytes;
  readonly logits: Float32Array<ArrayBuffer>;
  readonly losses: Float32Array<ArrayBuffer>;
  readonly savedBytes: number;
  /** Settles with why the worker had no memory for it, null where it has, or no longer works. */
  readonly refused: Promise<{ readonly message: string } | null>;
  waited = 0;
  clamped = false;
  readonly #made: Made;
  #held: number; // bytes
  #parcel: Parcel | null; // null: under way
  #released = false;

  constructor(made: Made) {
    const { config, shape, threads } = this.#made = made;
    const layout = layoutOf(config, shape, threads);
    this.shape = shape;
    this.bytes = made.bytes;
    made.count(layout.bytes);
    this.#held = layout.bytes;
    this.savedBytes = savedBytes(layout);
    this.logits = new Float32Array(config.vocab);
    this.losses = new Float32Array(shape.stride);
    this.#parcel = parcelOf(config, shape);
    this.refused = this.#make();
  }

  async #make(): Promise<{ readonly message: string } | null> {
    const { link, shape, number, peak } = this.#made;
    try {
      const { refusal, peak: most } = await link.ask("context", "create session", number, { shape });
      peak(most);
      if (refusal === null) return null;
      this.#give();
      return { message: refusal };
    } catch (error) {
      this.#give();
      return link.failure === null ? { message: messageOf(error) } : null; // which the next pass says
    }
  }

  #give(): void {
    this.#made.count(-this.#held);
    this.#held = 0;
  }

  async pass(pass: Pass): Promise<number> {
    const { link, number } = this.#made;
    const began = performance.now();
    const sent = this.pack(pass);
    const answer = await link.ask("pass", "generate", number, { ...sent, transfer: [sent.parcel] });
    return this.unpack(pass, answer, performance.now() - began);
  }

  /** What the worker calls it. */
  get number(): number {
    return this.#made.number;
  }

  /** What is sent of a pass. The parcel stays with it until its answer comes. */
  pack(pass: Pass): PassSent {
    const { config, shape } = this.#made;
    const { ids, begin, count, slots, rows, first, firstRank, extent, reused, wanted, observations } = pass;
    const parcel = this.#parcel ?? parcelOf(config, shape);
    for (let t = 0; t <= count; t++) parcel.ids[t] = ids[begin + t] ?? 0; // the last: what follows
    parcel.slots.set(slots);
    if (rows) parcel.rows.set(rows);
    this.#parcel = null;
    const asked = { count, first, firstRank, extent, reused, wanted, observed: observations !== null };
    return { pass: asked, parcel: parcel.buffer };
  }

  /** Takes what came of a pass. @param waited milliseconds for it @returns its id */
  unpack(pass: Pass, answer: PassAnswer, waited: number): number {
    const { config, shape } = this.#made;
    const { wanted, count, observations } = pass;
    this.waited = waited;
    const { observed, logits, losses, told, queries } = this.#parcel = parcelOf(config, shape, answer.parcel);
    if (wanted === "logits") this.logits.set(logits);
    if (wanted === "losses") this.losses.set(losses);
    if (observations) {
      const length = count === 1 ? observations.length / 3 : observations.length;
      observations.set(observed.subarray(0, length));
    }
    this.clamped = answer.clamped;
    pass.told?.set(told.subarray(0, pass.told.length));
    pass.queries?.set(queries);
    return answer.id;
  }

  place(positions: Int32Array<ArrayBuffer>, ranks: Int32Array<ArrayBuffer> | null): void {
    // A view of a part of a buffer would be sent with all of it.
    this.#change({ type: "place", positions: positions.slice(), ranks: ranks && ranks.slice() });
  }

  placeRows(rows: Int32Array<ArrayBuffer>): void {
    this.#change({ type: "placeRows", rows: rows.slice() });
  }

  fold(gone: Uint32Array<ArrayBuffer>): void {
    const { config: { layers, kvHeads } } = this.#made;
    this.#change({ type: "fold", gone: gone.slice(0, layers * kvHeads + 1 + gone[layers * kvHeads]) });
  }

  forget(): void {
    this.#change({ type: "forget" });
  }

  ban(bits: Uint32Array<ArrayBuffer>): void {
    this.#change({ type: "ban", bits: bits.slice() });
  }

  #change(change: Parameters<Link["change"]>[1], transfer: Transferable[] = []): void {
    this.#made.link.change(this.#made.number, change, transfer);
  }

  async read(count: number, logits: Float32Array, hidden: Float32Array): Promise<void> {
    const answer = await this.#made.link.ask("read", "generate", this.#made.number, { count });
    logits.set(answer.logits);
    hidden.set(answer.hidden);
  }

  async states(count: number, stage: number, into: Float32Array): Promise<void> {
    into.set(await this.#made.link.ask("states", "read hidden states", this.#made.number, { count, stage }));
  }

  async save(action: string, into: Uint8Array): Promise<void> {
    into.set(await this.#made.link.ask("save", action, this.#made.number, { action }));
  }

  load(saved: Uint8Array<ArrayBuffer>): void {
    const bytes = saved.slice(0, this.savedBytes);
    this.#change({ type: "load", bytes }, [bytes.buffer]);
  }

  copyFrom(other: EngineContext): void {
    this.#change({ type: "copyFrom", other: (other as RemoteContext).#made.number });
  }

  growFrom(other: EngineContext): void {
    this.#change({ type: "growFrom", other: (other as RemoteContext).#made.number });
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#give();
    this.#change({ type: "release" });
  }
}
