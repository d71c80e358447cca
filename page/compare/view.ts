/** Side by side: up to four runs on one prompt, their texts, plots and numbers. */
import type { ModelInfo } from "../protocol.ts";
import { MOST_TOKENS } from "../settings.ts";
import type { Theme } from "../view/colour.ts";
import { make, save } from "../view/dom.ts";
import type { ViewPage } from "../view/page.ts";
import { type Choice, type Comparison, comparisonHash, FIRST, LETTERS } from "./comparison.ts";
import { AGREEMENT, FIGURES, toCsv, toJson } from "./export.ts";
import { CompareForm } from "./form.ts";
import { Plots } from "./plots.ts";
import { type Phase, Result, type Told } from "./result.ts";
import { NumberTable } from "./table.ts";
import { Texts } from "./texts.ts";

const PLOTTED = 120; // ms between two plots that are drawn
const TABLED = 250; // ms between two times that the table is written
const PHASES: Record<Phase, string> = {
  reading: "the runs read the prompt",
  writing: "the runs write",
  agreement: "the runs read the reference’s text",
  perplexity: "the runs read the text to measure",
};

/** A run in words. */
function nameOf({ policy, budget, positions, kv }: Choice, run: number): string {
  const parts = [policy, policy === "full" ? "" : budget || "256", positions && `${positions} positions`, kv];
  return `${LETTERS[run]}: ${parts.filter(Boolean).join(", ")}`;
}

export class CompareView {
  readonly #host: ViewPage;
  readonly #form = new CompareForm(() => this.#show());
  readonly #texts = new Texts();
  readonly #plots = new Plots();
  readonly #table = new NumberTable();
  readonly #go = make("button", { type: "submit", class: "primary" }, "Compare");
  readonly #stop = make("button", { type: "button", hidden: "" }, "Stop");
  readonly #status = make("p", { class: "hint", role: "status", id: "compare-status" });
  readonly #refused = make("p", { class: "hint", role: "status", id: "compare-refused" });
  readonly #progress = make("progress", { max: "1", value: "0", "aria-label": "Comparing", hidden: "" });
  readonly #files: HTMLButtonElement[];
  #model: ModelInfo | null = null;
  #busy = true;
  #running = false;
  #result: Result | null = null;
  #next: Result | null = null; // what was asked for and has not begun
  #names: string[] = [];
  #told = true; // the table is as it should be
  #plotted = 0; // ms: when a plot was drawn last
  #tabled = 0; // ms: when the table was written last
  #drawing = false;

