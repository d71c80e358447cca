/** What is known of one token: where it lives, what it is worth there, and why it went. */
import type { RunLog } from "../log.ts";
import type { RunInfo, Scores } from "../protocol.ts";
import { number, unitOf } from "./scale.ts";

/** What is to be told. */
export interface Told {
  readonly position: number;
  readonly text: string;
  readonly step: number; // that is shown; Infinity: now
  readonly lane: number; // −1: no lane in particular
}

interface Row {
  readonly row: HTMLTableRowElement;
  readonly cells: HTMLElement[]; // score, spread, the step that it left at, next
}

export class TokenView {
  readonly #line: HTMLElement;
  readonly #rule: HTMLElement;
  readonly #box: HTMLElement;
  #run: RunInfo | null = null;
  #log: RunLog | null = null;
  #rows: Row[] = []; // by lane
  #worth = new Map<number, number>(); // lane → index in the scores, of the token shown

  constructor(line: HTMLElement, rule: HTMLElement, box: HTMLElement) {
    this.#line = line;
    this.#rule = rule;
    this.#box = box;
  }

  /** Makes a table of all lanes, which is then only written into. */
  begin(run: RunInfo, log: RunLog): void {
    this.#run = run;
    this.#log = log;
    const table = element("table");
    const head = element("tr");
    for (const text of ["lane", "score", spreadName(run), "at step", "next"]) {
      const cell = element("th", text);
      cell.scope = "col";
      head.append(cell);
    }
    const top = element("thead");
    top.append(head);
    const body = element("tbody");
    this.#rows = Array.from({ length: log.lanes }, (_, lane) => {
      const row = element("tr");
      const name = element("th", `${Math.floor(lane / run.kvHeads)}·${lane % run.kvHeads}`);
      name.title = laneName(lane, run);
      name.scope = "row";
      const cells = Array.from({ length: 4 }, () => element("td"));
      row.append(name, ...cells);
      body.append(row);
      return { row, cells };
    });
    table.append(top, body);
    this.#box.replaceChildren(table);
    this.#rule.textContent = ruleText(run);
    this.tell(null, null);
  }

  /** Tells of a token, or of none. @param scores those of the step shown, or the last before it */
  tell(told: Told | null, scores: Scores | null): void {
    const [run, log] = [this.#run, this.#log];
    if (!run || !log) return;
    if (!told) {
      this.#say("Point at a token, or move to it with the arrow keys.");
      this.#rows.forEach((row) => this.#write(row, false, false));
      return;
    }
    const { position, step, lane: chosen } = told;
    const now = Math.min(step, log.steps);
    const born = log.born(position);
    const quoted = `“${told.text.replaceAll("\n", "⏎") || "…"}”`;
    if (born === 0 || born > now) this.#say(`${quoted} at position ${position} is not taken in yet.`);
    else {
      const held = log.held(position, now);
      this.#say(`${quoted} at position ${position}, read in step ${born}: held by ${held} of ${log.lanes} lanes.`);
    }
    this.#find(position, scores);
    this.#rows.forEach((row, lane) => {
      if (born === 0 || born > now) return this.#write(row, false, lane === chosen);
      if (log.holds(lane, position, now)) {
        const at = this.#worth.get(lane);
        const score = at === undefined
          ? "not yet"
          : run.evicts
          ? number(scores!.score[at], 3)
          : number(scores!.mean[at], 3);
        const spread = at === undefined ? "" : number(scores!.spread[at], 3);
        return this.#write(row, false, lane === chosen, score, spread);
      }
      const { left, score, next } = log.fate(lane, position);
      const follower = run.score === "random" || Number.isNaN(next) ? "" : number(next, 3);
      this.#write(row, true, lane === chosen, number(score, 3), "", String(left), follower);
    });
    if (chosen >= 0) {
      const { row } = this.#rows[chosen];
      this.#box.scrollTop = row.offsetTop - this.#box.clientHeight / 2;
    }
  }

  /** Finds the token among the scores of every lane. */
  #find(position: number, scores: Scores | null) {
    this.#worth.clear();
    for (let lane = 0; scores && lane < this.#rows.length; lane++) {
      for (let i = scores.begins[lane]; i < scores.begins[lane + 1]; i++) {
        if (scores.positions[i] === position) this.#worth.set(lane, i);
      }
    }
  }

  #say(text: string) {
    if (this.#line.textContent !== text) this.#line.textContent = text;
  }

  #write({ row, cells }: Row, gone: boolean, chosen: boolean, ...texts: string[]) {
    row.className = [gone && "gone", chosen && "chosen"].filter(Boolean).join(" ");
    cells.forEach((cell, i) => {
      const text = texts[i] ?? "";
      if (cell.textContent !== text) cell.textContent = text;
    });
  }
}

export const laneName = (lane: number, { kvHeads }: RunInfo) =>
  `layer ${Math.floor(lane / kvHeads)}, head ${lane % kvHeads}`;

/** What the numbers in the table are. */
function ruleText(run: RunInfo): string {
  if (!run.evicts) return "Nothing leaves a full cache. Lane: layer·head. Score: attention per query, mean.";
  const who = run.shared ? "The least mean over a layer’s lanes goes" : "The least in the lane goes";
  const next = run.score === "random" ? "" : "; “next” is the score of the one that would have followed";
  const aside = run.scope === "peak" ? "tokens and the largest peaks" : "and unsettled tokens";
  return `Lane: layer·head. Score: ${unitOf("score", run)}. ${who}, protected ${aside} aside${next}.`;
}

/** What its rule goes by besides the score. */
export const spreadName = ({ scope }: RunInfo) => (scope === "peak" ? "peak" : "spread");

function element<K extends keyof HTMLElementTagNameMap>(name: K, text = ""): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}
