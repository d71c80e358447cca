/** What is to be seen of a run: its text, its map, a token's lives and the numbers, at one step, drawn once a frame. */
import { RunLog } from "./log.ts";
import { readSteps, type RunInfo, type Scores, type Shown, type ToWorker } from "./protocol.ts";
import type { Report } from "../src/session/report.ts";
import { Legend } from "./view/legend.ts";
import { save } from "./view/dom.ts";
import { type Cell, MapView } from "./view/map.ts";
import { Numbers } from "./view/numbers.ts";
import { type Measure, number, scaleWords } from "./view/scale.ts";
import { TextView } from "./view/text.ts";
import type { Theme } from "./view/colour.ts";
import { laneName, spreadName, TokenView } from "./view/token.ts";

const by = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;

export class Stage {
  readonly #ask: (message: ToWorker) => void;
  readonly #text = new TextView(by("text"), (position, pressed) => this.#point(position, -1, pressed, false));
  readonly #map: MapView;
  readonly #token = new TokenView(by("token-line"), by("token-rule"), by("token-lanes"));
  readonly #legend = new Legend(by("legend"));
  readonly #numbers = new Numbers(by("numbers"));
  readonly #slider = by<HTMLInputElement>("step");
  readonly #measure = by<HTMLSelectElement>("measure");
  #run: RunInfo | null = null;
  #log: RunLog | null = null;
  #step = Infinity; // that is shown; Infinity: now
  #scores: Scores | null = null; // of the step shown, or before
  #asked = -1; // the step whose scores were asked for and have not come
  #picked: Cell | null = null; // stays
  #pointed: Cell | null = null; // while the pointer is there
  #budget = 0; // slots per lane, in the last report
  #told = true; // the token's table is as it should be
  #tellAt = 0; // ms: not before
  #drawing = false;

  constructor(ask: (message: ToWorker) => void) {
    this.#ask = ask;
    this.#map = new MapView(
      by<HTMLCanvasElement>("map"),
      (cell, pressed) => this.#point(cell?.position ?? null, cell?.lane ?? -1, pressed, true),
      () => this.#draw(),
    );
    this.#slider.addEventListener("input", () => this.#goTo(Number(this.#slider.value)));
    by("live").addEventListener("click", () => this.#goTo(Infinity));
    this.#measure.addEventListener("change", () => this.#colour());
    const zoom = (factor: number) => () => {
      this.#map.camera.zoom(factor, 1);
      this.#moved();
    };
    by("zoom-in").addEventListener("click", zoom(1.4));
    by("zoom-out").addEventListener("click", zoom(1 / 1.4));
    by("fit").addEventListener("click", () => {
      this.#map.camera.fits = true;
      this.#moved();
    });
    by("picture").addEventListener("click", async () => {
      const budget = this.#run!.evicts ? `, budget ${this.#budget}` : "";
      const line = `${by("model-name").textContent}, ${this.#run!.rule}${budget}, ${by("step-text").textContent}`;
      save("kvcap-map.png", await this.#map.picture(line, scaleWords(this.#measure.value as Measure, this.#run!)));
    });
  }

  #moved() {
    this.#map.redraw();
    this.#draw();
  }

  theme(theme: Theme): void {
    this.#map.theme(theme);
    this.#legend.theme(theme);
    this.#draw();
  }

  /** Shows a run from its beginning. */
  begin(run: RunInfo): void {
    this.#run = run;
    this.#measure.options[0].disabled = !run.evicts;
    this.#measure.options[2].text = spreadName(run);
    this.#measure.value = run.evicts ? "score" : "mean";
    this.clear();
  }

  /** Forgets what was shown. */
  clear(): void {
    const run = this.#run;
    if (!run) return;
    const log = this.#log = new RunLog(run.layers * run.kvHeads);
    this.#step = Infinity;
    by<HTMLButtonElement>("picture").disabled = true; // of nothing
    this.#scores = null;
    this.#asked = -1;
    this.#picked = this.#pointed = null;
    this.#text.begin(log);
    this.#map.begin(run, log);
    this.#token.begin(run, log);
    this.#numbers.clear();
    this.#legend.show(this.#map.tiles!.scale, scaleWords(this.#measure.value as Measure, run));
    this.#draw();
  }

  steps(records: Int32Array<ArrayBuffer>, shown: Shown[]): void {
    const log = this.#log;
    if (!log) return;
    by<HTMLButtonElement>("picture").disabled = false;
    this.#text.show(shown);
    for (const step of readSteps(records)) {
      log.add(step, (position, lane) => {
        this.#text.touch(position);
        this.#map.touch(position, lane);
      });
    }
    this.#told = false;
    this.#draw();
  }

