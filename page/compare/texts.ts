/** The texts side by side: ten tokens of every run a row, what is as in the first run pale, the first difference marked. */
import { make } from "../view/dom.ts";
import { LETTERS } from "./comparison.ts";
import type { Result } from "./result.ts";
import { markOf } from "./table.ts";

const ROW = 10; // tokens
const MOST = 100; // tokens a frame and run

export class Texts {
  readonly element = make("div", { class: "texts", tabindex: "0", role: "region", "aria-label": "The texts" });
  // Its roles are said: on a phone the cells of a row stand one below the other, and it still is a table.
  readonly #table = make("table", { role: "table" });
  readonly #body = make("tbody", { role: "rowgroup" });
  #rows: HTMLTableCellElement[][] = []; // [rows][runs]
  #shown: HTMLElement[][] = []; // [runs][tokens]
  #parted: number[] = []; // [runs], −1: not yet
  #compared: number[] = []; // [runs]: tokens
  #marks: HTMLElement[] = []; // [runs]: whether it has the key

  /** Begins anew. @param names what the runs are called */
  begin(names: readonly string[]): void {
    this.#marks = names.map(() => make("b"));
    const heads = names.map((name, run) => {
      const stroke = make("i", { class: "stroke", "data-run": LETTERS[run] });
      return make("th", { scope: "col", role: "columnheader" }, stroke, name, " ", this.#marks[run]);
    });
    const corner = make("th", { scope: "col", role: "columnheader" }, "token");
    this.#table.replaceChildren(
      make("thead", { role: "rowgroup" }, make("tr", { role: "row" }, corner, ...heads)),
      this.#body,
    );
    this.#body.replaceChildren();
    this.element.replaceChildren(this.#table);
    this.element.scrollTop = 0;
    this.#rows = [];
    this.#shown = names.map(() => []);
    this.#parted = names.map(() => -1);
    this.#compared = names.map(() => 0);
  }

  /** Draws what is new; to be called once a frame. @returns whether there is more */
  frame(result: Result): boolean {
    const { runs } = result;
    let more = false;
    this.#marks.forEach((mark, run) => {
      const text = markOf(result.found(run));
      if (mark.textContent !== text) mark.textContent = text;
    });
    const { element } = this;
    const [before, atEnd] = [this.#rows.length, element.scrollHeight - element.scrollTop - element.clientHeight < 60];
    runs.forEach(({ tokens }, run) => {
      const shown = this.#shown[run];
      while (shown.length > tokens.length) shown.pop()!.remove(); // the token that ended the text
      const end = Math.min(tokens.length, shown.length + MOST);
      more ||= end < tokens.length;
      for (let at = shown.length; at < end; at++) {
        const token = make("span", {}, tokens[at].text.replaceAll("\n", "⏎"));
        shown.push(token);
        this.#cell(at, run).append(token);
      }
    });
    for (let run = 1; run < runs.length; run++) this.#compare(runs[0].tokens, runs[run].tokens, run);
    if (atEnd && this.#rows.length > before) element.scrollTop = element.scrollHeight;
    return more;
  }

  #compare(first: { id: number }[], other: { id: number }[], run: number) {
    const both = Math.min(first.length, other.length, this.#shown[run].length);
    for (; this.#parted[run] < 0 && this.#compared[run] < both; this.#compared[run]++) {
      const at = this.#compared[run];
      const token = this.#shown[run][at];
      if (first[at].id === other[at].id) {
        token.className = "same";
        continue;
      }
      this.#parted[run] = at;
      const mark = make("mark", { title: `The first difference from ${LETTERS[0]}: token ${at + 1}` });
      token.replaceWith(mark);
      mark.append(token.textContent!);
      this.#shown[run][at] = mark;
    }
  }

  #cell(at: number, run: number): HTMLTableCellElement {
    const row = Math.floor(at / ROW);
    while (this.#rows.length <= row) {
      const from = this.#rows.length * ROW + 1;
      const cells = this.#shown.map((_, run) => make("td", { role: "cell", "data-run": LETTERS[run] }));
      const head = make("th", { scope: "row", role: "rowheader" }, String(from));
      this.#body.append(make("tr", { role: "row" }, head, ...cells));
      this.#rows.push(cells);
    }
    return this.#rows[row][run];
  }
}
