/** The bar that says what went wrong, with a button for the way on. */
import type { Trouble } from "../failures.ts";

const by = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;

export class TroubleView {
  #act = () => {};

  constructor() {
    by("trouble-close").addEventListener("click", () => this.hide());
    by("trouble-way").addEventListener("click", () => {
      this.hide();
      this.#act();
    });
  }

  /** @param label what the button says; empty: no button */
  show({ text }: Pick<Trouble, "text">, label = "", act = () => {}): void {
    by("trouble-text").textContent = text;
    by("trouble-way").textContent = label;
    by("trouble-way").hidden = label === "";
    this.#act = act;
    by("trouble").hidden = false;
  }

  hide(): void {
    by("trouble").hidden = true;
  }
}
