/** What is compared, as fields: on the left what all runs read, above the texts a card for each run. */
import { choicesOf } from "../settings.ts";
import { make } from "../view/dom.ts";
import { type Choice, type Comparison, LETTERS, PRESETS, SHARED } from "./comparison.ts";

const KEYS = ["policy", "budget", "positions", "kv"] as const satisfies (keyof Choice)[];
const HINTS: Record<string, string> = { temperature: "0", topP: "1", seed: "0", stride: "up to 64" };
const LABELS: Record<string, string> = { topP: "top-p", kv: "K and V", max: "new tokens" };

type Field = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

export class CompareForm {
  /** What all runs read. */
  readonly shared: HTMLElement;
  /** A card a run. */
  readonly cards: HTMLElement;
  readonly #fields = new Map<string, Field>();
  readonly #runs: Record<keyof Choice, Field>[] = [];
  readonly #preset: HTMLSelectElement;
  readonly #changed: () => void;

  constructor(changed: () => void) {
    this.#changed = changed;
    const prompt = make("textarea", { rows: "9", spellcheck: "false", name: "prompt" });
    const text = make("textarea", { rows: "3", spellcheck: "false", name: "text", placeholder: "None: paste one" });
    this.#preset = make("select", {}, new Option("of my own", ""));
    PRESETS.forEach(({ name }, i) => this.#preset.append(new Option(name, String(i))));
    this.#preset.addEventListener("change", () => {
      const preset = PRESETS[Number(this.#preset.value)];
      if (this.#preset.value === "" || !preset) return;
      this.comparison = { ...this.comparison, ...preset };
    });
    const small = (name: string, attributes: Record<string, string>) =>
      make("label", {}, `${LABELS[name] ?? name} `, this.#field(name, make("input", { name, ...attributes })));
    this.shared = make(
      "div",
      { class: "shared" },
      make("label", { class: "tall" }, "Which runs ", this.#preset),
      make("label", { class: "tall" }, "Prompt of all runs ", this.#field("prompt", prompt)),
      make(
        "div",
        { class: "pairs" },
        small("max", { inputmode: "numeric" }),
        ...SHARED.map((name) => small(name, { inputmode: "decimal", placeholder: HINTS[name] })),
      ),
      make(
        "label",
        {},
        "key to be found ",
        this.#field("answer", make("input", { name: "answer", placeholder: "none" })),
      ),
      make("label", { class: "tall" }, "A text to measure the perplexity of ", this.#field("text", text)),
    );
    this.cards = make("div", { class: "cards" }, ...LETTERS.map((letter, run) => this.#card(letter, run)));
    for (const part of [this.shared, this.cards]) {
      part.addEventListener("input", (event) => {
        if (part === this.cards) this.#preset.value = "";
        if (event.target !== this.#preset) changed();
      });
    }
  }

  #field(name: string, field: Field): Field {
    this.#fields.set(name, field);
    return field;
  }

  #card(letter: string, run: number): HTMLElement {
    const select = (name: string, options: [value: string, text: string][]) =>
      make("select", { "data-key": name }, ...options.map(([value, text]) => new Option(text, value)));
    const others = (name: "policy" | "positions" | "kv", first: string) =>
      choicesOf(name)!.filter((value) => value !== first).map((value): [string, string] => [value, value]);
    const fields = {
      policy: select("policy", [
        ...(run > 0 ? [["", "no run"] as [string, string]] : []),
        ["full", "full"],
        ...others("policy", "full"),
      ]),
      budget: make("input", { "data-key": "budget", size: "6", placeholder: "256", form: "compare-form" }),
      positions: select("positions", [["", "absolute"], ...others("positions", "absolute")]),
      kv: select("kv", [["", "f16"], ...others("kv", "f16")]),
    };
    this.#runs.push(fields);
    return make(
      "fieldset",
      { class: "card", "data-run": letter },
      make("legend", {}, make("i", { class: "stroke" }), `Run ${letter}`),
      ...KEYS.map((key) => make("label", { class: "tall" }, `${LABELS[key] ?? key} `, fields[key])),
    );
  }

  #setRuns(runs: readonly Choice[]) {
    this.#runs.forEach((fields, run) => {
      const choice = runs[run] ?? { policy: "", budget: "", positions: "", kv: "" };
      for (const key of KEYS) {
        const field = fields[key];
        field.value = choice[key] ?? "";
        // A link may name a default, which the list has as an empty value.
        if (field.value === (choice[key] ?? "") || !(field instanceof HTMLSelectElement)) continue;
        field.append(new Option(choice[key], choice[key]));
        field.value = choice[key];
      }
    });
    this.#tell();
  }

  #tell() {
    for (const { policy, budget, positions, kv } of this.#runs) {
      const fixed = policy.value === "full" || policy.value === "";
      Object.assign(budget, { disabled: fixed, placeholder: fixed ? "all" : "256" });
      if (fixed) budget.value = "";
      for (const field of [positions, kv]) (field as HTMLSelectElement).disabled = policy.value === "";
    }
  }

  get comparison(): Comparison {
    this.#tell();
    const value = (name: string) => this.#fields.get(name)!.value;
    const shared = Object.fromEntries(SHARED.map((name) => [name, value(name).trim()])) as Record<
      typeof SHARED[number],
      string
    >;
    const runs = this.#runs.filter(({ policy }) => policy.value !== "").map((fields) =>
      Object.fromEntries(KEYS.map((key) => [key, fields[key].value.trim()])) as unknown as Choice
    ).map((choice) => choice.policy === "full" ? { ...choice, budget: "" } : choice);
    return {
      ...shared,
      prompt: value("prompt"),
      max: Number(value("max")),
      text: value("text"),
      answer: value("answer"),
      runs,
    };
  }

  set comparison(asked: Comparison) {
    for (const name of ["prompt", "text", "answer", ...SHARED] as const) this.#fields.get(name)!.value = asked[name];
    this.#fields.get("max")!.value = String(asked.max);
    this.#setRuns(asked.runs);
    const all = JSON.stringify(asked);
    const preset = PRESETS.findIndex(({ name: _, ...preset }) => JSON.stringify({ ...asked, ...preset }) === all);
    this.#preset.value = preset < 0 ? "" : String(preset);
    this.#changed();
  }

  /** Goes to the setting of an option, or to the first budget that can be set. */
  focus(option: string | undefined): void {
    const run = (key: keyof Choice) => this.#runs.map((fields) => fields[key]).find((field) => !field.disabled);
    const name = option === "maxNewTokens" ? "max" : option ?? "budget";
    const found = this.#fields.get(name) ?? run(name as keyof Choice);
    (found ?? run("budget") ?? this.#fields.get("prompt")!).focus();
  }
}
