/** The page's three views. The first is there from the beginning; the others' code is fetched when they are first looked at. */
import { comparisonFrom } from "./compare/comparison.ts";
import type { Told } from "./compare/result.ts";
import type { CompareView } from "./compare/view.ts";
import type { CostView } from "./cost/view.ts";
import type { ModelInfo, ToWorker } from "./protocol.ts";
import type { Theme } from "./view/colour.ts";

const NAMES = ["watch", "compare", "cost"] as const;
export type ViewName = typeof NAMES[number];

/** What a view may ask of the page. */
export interface Host {
  /** Gives the worker work; it is busy then. */
  work(message: ToWorker): void;
  stop(): void;
  /** Says what went wrong with what was asked. */
  trouble(text: string): void;
  /** What the address calls the model. */
  address(): string;
  /** The address while the first view is shown. */
  watchAddress(): string;
}

const by = (id: string) => document.getElementById(id)!;

export class Views {
  current: ViewName = "watch";
  readonly #host: Host;
  #compare: Promise<CompareView> | null = null;
  #cost: Promise<CostView> | null = null;
  #state: { model: ModelInfo | null; busy: boolean } = { model: null, busy: true };
  #theme: Theme = "light";

  constructor(host: Host) {
    this.#host = host;
    for (const name of NAMES) {
      by(`view-${name}`).addEventListener("click", () => {
        this.show(name);
        if (name === "watch") history.replaceState(null, "", host.watchAddress());
        else if (name === "cost") history.replaceState(null, "", "#view=cost");
        else this.#tell((view) => history.replaceState(null, "", view.address));
      });
    }
  }

  /** The model that a comparison behind the #, or none, asks for; null where none is asked for. */
  static modelOf(hash: string): string | null {
    return comparisonFrom(hash)?.model ?? null;
  }

  /** Shows what the address asks for, and runs it once the model is there. @returns whether it asks for one of these */
  open(hash: string): boolean {
    const view = new URLSearchParams(hash.replace(/^#/, "")).get("view");
    if (view === "cost") this.show("cost");
    if (view !== "compare") return view === "cost";
    const asked = comparisonFrom(hash);
    this.show("compare");
    if (asked) this.#tell((view) => view.open(asked.comparison));
    return true;
  }

  show(name: ViewName): void {
    this.current = name;
    for (const each of NAMES) {
      by(each).hidden = each !== name;
      if (each === name) by(`view-${each}`).setAttribute("aria-current", "page");
      else by(`view-${each}`).removeAttribute("aria-current");
    }
    document.querySelector<HTMLAnchorElement>(".skip")!.href = name === "watch" ? "#text" : `#${name}-main`;
    const unloaded = () => this.#host.trouble("This view’s code could not be loaded: reload the page.");
    if (name === "compare") this.#loadCompare().catch(unloaded);
    if (name !== "cost") return;
    this.#cost ??= import("./cost/view.ts").then(({ CostView }) => new CostView(by("cost")));
    this.#cost.catch(unloaded);
  }

  #loadCompare(): Promise<CompareView> {
    return this.#compare ??= import("./compare/view.ts").then(({ CompareView }) => {
      const view = new CompareView(by("compare"), this.#host);
      view.theme(this.#theme);
      view.refresh(this.#state.model, this.#state.busy);
      return view;
    });
  }

  hear(told: Told): void {
    this.#tell((view) => view.hear(told));
  }

  theme(theme: Theme): void {
    this.#theme = theme;
    this.#tell((view) => view.theme(theme));
  }

  refresh(model: ModelInfo | null, busy: boolean): void {
    this.#state = { model, busy };
    this.#tell((view) => view.refresh(model, busy));
  }

  /** Goes to the setting that a sentence names. */
  focus(sentence: string): void {
    this.#tell((view) => view.focus(sentence));
  }

  /** To the view of comparisons, once it is there. */
  #tell(say: (view: CompareView) => void) {
    this.#compare?.then(say, () => {}); // that it could not be loaded has been said
  }
}
