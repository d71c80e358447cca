/** How a template ends early, and how much it may do before it must. */
import { isSign } from "./disguise.ts";

/** Why: its syntax, its own or Python's refusal, something that is right Jinja but not done here, too much of something. */
export type Cause = "syntax" | "refused" | "unsupported" | "endless";

/** What is thrown while a template is read or rendered. */
export class TemplateError extends Error {
  /** Why. */
  readonly why: Cause;

  /** @param why the kind of cause @param message in the words of Jinja or of the template, where they have some */
  constructor(why: Cause, message: string) {
    super(message);
    this.why = why;
  }
}

/** What Python or the template itself would refuse. @throws TemplateError always */
export function fail(message: string): never {
  throw new TemplateError("refused", message);
}

/** What jinja2 renders and we do not. @throws TemplateError always */
export function cannot(what: string): never {
  throw new TemplateError("unsupported", what);
}

const MOST_WORK = 8_000_000; // steps, a step being a node evaluated, an item made or 8 characters written or read
const MOST_DEPTH = 100; // of macros and loops that call themselves
const MOST_TEXT = 1 << 24; // UTF-16 units of one text

let left = 0; // rendering is synchronous, and one at a time

let depth = 0;
let marks = "";

/** Renders with a fresh allowance of work. @param kept characters that are printed as they are, whatever Python would do */
export function metered<T>(render: () => T, kept: string): T {
  const before = [left, depth, marks] as const;
  [left, depth, marks] = [MOST_WORK, 0, kept];
  try {
    return render();
  } finally {
    [left, depth, marks] = before;
  }
}

/** Runs what may call itself. @throws TemplateError where that goes too deep */
export function nested<T>(run: () => T): T {
  if (++depth > MOST_DEPTH) throw new TemplateError("endless", `calls nested beyond ${MOST_DEPTH}`);
  const result = run();
  depth--;
  return result;
}

/** Whether a character is one that whoever renders has put in, to find it again, or for another. */
export const isMark = (char: string): boolean => marks.includes(char) || isSign(char);

/** Counts work. @throws TemplateError where it is too much */
export function work(steps: number): void {
  if ((left -= steps) < 0) throw new TemplateError("endless", `more than ${MOST_WORK} steps`);
}

/** Counts the making of a text of so many units, before it is made. @throws TemplateError where it is too long */
export function room(length: number): void {
  if (length > MOST_TEXT) throw new TemplateError("endless", `a text of ${length} characters`);
  work(length / 8);
}

/** A text that was made, counted. */
export function made(text: string): string {
  room(text.length);
  return text;
}
