/** An answer as it comes, in its parts: what is thought, what is said, and at its end the calls. */
import { answerOf } from "../chat/answer.ts";
import { FIRST_MARKS, MARKS, type ToolCall } from "../chat/calls.ts";

/** A part of an answer. */
export interface Part {
  readonly kind: "reasoning" | "content";
  readonly text: string;
}

interface Answer {
  readonly content: string;
  readonly tool_calls?: readonly ToolCall[];
}

const OPEN = "<think>", CLOSE = "</think>";

/** Sorts the pieces of an answer. What may yet turn out to be a call, or a mark, is held back until that is known. */
export class Deltas {
  readonly #calls: unknown;
  readonly #opened: boolean;
  #text = ""; // all of it
  #rest = ""; // of it, what has not been given out
  #in: "start" | "thought" | "said" = "start";
  #thought = false; // something has been thought
  #begun = false; // something has been said
  #given = false; // some of it has been given out
  #held = false; // all that comes may be calls

  /** @param calls whether there may be any, or which: the tools @param opened whether the answer begins within a thought */
  constructor(calls: unknown, opened = false) {
    this.#calls = calls;
    this.#opened = opened;
  }

  /** @returns what is now known to be a part */
  push(piece: string): Part[] {
    this.#text += piece;
    this.#rest += piece;
    const parts: Part[] = [];
    if (this.#in === "start") this.#start();
    if (this.#in === "thought") this.#think(parts);
    if (this.#in === "said") this.#say(parts);
    return parts;
  }

  #start(): void {
    const text = this.#rest.trimStart();
    if (text.length < OPEN.length && OPEN.startsWith(text)) return;
    const opens = text.startsWith(OPEN);
    this.#in = opens || this.#opened ? "thought" : "said";
    if (this.#in === "thought") this.#rest = (opens ? text.slice(OPEN.length) : text).trimStart();
  }

  #think(parts: Part[]): void {
    if (!this.#thought) this.#rest = this.#rest.trimStart();
    const end = this.#rest.indexOf(CLOSE);
    const safe = end < 0 ? this.#rest.length - overlap(this.#rest, [CLOSE]) : end;
    const text = this.#rest.slice(0, safe).trimEnd();
    if (text !== "") parts.push({ kind: "reasoning", text });
    this.#thought ||= text !== "";
    this.#rest = this.#rest.slice(end < 0 ? text.length : end + CLOSE.length);
    if (end >= 0) this.#in = "said";
  }

  #say(parts: Part[]): void {
    if (!this.#begun) {
      if (this.#text.includes(CLOSE)) this.#rest = this.#rest.trimStart();
      const text = this.#rest.trimStart();
      if (text === "") return;
      this.#begun = true;
      if (this.#calls) this.#held = FIRST_MARKS.some((mark) => text.startsWith(mark) || mark.startsWith(text));
    }
    if (this.#held) return;
    const at = this.#calls ? first(this.#rest, MARKS) : -1;
    const safe = at >= 0 ? at : this.#rest.length - (this.#calls ? overlap(this.#rest, MARKS) : 0);
    const text = this.#calls ? this.#rest.slice(0, safe).trimEnd() : this.#rest.slice(0, safe); // spaces before a call are none
    if (text !== "") parts.push({ kind: "content", text });
    this.#given ||= text !== "";
    this.#rest = this.#rest.slice(text.length);
    this.#held = at >= 0;
  }

  /** The answer has ended. @returns what was held back, and the calls */
  end(): { parts: Part[]; calls: readonly ToolCall[] } {
    const { tool_calls: calls, content } = answerOf(this.#text, this.#calls, this.#opened) as Answer;
    if (calls) return { parts: this.#given || content === "" ? [] : [{ kind: "content", text: content }], calls };
    const kind = this.#in === "thought" || this.#in === "start" && this.#opened ? "reasoning" : "content";
    if (kind === "reasoning") this.#rest = this.#thought ? this.#rest.trimEnd() : this.#rest.trim();
    return { parts: this.#rest === "" ? [] : [{ kind, text: this.#rest }], calls: [] };
  }
}

function first(text: string, marks: readonly string[]): number {
  const at = marks.map((mark) => text.indexOf(mark)).filter((at) => at >= 0);
  return at.length > 0 ? Math.min(...at) : -1;
}

/** How many characters at a text's end may be the beginning of a mark. */
function overlap(text: string, marks: readonly string[]): number {
  const most = Math.max(...marks.map((mark) => mark.length)) - 1;
  for (let length = Math.min(most, text.length); length > 0; length--) {
    if (marks.some((mark) => mark.startsWith(text.slice(-length)))) return length;
  }
  return 0;
}
