/** Budgets that differ from lane to lane: the groups they make, and with "adaptive" their change as attention goes. */
import { type Allocation, type Bounds, boundsOf, layerBudgets, shareOut } from "../policies/allocation.ts";
import { slotsOf } from "../core/core.ts";
import { type Books, type GroupShape, prepare } from "./books.ts";
import type { ModelConfig } from "../engine/config.ts";
import { type CheckedSession, leastOf } from "../options/index.ts";

/** How the lanes of a model are grouped, and what of K and V each layer holds. */
export interface Grouping {
  readonly shapes: GroupShape[];
  /** Rows of K and V per layer and lane, on average over the layer's lanes. */
  readonly rows: number[];
  /** Whether the lanes of a layer share its rows. */
  readonly pooled: boolean;
}

/** @param slots per lane on average: the budget, and what a step takes in on top */
export function groupingOf(
  config: Pick<ModelConfig, "layers" | "kvHeads">,
  options: CheckedSession,
  slots: number,
): Grouping {
  const { layers, kvHeads } = config;
  const { budget } = options;
  const allocation = allocationFor(options, kvHeads);
  const extra = slots - budget;
  const budgets = layerBudgets(allocation, budget, leastOf(options), layers);
  const rows = budgets.map((part) => part + extra);
  switch (allocation) {
    case "uniform":
      return { shapes: [{ layers, kvHeads, budget, capacity: slots }], rows, pooled: false };
    case "pyramid": {
      const shapes = budgets.map((part) => ({ layers: 1, kvHeads, budget: part, capacity: part + extra }));
      return { shapes, rows, pooled: false };
    }
    case "adaptive": {
      const { most } = boundsOf(budget, leastOf(options), kvHeads);
      const lane = { layers: 1, kvHeads: 1, budget, capacity: most + extra };
      return { shapes: Array(layers * kvHeads).fill(lane), rows, pooled: true };
    }
  }
}

/** A full cache and the only lane of a layer have nothing to share out. */
function allocationFor({ allocation, policy }: CheckedSession, kvHeads: number): Allocation {
  return policy === "full" || (allocation === "adaptive" && kvHeads === 1) ? "uniform" : allocation;
}

/** Shares every layer's slots out among its lanes, anew whenever it is asked. */
export class Shares {
  readonly #books: Books;
  readonly #kvHeads: number;
  readonly #total: number; // slots of a layer's lanes
  /** Of every lane's budget. */
  readonly bounds: Bounds;
  readonly #scored: { readonly scores: Float32Array[]; readonly counts: Int32Array }; // of one layer
  readonly #parts: Int32Array; // [kvHeads]
  readonly #stride: number; // tokens
  /** Tokens since lanes got their budgets. */
  since = 0;

  /** @param books one group per lane */
  constructor(books: Books, kvHeads: number, options: CheckedSession) {
    this.#books = books;
    this.#kvHeads = kvHeads;
    this.#total = options.budget * kvHeads;
    this.bounds = boundsOf(options.budget, leastOf(options), kvHeads);
    this.#scored = {
      scores: Array.from({ length: kvHeads }, () => new Float32Array(books.width)),
      counts: new Int32Array(kvHeads),
    };
    this.#parts = new Int32Array(kvHeads);
    this.#stride = options.stride;
  }

  /** Tokens were taken in: with every `stride` of them, lanes get new budgets. */
  taken(tokens: number): void {
    this.since += tokens;
    if (this.since < this.#stride) return;
    this.since = 0;
    this.shareAnew();
  }

  /** As at the start. */
  reset(): void {
    this.since = 0;
    for (const group of this.#books.groups) group.budget = this.#total / this.#kvHeads;
  }

  /** Gives every lane a new budget, by its scores as they are now. */
  shareAnew(): void {
    const { groups } = this.#books;
    for (let first = 0; first < groups.length; first += this.#kvHeads) {
      for (let head = 0; head < this.#kvHeads; head++) {
        const { core, own } = groups[first + head];
        prepare(groups[first + head]);
        const scores = own ? core.showScoresBy(own) : core.showScores();
        const mine = this.#scored.scores[head];
        const { positions } = slotsOf(core);
        let count = 0;
        for (let slot = 0; slot < core.extent; slot++) {
          if (positions[slot] >= 0) mine[count++] = scores[slot];
        }
        this.#scored.counts[head] = count;
      }
      shareOut(this.#scored, this.#total, this.bounds, this.#parts);
      for (let head = 0; head < this.#kvHeads; head++) groups[first + head].budget = this.#parts[head];
    }
  }
}
