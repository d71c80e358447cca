/** The form: settings as the visitor has them. */
import type { PolicyName } from "../../src/policies/index.ts";
import { choicesOf, defaultOf, type Name, NAMES, type Settings } from "../settings.ts";
import { make } from "./dom.ts";

/** The policies, in a line each: src/policies has the papers. */
const POLICIES: Record<PolicyName, string> = {
  roco: "The least mean attention goes, among tokens whose attention has settled.",
  crest: "The least mean attention of late goes, but what was once looked at hard stays.",
  h2o: "The least summed attention goes: heavy hitters stay.",
  tova: "What the last query looked at least goes.",
  "tova-layer": "The same, by the mean of a layer, whose lanes give up the same tokens.",
  scissorhands: "What was rarely attended to above its share, in the last rows, goes.",
  snapkv: "The least attention in the last rows goes, neighbours counted in.",
  gkv: "What had the least part in the most attended, at its best, goes; a best fades.",
  streaming: "The oldest goes, but for the first four: with positions “cache”.",
  recency: "The oldest goes.",
  random: "Chance decides.",
  keydiff: "The key most like the mean of all goes.",
  knorm: "The largest key goes.",
  vatp: "The least summed attention times the size of the value goes.",
  caote: "That goes whose loss changes the output least.",
  defensive: "The least attention at its best, times the size of the value, goes.",
  vase: "Draws by attention decide; the widest values stay.",
  rkv: "Little attention and a key like all others go.",
  nestedkv: "The key most like all, its block and those before it goes.",
  triattention: "What the mean query would look at least, at distances to come, goes.",
  expected: "The least attention of the mean query to come, times the size of the value, goes.",
  full: "Nothing goes: the reference.",
};

const field = (form: HTMLFormElement, name: Name) =>
  form.elements.namedItem(name) as HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

/** Gives a setting that the page has no place for one behind the parts of a policy, and a list what it does not name yet. */
function complete(form: HTMLFormElement, name: Name) {
  const choices = choicesOf(name);
  if (!field(form, name)) {
    const input = choices ? make("select", { name }, new Option("")) : make("input", { name });
    form.querySelector("details fieldset")!.append(make("label", {}, `${name} `, input));
  }
  const list = field(form, name);
  if (!choices || !(list instanceof HTMLSelectElement)) return;
  const named = [...list.options].flatMap(({ value, text }) => [value, text]);
  if (named.includes("")) named.push(defaultOf(name)); // in words
  list.append(...choices.filter((choice) => !named.includes(choice)).map((choice) => new Option(choice, choice)));
}

export class Form {
  readonly #form: HTMLFormElement;
  readonly #about: HTMLElement;

  constructor(form: HTMLFormElement, about: HTMLElement, changed: () => void) {
    this.#form = form;
    this.#about = about;
    for (const name of NAMES) complete(form, name);
    form.addEventListener("input", ({ target }) => {
      const policy = field(form, "policy");
      if (target === policy && policy.value === "full") field(form, "budget").value = ""; // made for another policy
      this.#tell();
      changed();
    });
  }

  get settings(): Settings {
    return Object.fromEntries(NAMES.map((name) => [name, field(this.#form, name).value])) as Settings;
  }

  set settings(settings: Settings) {
    for (const name of NAMES) {
      const input = field(this.#form, name);
      input.value = settings[name];
      // A link may name a default, which the list has as an empty value.
      if (input.value !== settings[name] && input instanceof HTMLSelectElement) {
        input.append(new Option(settings[name], settings[name]));
        input.value = settings[name];
      }
    }
    this.#tell();
  }

  /** Chooses what computes: a model is loaded onto it. */
  readonly device = (device: string): void => {
    this.settings = { ...this.settings, device };
  };

  /** Goes to the setting of an option, the prompt among them, or to the budget. */
  focus(option: string | undefined): void {
    const name = option === "template" ? "mode" : option;
    const known = name === "prompt" || NAMES.includes(name as Name); // the prompt is in the form, too
    const input = field(this.#form, known ? name as Name : "budget");
    const details = input.closest("details");
    if (details) details.open = true;
    input.focus();
  }

  /** Names a policy of the visitor's own in the list, and chooses it. */
  policy(name: string): void {
    complete(this.#form, "policy");
    field(this.#form, "policy").value = name;
    this.#tell();
  }

  /** What only a model with a chat template has. */
  chat(possible: boolean): void {
    const mode = field(this.#form, "mode") as HTMLSelectElement;
    mode.options[1].disabled = !possible;
    if (!possible) mode.value = "text";
    this.#tell();
  }

  #tell() {
    const { policy, mode } = this.settings;
    this.#about.textContent = POLICIES[policy as PolicyName] ?? "Of your own: links name it, and do not carry it.";
    this.#form.dataset.mode = mode;
  }
}
