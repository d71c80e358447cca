/** Units measured in this process, one after another. */
import { measureUnit } from "../eval/measure.ts";
import type { Result } from "../eval/results.ts";
import { onceFor } from "../eval/run.ts";
import { documentsName, type Unit } from "../eval/units.ts";
import { canonical } from "../eval/canonical.ts";
import { load, type Model } from "../load.ts";
import type { LoadOptions } from "../options/index.ts";
import { namedPolicy } from "./policy.ts";

/** How units are measured. */
export interface Manner {
  /** What their documents are cut from. */
  readonly text: string;
  /** Options of loading that change no number. */
  readonly load: LoadOptions;
  /** Whether results tell how long they took. */
  readonly times: boolean;
  /** Hears how many of a unit's documents are done. */
  readonly onProgress: (unit: Unit, done: number, total: number) => void;
}

/** Holds one model at a time: units of one stand next to each other. */
export class Measurer {
  readonly #manner: Manner;
  readonly #onceFor = onceFor();
  #name = "";
  #model: Model | null = null;

  constructor(manner: Manner) {
    this.#manner = manner;
  }

  /** Measures one unit; what it throws is the unit's result. */
  async measure(unit: Unit): Promise<Result> {
    const { text, times, onProgress } = this.#manner;
    const result = await measureUnit(unit, {
      model: () => this.#open(unit),
      policy: () => namedPolicy(unit.policy),
      ...{ text, times, once: this.#onceFor(documentsName(unit)) },
      onProgress: (done, total) => onProgress(unit, done, total),
    });
    if (this.#model?.failure) this.dispose(); // a lost device: the next unit has another
    return result;
  }

  async #open({ model: where, load: options }: Unit): Promise<Model> {
    const name = canonical([where, options]);
    if (this.#model && name === this.#name) return this.#model;
    this.dispose();
    this.#model = await load(where, { ...this.#manner.load, ...options as LoadOptions });
    this.#name = name;
    return this.#model;
  }

  /** Gives the model back. */
  dispose(): void {
    this.#model?.dispose();
    this.#model = null;
  }
}
