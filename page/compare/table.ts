/** The numbers of every run, a line each. */
import { bytes } from "../view/numbers.ts";
import { make } from "../view/dom.ts";
import { number } from "../view/scale.ts";
import { LETTERS } from "./comparison.ts";
import type { Result } from "./result.ts";

const HEADS: [name: string, title: string][] = [
  ["run", ""],
  ["tokens", "new tokens"],
  ["live", "live slots per lane at the end"],
  ["evicted", "tokens evicted from each lane"],
  ["reserved", "bytes of K and V held: the cache is made once"],
  ["full cache", "bytes that the same tokens take without eviction"],
  ["read, ms", "time to read the prompt"],
  ["step, ms", "mean time of a step"],
  ["as A until", "the first token that is not run A’s"],
  ["same top", "share of steps at which the likeliest token is the reference’s"],
  ["mean KL", "mean over the steps of KL(reference ‖ run), nats"],
  ["perplexity", "of the text to measure"],
  ["key", "whether the text has the key that was to be found"],
];

/** Whether a key was found, in a sign and a word. */
export const markOf = (found: boolean | null) => found === null ? "" : found ? "✓ found" : "✗ lost";

export class NumberTable {
  readonly element: HTMLElement;
  readonly #body = make("tbody");

  constructor() {
    const heads = HEADS.map(([name, title]) => make("th", { scope: "col", title }, name));
    const caption = make("caption", { class: "unseen" }, "The runs in numbers");
    const table = make("table", {}, caption, make("thead", {}, make("tr", {}, ...heads)), this.#body);
    const named = { tabindex: "0", role: "region", "aria-label": "The runs in numbers" };
    this.element = make("div", { class: "results", ...named }, table);
  }

  show(result: Result, names: readonly string[]): void {
    const rows = result.runs.map(({ tokens, report, perplexity }, run) => {
      const agreement = result.agreement(run);
      const parted = result.parted(run);
      const cells = [
        String(tokens.length),
        report ? number(report.liveSlots) : "",
        report ? number(report.evictions) : "",
        report ? bytes(report.kvBytes) : "",
        report ? bytes(report.fullKvBytes) : "",
        report ? report.prefillMs.toFixed(0) : "",
        report ? report.stepMs.total.toFixed(1) : "",
        run === 0 ? "" : parted >= 0 ? String(parted + 1) : report ? "the end" : "",
        agreement ? `${(100 * agreement.same).toFixed(1)} %` : "",
        agreement ? number(agreement.kl, 3) : "",
        perplexity ? perplexity.perplexity.toFixed(4) : "",
        markOf(result.found(run)),
      ];
      const head = make("th", { scope: "row" }, make("i", { class: "stroke", "data-run": LETTERS[run] }), names[run]);
      return make("tr", {}, head, ...cells.map((text) => make("td", {}, text || "–")));
    });
    this.#body.replaceChildren(...rows);
  }
}
