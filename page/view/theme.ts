/** Dark or light: as the system has it, until the visitor says otherwise. */
import type { Theme } from "./colour.ts";

const KEY = "kvcap-theme";
const system = matchMedia("(prefers-color-scheme: dark)");

export class ThemeSwitch {
  readonly #changed: (theme: Theme) => void;

  constructor(button: HTMLButtonElement, changed: (theme: Theme) => void) {
    this.#changed = changed;
    const kept = this.#kept();
    if (kept) document.documentElement.dataset.theme = kept;
    system.addEventListener("change", () => this.#apply());
    button.addEventListener("click", () => {
      const theme = this.theme === "dark" ? "light" : "dark";
      document.documentElement.dataset.theme = theme;
      try {
        localStorage.setItem(KEY, theme);
      } catch { /* no storage, or none left: it holds until the page closes */ }
      this.#apply();
    });
  }

  get theme(): Theme {
    return document.documentElement.dataset.theme as Theme ?? (system.matches ? "dark" : "light");
  }

  #kept(): Theme | null {
    try {
      const kept = localStorage.getItem(KEY);
      return kept === "dark" || kept === "light" ? kept : null;
    } catch {
      return null;
    }
  }

  #apply() {
    this.#changed(this.theme);
  }
}
