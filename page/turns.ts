/** The run there is: its settings, and what was asked of it, so that its address gives the same again. */
import type { Report } from "../src/session/report.ts";
import type { ToWorker } from "./protocol.ts";
import type { Settings, Turn } from "./settings.ts";

export class Turns {
  /** The run's settings; null where there is none. */
  settings: Settings | null = null;
  list: readonly Turn[] = [];
  /** How the last turn ended. */
  ended = "";
  #before: readonly Turn[] = []; // what was asked now
  #was: Pick<Turns, "settings" | "list" | "ended"> | null = null; // the run before, while this one has not begun
  #at = 0; // the turn that runs
  #reads = false; // it has a text of its own to read first
  #asked: number[] = []; // tokens, of every turn from there on

  /** All new tokens asked for. */
  get tokens(): number {
    return this.list.reduce((sum, { max }) => sum + max, 0);
  }

  /** Whether there is a run under other settings than these: it goes on only under its own. */
  differ(settings: Settings): boolean {
    return this.list.length > 0 && JSON.stringify(settings) !== JSON.stringify(this.settings);
  }

  /** A new run. */
  run(settings: Settings, turns: readonly Turn[]): ToWorker {
    const was = { settings: this.settings, list: this.list, ended: this.ended };
    this.clear();
    this.#was = was;
    this.settings = settings;
    this.#reads = true;
    this.list = turns;
    this.#asked = turns.map(({ max }) => max);
    return { type: "run", settings, turns };
  }

  /** The new run has begun: the one before is gone. */
  began(): void {
    this.#was = null;
  }

  /** One turn more. A text that goes on after it had its length, or was stopped, is one longer turn. */
  more(turn: Turn): ToWorker {
    this.#before = this.list;
    this.#reads = turn.text !== "";
    const last = this.list.at(-1);
    if (!last || turn.text !== "" || this.ended === "end") this.list = [...this.list, turn];
    else this.list = [...this.list.slice(0, -1), { text: last.text, max: last.max + turn.max }];
    this.#at = this.list.length - 1;
    this.#asked = [turn.max];
    return { type: "turn", turn };
  }

  /**
   * A turn has ended. Where it was stopped, the run is as long as it is, and ends there. Where that was while it read, what
   * the session has is no run that can be asked for: the turn is taken back. @returns its text then, else null
   */
  turned({ ended, newTokens }: Pick<Report, "ended" | "newTokens">): string | null {
    if (ended === "caller" && newTokens === 0 && this.#reads) {
      const { text } = this.list[this.#at];
      this.list = this.list.slice(0, this.#at);
      this.#asked = [];
      if (this.list.length === 0) this.clear();
      this.ended = "reading";
      return text;
    }
    const asked = this.#asked.shift() ?? 0;
    this.ended = ended;
    if (ended === "caller") {
      const { text, max } = this.list[this.#at];
      this.list = [...this.list.slice(0, this.#at), { text, max: Math.max(1, max - asked + newTokens) }];
      this.#asked = [];
    }
    this.#at++;
    this.#before = this.list.slice(0, this.#at); // what has ended
    return null;
  }

  /**
   * What was asked did not come about. Where a new run did not even begin, the one before is there still.
   * @param alive whether there is a session that goes on @returns the text that was asked
   */
  failed(alive: boolean): string {
    const text = this.#was?.list === this.list ? "" : this.list[this.#at]?.text ?? "";
    if (!alive) this.clear();
    else if (this.#was) {
      Object.assign(this, this.#was);
      this.#at = this.list.length;
    } else if (this.#asked.length > 0) this.list = this.#before;
    this.#was = null;
    this.#asked = [];
    return text;
  }

  clear(): void {
    this.settings = this.#was = null;
    this.list = this.#before = [];
    this.ended = "";
    this.#at = 0;
    this.#asked = [];
  }
}
