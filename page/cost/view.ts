/** What eviction costs on this machine, measured at a click in a worker of its own. */
import type { CoreTime } from "../../bench/core-times.ts";
import { corePolicies as policies } from "../../src/policies/core.ts";
import { make } from "../view/dom.ts";
import { number } from "../view/scale.ts";
import { chart, KINDS, sample } from "./chart.ts";
import type { CostTold } from "./worker.ts";

const MOST = 15_000; // ms
const MOST_WIDTH = 720; // of the chart; on larger ones it is scaled
const [LAYERS, KV_HEADS, SLOTS] = [8, 8, 1024]; // as worker.ts measures
const ROWS = Object.values(policies).filter(({ evicts }) => evicts).length;

export class CostView {
  readonly #go = make("button", { type: "button", class: "primary" }, "Measure");
  readonly #status = make("p", { class: "hint", role: "status", id: "cost-status" });
  readonly #progress = make("progress", { max: "1", value: "0", "aria-label": "Measuring" });
  readonly #chart = make("div", { class: "chart" });
  readonly #sum = make("p", { class: "sum" });
  readonly #body = make("tbody");
  #times: CoreTime[] = [];
  #worker: Worker | null = null;

  constructor(box: HTMLElement) {
    this.#go.addEventListener("click", () => this.#worker ? this.#end("stopped") : this.#begin());
    this.#progress.hidden = true;
    const legend = KINDS.map(({ name, label }) => make("span", {}, sample(name), label));
    const heads = [
      "policy",
      "a step, ms",
      ...KINDS.map(({ short }) => `${short}, ns`),
      "JavaScript ÷ core",
      "naive ÷ core",
    ];
    const table = make(
      "table",
      {},
      make("caption", { class: "unseen" }, "ns per slot and step"),
      make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", { scope: "col" }, head)))),
      this.#body,
    );
    box.append(make(
      "section",
      { class: "cost", id: "cost-main", tabindex: "-1", "aria-labelledby": "cost-title" },
      make("h2", { id: "cost-title" }, "What eviction costs here"),
      make(
        "p",
        { class: "hint" },
        `After every token the core takes in a row of attention, scores every live token of every lane, and chooses who ` +
          `goes. Measured on this machine’s processor, one thread, for ${LAYERS} layers × ${KV_HEADS} KV heads × ${SLOTS} slots, ` +
          `one token in and one out of every lane: nanoseconds per slot and step, medians. JavaScript: the same with typed ` +
          `arrays and care. Naive: objects and sorting, as one would write it first, at 8 lanes × 256 slots. All three must ` +
          `choose the same victims before they are timed.`,
      ),
      make("div", { class: "row" }, this.#go, this.#progress, this.#status),
      this.#sum,
      make("p", { class: "points" }, ...legend),
      this.#chart,
      make("div", { class: "results", tabindex: "0", role: "region", "aria-label": "Times" }, table),
    ));
    new ResizeObserver(() => this.#draw()).observe(box);
  }

  #begin() {
    this.#times = [];
    this.#draw();
    this.#go.textContent = "Stop";
    this.#progress.hidden = false;
    this.#progress.value = 0;
    this.#status.textContent = "measuring";
    const worker = this.#worker = new Worker("cost.js", { type: "module" });
    const limit = setTimeout(() => this.#end("stopped after 15 seconds: this is what was measured until then"), MOST);
    const end = (text: string) => {
      clearTimeout(limit);
      if (worker === this.#worker) this.#end(text);
    };
    worker.addEventListener("message", ({ data }: MessageEvent<CostTold>) => {
      if (worker !== this.#worker) return;
      switch (data.type) {
        case "measuring":
          this.#progress.value = data.done / data.total;
          this.#progress.title = data.policy;
          return;
        case "measured":
          this.#times.push(data.time);
          return this.#draw();
        case "ended":
          return end("done");
        case "failed":
          return end(`It could not be measured: ${data.message}.`);
      }
    });
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      end(`It could not be measured: ${event.message || "the worker did not start"}.`);
    });
  }

  #end(text: string) {
    this.#worker?.terminate();
    this.#worker = null;
    this.#go.textContent = this.#times.length > 0 ? "Measure again" : "Measure";
    this.#progress.hidden = true;
    this.#status.textContent = text;
  }

  #draw() {
    const times = this.#times;
    const label = `ns per slot and step of ${times.length} policies, logarithmic; the table below has the numbers`;
    const width = Math.max(300, Math.min(MOST_WIDTH, this.#chart.clientWidth));
    this.#chart.replaceChildren(chart(times, ROWS, width, label));
    this.#body.replaceChildren(...times.map((time) => {
      const cells = [
        time.ms.toFixed(3),
        ...KINDS.map(({ nsPerSlot }) => number(nsPerSlot(time), 3)),
        `${number(time.javascript)} ×`,
        `${number(time.twin)} ×`,
      ];
      return make("tr", {}, make("th", { scope: "row" }, time.policy), ...cells.map((text) => make("td", {}, text)));
    }));
    const roco = times.find(({ policy }) => policy === "roco");
    this.#sum.textContent = roco
      ? `RoCo takes ${roco.ms.toFixed(2)} ms a step for ${LAYERS * KV_HEADS} lanes: ${
        number(roco.javascript)
      } times less than in JavaScript.`
      : "";
  }
}