  constructor(box: HTMLElement, host: ViewPage) {
    this.#host = host;
    const button = (name: string, act: () => unknown) => {
      const made = make("button", { type: "button", disabled: "" }, name);
      made.addEventListener("click", () => act());
      return made;
    };
    this.#files = [
      button("JSON", () => this.#save("json", (result) => new Blob([toJson(result)], { type: "application/json" }))),
      button("CSV", () => this.#save("csv", (result) => new Blob([toCsv(result)], { type: "text/csv" }))),
      button("PNG", () => this.#save("png", ({ model }) => this.#plots.picture(`kvcap, ${model}`, this.#names))),
      button("Copy link", () => this.#copy()),
    ];
    this.#stop.addEventListener("click", () => host.stop());
    const rail = make(
      "form",
      { class: "rail", autocomplete: "off", id: "compare-form" },
      make("div", { class: "row" }, this.#go, this.#stop, this.#progress),
      this.#status,
      this.#form.shared,
      make("div", { class: "row", role: "group", "aria-label": "What was found, as files" }, ...this.#files),
    );
    rail.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!this.#go.disabled) this.run(this.#form.comparison);
    });
    const about = make("p", { class: "hint about" }, `Agreement: ${AGREEMENT} ${FIGURES}`);
    const shown = [
      this.#form.cards,
      this.#texts.element,
      this.#plots.element,
      this.#table.element,
      this.#plots.figures,
      this.#refused,
      about,
    ];
    box.append(rail, make("div", { class: "found", id: "compare-main", tabindex: "-1" }, ...shown));
    this.#form.comparison = FIRST;
    this.#texts.element.append(make("p", { class: "hint" }, "Nothing yet. Press Compare: each run gets a column."));
  }

  fill(asked: Comparison): void {
    this.#form.comparison = asked;
  }

  theme(theme: Theme): void {
    this.#plots.theme(theme);
  }

  refresh(model: ModelInfo | null, busy: boolean): void {
    this.#model = model;
    this.#busy = busy;
    if (!busy && this.#running) this.#ended();
    this.#show();
  }

  focus(option: string | undefined): void {
    this.#form.focus(option);
  }

  #show() {
    if (!this.#status) return; // the form is being made
    const { prompt, runs } = this.#form.comparison;
    this.#go.disabled = this.#busy || !this.#model || prompt.trim() === "" || runs.length === 0;
    this.#go.hidden = this.#running;
    this.#stop.hidden = !this.#running;
    for (const button of this.#files) button.disabled = this.#running || !this.#result;
  }

  run(asked: Comparison): void {
    const { max } = asked;
    if (!Number.isInteger(max) || max < 1 || max > MOST_TOKENS) {
      return this.#host.trouble(`New tokens must be a whole number from 1 to ${MOST_TOKENS}.`);
    }
    if (!this.#model) return; // it went while this code came: what was asked stands in the form
    const { name, adapter } = this.#model;
    this.#next = new Result(asked, name, adapter);
    this.#running = true;
    this.#progress.value = 0;
    this.#progress.hidden = false;
    this.#host.work({ type: "compare", asked });
  }

  #begin(result: Result) {
    this.#result = result;
    this.#next = null;
    this.#names = result.asked.runs.map(nameOf);
    this.#texts.begin(this.#names);
    this.#plots.begin(result);
    this.#told = false;
    this.#refused.textContent = "";
    this.#host.address(comparisonHash(result.asked, this.#host.model()));
    this.#draw();
  }

  hear(told: Told): void {
    if (!this.#running) return;
    if (told.of === "began") return this.#next ? this.#begin(this.#next) : undefined;
    if (!this.#result) return;
    if (told.of === "phase") {
      this.#progress.value = told.done / told.total;
      const text = `${PHASES[told.phase]}: ${told.done} of ${told.total} tokens`;
      if (told.done === 0) this.#status.textContent = PHASES[told.phase]; // read out once, not at every token
      this.#progress.title = text;
      return;
    }
    this.#result.take(told);
    this.#told = false;
    this.#draw();
  }

  #ended() {
    this.#running = false;
    this.#progress.hidden = true;
    const refused = this.#next !== null; // what there is stays as it is
    this.#next = null;
    if (refused) return;
    const { runs, whole } = this.#result!;
    this.#status.textContent = whole ? "done" : "stopped: what was found until then is here";
    this.#refused.textContent = runs.flatMap(({ refused }) => refused ? [`${refused}.`] : []).join(" ");
    this.#told = false;
    this.#plots.all();
    this.#draw();
  }

  #draw() {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => this.#frame());
  }

  /** A frame does one thing: the texts, the numbers, or one plot. */
  #frame() {
    this.#drawing = false;
    const result = this.#result;
    if (!result) return;
    const now = performance.now();
    if (this.#running && now - this.#plotted > PLOTTED) {
      this.#plotted = now;
      this.#plots.frame();
      return this.#draw();
    }
    if (!this.#told && (!this.#running || now - this.#tabled > TABLED)) {
      this.#tabled = now;
      this.#told = true;
      this.#table.show(result, this.#names);
      return this.#draw();
    }
    if (this.#texts.frame(result) || this.#running) this.#draw();
  }

  async #save(kind: string, make: (result: Result) => Blob | Promise<Blob>) {
    save(`kvcap-comparison.${kind}`, await make(this.#result!));
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(location.href);
      this.#status.textContent = "copied";
    } catch {
      this.#status.textContent = "the address of this page is the link";
    }
  }
}
