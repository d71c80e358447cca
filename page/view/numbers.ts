/** The run in numbers, in places that do not move. */
import { cacheLine } from "../../src/cli/report-lines.ts";
import type { Report } from "../../src/session/report.ts";

const NAMES = ["tokens", "live per lane", "evicted per lane", "a full cache", "a step", "speed", "K and V"] as const;

export class Numbers {
  readonly #values = new Map<string, HTMLElement>();

  constructor(list: HTMLElement) {
    for (const name of NAMES) {
      const [term, value] = [document.createElement("dt"), document.createElement("dd")];
      term.textContent = name;
      value.textContent = "–";
      const pair = document.createElement("div");
      pair.append(term, value);
      list.append(pair);
      this.#values.set(name, value);
    }
  }

  #write(name: typeof NAMES[number], text: string) {
    const value = this.#values.get(name)!;
    if (value.textContent !== text) value.textContent = text;
  }

  /** Tokens seen, and how many of them each lane holds: the mean. */
  held(seen: number, live: number): void {
    this.#write("tokens", String(seen));
    this.#write("live per lane", String(Number(live.toFixed(1))));
    this.#write("evicted per lane", String(Number((seen - live).toFixed(1))));
  }

  report(report: Report): void {
    const { fullKvBytes, stepMs, tokensPerSecond } = report;
    this.#write("K and V", cacheLine(report));
    this.#write("a full cache", bytes(fullKvBytes));
    this.#write("a step", stepMs.total > 0 ? `${stepMs.total.toFixed(1)} ms` : "–");
    this.#write("speed", tokensPerSecond > 0 ? `${tokensPerSecond.toFixed(0)} tok/s` : "–");
  }

  clear(): void {
    for (const name of NAMES) this.#write(name, "–");
  }
}

export function bytes(count: number): string {
  if (count < 2 ** 20) return `${(count / 2 ** 10).toFixed(0)} KiB`;
  return count < 2 ** 30 ? `${(count / 2 ** 20).toFixed(1)} MiB` : `${(count / 2 ** 30).toFixed(2)} GiB`;
}
