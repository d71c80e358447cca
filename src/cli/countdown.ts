/** Progress over many units. */
import { budgetText } from "../eval/labels.ts";
import { timeLeft } from "../eval/time.ts";
import type { Unit } from "../eval/units.ts";
import type { Progress } from "./terminal.ts";

/** A line of progress over all units, with the time that is left. */
export class Countdown {
  readonly #progress: Progress;
  readonly #total: number;
  readonly #started = performance.now();
  #done = 0;

  constructor(progress: Progress, total: number) {
    this.#progress = progress;
    this.#total = total;
  }

  /** @param part how much of this unit is done, 0 to 1 */
  show({ model, task, policy, budget }: Unit, part: number): void {
    const left = timeLeft(performance.now() - this.#started, this.#done + part, this.#total - this.#done - part);
    const what = [model, task, policy, budgetText(budget)].join(" ");
    this.#progress.show(`${this.#done} of ${this.#total}${left}: ${what}`, this.#done + part, this.#total);
  }

  /** One more is done. */
  count(): void {
    this.#done++;
  }
}
