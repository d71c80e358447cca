/** Links: what the address asks for when the page comes, and whenever another one is put in. */
import { comparisonFrom, comparisonHash } from "./compare/comparison.ts";
import type { Engine } from "./engine.ts";
import { WAYS } from "./failures.ts";
import type { From } from "./protocol.ts";
import { fromHash, type Settings, toHash, type Turn } from "./settings.ts";
import type { TroubleView } from "./view/trouble.ts";
import type { ViewName, Views } from "./views.ts";

/** The page, as links need it. */
export interface Page {
  readonly engine: Engine;
  readonly views: Views;
  readonly trouble: TroubleView;
  load(from: From): void;
  /** Chooses what computes the model that is loaded. */
  device(name: string): void;
  /** Lets the visitor choose a model. */
  choose(): void;
  /** Puts settings and a turn into the form, to be asked for. */
  fill(settings: Settings, turn?: Turn): void;
  run(settings: Settings, turns: readonly Turn[]): void;
}

interface Link {
  readonly view: ViewName;
  readonly model: string; // as an address has it
  readonly device: string; // as the setting
  readonly hash: string; // of all that is good in it
  readonly bad: readonly string[]; // a sentence about each value that is none
  /** Puts it into the form. */
  fill(): void;
  /** Runs it; null where it has nothing to run: its model is loaded. */
  readonly begin: (() => unknown) | null;
}

export class Links {
  /** Runs what a link asks for, once its model is there. */
  waiting: (() => unknown) | null = null;
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
    globalThis.addEventListener("hashchange", () => this.open(false));
  }

  /** Opens what the address asks for, or shows the view that it names. @param first whether the page has just come */
  open(first: boolean): void {
    const { engine, views, trouble, load } = this.#page;
    const { hash } = location;
    const link = first || !views.known ? this.#read(hash) : null;
    if (link) this.#page.device(link.device);
    if (first && !link?.model) load(engine.from);
    if (!link) return views.come(hash);
    this.waiting = null; // what another link waited for is not asked any more
    views.enter(link.view, "");
    link.fill();
    const opens = link.begin !== null || link.model !== ""; // there is a run, or a model, to be had
    if (link.bad.length > 0) {
      trouble.show({ text: `${link.bad.join(". ")}.` }, opens ? "Open the rest" : "", () => this.#start(link));
    } else if (opens) this.#start(link);
  }

  /** Loads the model there is once more, onto what the form says, and then does something. */
  wait(then: () => unknown): void {
    this.waiting = then; // meanwhile the address stays
    this.#page.load(this.#page.engine.from);
  }

  /** The model that was waited for is there. Ends once the run has been asked for. */
  async loaded(): Promise<void> {
    const begin = this.waiting;
    this.waiting = null;
    await begin?.();
  }

  #read(hash: string): Link | null {
    const { views, fill, run } = this.#page;
    const compared = comparisonFrom(hash);
    if (compared) {
      const { comparison, model, bad } = compared;
      return {
        ...{ view: "compare", model, bad, device: "", hash: comparisonHash(comparison, model) },
        fill: () => views.fill(comparison),
        begin: () => views.compare(comparison),
      };
    }
    const asked = fromHash(hash);
    if (!asked) return null;
    const { settings, turns, model, bad } = asked;
    const begin = () => {
      fill(settings, { ...turns[0], text: "" });
      run(settings, turns);
    };
    return {
      ...{ view: "watch", model, bad, device: settings.device, hash: toHash(asked) },
      fill: () => fill(settings, turns[0]),
      begin: turns.length > 0 ? begin : null,
    };
  }

  /** Runs a link, where its model is there and free. */
  #start({ view, model, hash, begin }: Link): void {
    const { engine, views, trouble, load, choose } = this.#page;
    views.enter(view, hash);
    const [same, there] = [model === engine.address, engine.model !== null];
    if (same && there && !engine.busy) return void begin?.();
    this.waiting = begin;
    if (same && !there && engine.busy) return; // it is being loaded
    if (there || same || engine.busy || !model) return location.reload();
    // Nothing is fetched from elsewhere, and no file read, before the visitor says so.
    const name = /^file:(.*)/.exec(model)?.[1];
    if (name === undefined) {
      const text = `This run has a model from ${model}.`;
      return trouble.show({ text }, "Load it from there", () => load({ kind: "url", url: model }));
    }
    const text = `This run had the model ${name}, from a file: choose it, or drop it here, and the run begins.`;
    trouble.show({ text }, WAYS.model, choose);
  }
}
