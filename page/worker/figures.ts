/** The two figures that the paper's proposal rests on, of the attention by which a comparison's reference read its text. */
import { KvcapError } from "../../src/errors.ts";
import { given } from "../../src/options/row.ts";
import type { Overlap } from "../../src/recording/figures.ts";
import type { ReplayOptions } from "../../src/recording/options.ts";
import type { SessionOptions } from "../../src/options/session.ts";
import type { Told } from "../compare/result.ts";

const MOST_BYTES = 128 << 20; // of a recording

/** A recording in memory, while it is not too large. */
export class Recorder {
  #pieces: Uint8Array<ArrayBuffer>[] = [];
  #bytes = 0;

  readonly record = (piece: Uint8Array): void => {
    this.#bytes += piece.length;
    if (this.#bytes <= MOST_BYTES) this.#pieces.push(piece.slice());
    else this.#pieces = [];
  };

  /** All of it, once its session has ended; null: it was too large. */
  async whole(): Promise<Uint8Array | null> {
    return this.#pieces.length > 0 ? new Uint8Array(await new Blob(this.#pieces).arrayBuffer()) : null;
  }
}

/** What the reference's reading left behind. */
export interface Recorded {
  readonly recorder: Recorder;
  readonly budgets: readonly number[]; // [runs]
}

/** A comparison, as far as figures are concerned. */
interface Compared {
  readonly runs: readonly { readonly session: SessionOptions }[];
  readonly tell: (told: Told) => void;
  readonly signal: AbortSignal;
}

/** Tells the figures, where they could be recorded. */
export async function tellFigures({ runs, tell, signal }: Compared, { recorder, budgets }: Recorded): Promise<void> {
  const bytes = await recorder.whole();
  signal.throwIfAborted();
  if (!bytes) return;
  // Fetched now: most who open the page never compare.
  const { overlapOf, readRecording, REPLAYABLE, spreadOf } = await import("./replays.ts");
  const recording = readRecording(bytes);
  const overlaps = runs.map(({ session }, run): Overlap | null => {
    const asked = REPLAYABLE.map((name) => [name, name === "budget" ? budgets[run] : session[name]]);
    try {
      return overlapOf(recording, given(Object.fromEntries(asked)) as ReplayOptions);
    } catch (error) {
      if (error instanceof KvcapError) return null; // its policy reads more than attention
      throw error;
    }
  });
  tell({ of: "figures", figures: { overlaps, spreads: spreadOf(recording) } });
}