  scores(scores: Scores | null, recorded: boolean): void {
    if (recorded) {
      const late = this.#step !== Infinity && this.#asked !== this.#step;
      this.#asked = -1;
      if (late) this.#askScores();
    } else if (this.#step !== Infinity) return;
    if (!scores) return;
    this.#scores = scores;
    this.#colour();
  }

  report(report: Report): void {
    this.#budget = report.budget;
    this.#numbers.report(report);
  }

  #colour() {
    if (!this.#scores || !this.#run) return;
    const measure = this.#measure.value as Measure;
    this.#map.colour(this.#scores, measure);
    this.#legend.show(this.#map.tiles!.scale, scaleWords(measure, this.#run));
    this.#told = false;
    this.#draw();
  }

  /** Shows the time after a step; Infinity: now. */
  #goTo(step: number) {
    if (!this.#log) return;
    this.#step = step;
    this.#text.at(step);
    this.#map.at(step);
    this.#told = false;
    this.#askScores();
    this.#draw();
  }

  #askScores() {
    if (this.#asked >= 0) return; // when they come, those of the step then shown are asked for
    this.#asked = this.#step === Infinity ? this.#log!.steps : this.#step;
    this.#ask({ type: "scores", step: this.#asked });
  }

  #point(position: number | null, lane: number, pressed: boolean, fromMap: boolean) {
    if (!this.#log) return;
    const cell = position === null ? null : { position, lane };
    this.#pointed = cell;
    if (pressed) this.#picked = cell;
    const shown = cell ?? this.#picked;
    this.#text.mark(shown?.position ?? null, fromMap && cell !== null);
    if (!fromMap && pressed && shown) this.#map.camera.reveal(shown.position);
    this.#map.mark(shown);
    this.#told = false;
    this.#tellAt = 0;
    this.#draw();
  }

  #draw() {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => this.#frame());
  }

  #frame() {
    this.#drawing = false;
    let more = this.#text.frame();
    more = this.#map.frame() || more;
    const log = this.#log;
    if (log) this.#time(log);
    by("fit").setAttribute("aria-pressed", String(this.#map.camera.fits));
    if (!this.#told && performance.now() >= this.#tellAt) this.#tell();
    if (more || !this.#told) this.#draw();
  }

  #time(log: RunLog) {
    const now = Math.min(this.#step, log.steps);
    this.#slider.max = String(log.steps);
    if (this.#slider.value !== String(now)) this.#slider.value = String(now);
    by("live").setAttribute("aria-pressed", String(this.#step === Infinity));
    const of = `step ${now} of ${log.steps}`;
    const scored = this.#step !== Infinity && this.#scores && this.#scores.step !== now;
    by("step-text").textContent = scored ? `${of}, scores of step ${this.#scores!.step}` : of;
    this.#numbers.held(log.seenAt(now), log.liveAt(now));
  }

  #tell() {
    const shown = this.#pointed ?? this.#picked;
    const { position, lane } = shown ?? { position: 0, lane: -1 };
    const text = this.#text.text(position);
    this.#token.tell(shown && { position, lane, text, step: this.#step }, this.#scores);
    this.#told = true;
    this.#tellAt = performance.now() + 150;
    by("readout").textContent = this.#readout(shown, text);
  }

  #readout(cell: Cell | null, text: string): string {
    const [run, log, scores] = [this.#run, this.#log, this.#scores];
    if (!cell || !run || !log || cell.lane < 0) return "";
    const { lane, position } = cell;
    const where = `${laneName(lane, run)}, position ${position} “${text.replaceAll("\n", "⏎")}”: `;
    if (!log.holds(lane, position, this.#step)) return `${where}left at step ${log.fate(lane, position).left}`;
    if (!scores) return `${where}no score yet`;
    for (let i = scores.begins[lane]; i < scores.begins[lane + 1]; i++) {
      if (scores.positions[i] !== position) continue;
      const [score, mean, spread] = [scores.score[i], scores.mean[i], scores.spread[i]].map((value) =>
        number(value, 3)
      );
      const between = run.scope === "peak" ? ", peak " : " ± ";
      return `${where}${run.evicts ? `score ${score}, ` : ""}mean attention ${mean}${between}${spread}`;
    }
    return `${where}no score yet`;
  }
}
