/** The page's three views. The first is there from the beginning; the others' code is fetched when they are first looked at. */
import type { ViewPage } from "./view/page.ts";
import type { Comparison } from "./compare/comparison.ts";
import type { Told } from "./compare/result.ts";
import type { CompareView } from "./compare/view.ts";
import type { CostView } from "./cost/view.ts";
import type { ModelInfo } from "./protocol.ts";
import type { Theme } from "./view/colour.ts";

const NAMES = ["watch", "compare", "cost"] as const;
export type ViewName = typeof NAMES[number];

const by = (id: string) => document.getElementById(id)!;

export class Views {
  current: ViewName = "watch";
  readonly #host: ViewPage;
  #compare: Promise<CompareView> | null = null;
  #cost: Promise<CostView> | null = null;
  #state: { model: ModelInfo | null; busy: boolean } = { model: null, busy: true };
  #theme: Theme = "light";
  readonly #addresses = { watch: location.pathname + location.search, compare: "#view=compare", cost: "#view=cost" };
  #visit = Math.random(); // marks the entries of the history since a link was opened

  constructor(host: Omit<ViewPage, "address">) {
    this.#host = { ...host, address: (hash) => this.at("compare", hash) };
    for (const name of NAMES) {
      by(`view-${name}`).addEventListener("click", () => this.go(name));
    }
  }

  /** Goes to a view. Where another is shown that is an entry in the history. */
  go(name: ViewName): void {
    if (name === this.current) return;
    this.#show(name);
    history.pushState(this.#visit, "", this.#addresses[name]);
  }

  /** Takes a view's address as it is from now on: the browser shows it while it shows the view. */
  at(name: ViewName, address: string): void {
    this.#addresses[name] = address;
    if (name === this.current) history.replaceState(this.#visit, "", address);
  }

  /** Shows the view that a hash names, as it is. */
  come(hash: string): void {
    const view = new URLSearchParams(hash.slice(1)).get("view");
    const name = NAMES.find((name) => name === view) ?? "watch";
    this.#show(name);
    this.at(name, this.#addresses[name]);
  }

  /** Whether the page itself wrote the entry that is shown, and no link was opened since. */
  get known(): boolean {
    return history.state === this.#visit;
  }

  /** Shows the view of a link that is being opened. @param address for the time being; empty: what it is */
  enter(name: ViewName, address: string): void {
    this.#visit = Math.random();
    this.#show(name);
    this.at(name, address || this.#addresses[name]);
  }

  #show(name: ViewName) {
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
    this.#cost ??= import("./more.ts").then(({ CostView }) => new CostView(by("cost")));
    this.#cost.catch(unloaded);
  }

  #loadCompare(): Promise<CompareView> {
    return this.#compare ??= import("./more.ts").then(({ CompareView }) => {
      const view = new CompareView(by("compare"), this.#host);
      view.theme(this.#theme);
      view.refresh(this.#state.model, this.#state.busy);
      return view;
    });
  }

  /** Fills in what a comparison's link asks for. */
  fill(asked: Comparison): void {
    this.#tell((view) => view.fill(asked));
  }

  /** Runs a comparison, once the view is there. */
  async compare(asked: Comparison): Promise<void> {
    await this.#tell((view) => view.run(asked));
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

  /** Goes to the setting of an option. */
  focus(option: string | undefined): void {
    this.#tell((view) => view.focus(option));
  }

  /** To the view of comparisons, once it is there. */
  #tell(say: (view: CompareView) => void) {
    return this.#compare?.then(say, () => {}); // that it could not be loaded has been said
  }
}
