/**
 * How kvcap says no: one sentence, "Cannot <action>: <rule>, got <what was found>", made in one place, and its parts, so that
 * no program has to look for words in it.
 */

/** What kind of thing stands in the way. */
export type ErrorCode =
  /** An option of that name is not known. */
  | "unknown-option"
  /** An option's value breaks its rule, or does not go with another's. */
  | "bad-option"
  /** What is to be worked on (a prompt, messages, ids, a text, attention rows) breaks a rule. */
  | "bad-input"
  /** A file (of a model, a recording, a snapshot) is not what it must be. */
  | "bad-file"
  /** A file or an address cannot be read or written. */
  | "unreadable"
  /** Nobody answers at an address, or not to this page, or not now. */
  | "unreachable"
  /** Something right that kvcap does not do. */
  | "unsupported"
  /** Disposed of, busy, or not begun. */
  | "wrong-state"
  /** The budget cannot hold what must stay. */
  | "no-room"
  /** More bytes than the memory, the adapter or the caller's bound allows. */
  | "no-memory"
  /** The GPU is absent, too small, lost, or refused an operation. */
  | "device"
  /** The model computed something that is no number. */
  | "bad-numbers";

/** The parts of a refusal. */
export interface Refusal {
  /** What kind of thing stands in the way. */
  readonly code: ErrorCode;
  /** What cannot be done: "generate", "load model". */
  readonly action: string;
  /** What must be so. */
  readonly rule: string;
  /** What was found in its place, as the sentence says it. */
  readonly got: string;
  /** Where `got` is what another program said: it stands behind a colon then. */
  readonly quoted?: true;
  /** The option that breaks the rule, where it is one, by its name in TypeScript. */
  readonly option?: string;
  /** The name that was probably meant, where there is one like it. */
  readonly meant?: string;
}

const BRAND = Symbol.for("kvcap.error"); // the same in every bundle

/**
 * Every error that kvcap throws on purpose, with the parts of its sentence. The two subclasses are RangeErrors and TypeErrors,
 * and instances of this class too.
 */
export class KvcapError extends Error {
  /** Makes one of its parts. @param cause what was thrown before, where something was */
  constructor(refusal: Refusal, cause?: unknown) {
    super(sentenceOf(refusal), cause === undefined ? undefined : { cause });
    Object.assign(this, refusal);
  }

  /** Whether a value is one, or of one of the two other classes; in another bundle of kvcap, too. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (this !== KvcapError) return super[Symbol.hasInstance](value); // a subclass: its own instances alone
    return typeof value === "object" && value !== null && BRAND in value;
  }
}
/** Its parts. */
export interface KvcapError extends Refusal {}

/** A value that breaks a rule. */
export class KvcapRangeError extends RangeError {
  /** Makes one of its parts. @param cause what was thrown before, where something was */
  constructor(refusal: Refusal, cause?: unknown) {
    super(sentenceOf(refusal), cause === undefined ? undefined : { cause });
    Object.assign(this, refusal);
  }
}
/** Its parts. */
export interface KvcapRangeError extends Refusal {}

/** A value of the wrong kind altogether. */
export class KvcapTypeError extends TypeError {
  /** Makes one of its parts. @param cause what was thrown before, where something was */
  constructor(refusal: Refusal, cause?: unknown) {
    super(sentenceOf(refusal), cause === undefined ? undefined : { cause });
    Object.assign(this, refusal);
  }
}
/** Its parts. */
export interface KvcapTypeError extends Refusal {}

for (const { prototype } of [KvcapError, KvcapRangeError, KvcapTypeError]) {
  Object.defineProperty(prototype, BRAND, { value: true });
}

/** Words that stand in a sentence as they are, where a value would be shown. */
export class Words {
  /** Such as "a disposed one". */
  readonly text: string;
  /** Whether another program said them. */
  readonly quoted: boolean;

  /** @param text the words @param quoted whether another program said them */
  constructor(text: string, quoted: boolean) {
    this.text = text;
    this.quoted = quoted;
  }
}

/** What is found in words: `refuse("generate", "the session must not be disposed", words("a disposed one"))`. */
export function words(text: string | number): Words {
  return new Words(String(text), false);
}

/** What another program said, an error or a text: "…, got: <its message>". */
export function quote(error: unknown): Words {
  return new Words(messageOf(error), true);
}

/** What may be said of a refusal besides its sentence. */
export interface More {
  /** Default: "bad-option" where an option is named, else "bad-input". */
  readonly code?: ErrorCode;
  readonly option?: string;
  /** Names that there are, of which the one found may be a misspelling. */
  readonly names?: readonly string[];
  /** The name that was probably meant, where what was found is no name: see `nearest`. */
  readonly meant?: string | undefined;
  /** Which of the built-in errors it is, too. Default "range". */
  readonly kind?: "range" | "type" | "plain";
  /** What was thrown before. */
  readonly cause?: unknown;
  /** Makes an error of a subclass, in place of `kind`. */
  readonly make?: (refusal: Refusal, cause: unknown) => Error;
}

const CLASSES = { range: KvcapRangeError, type: KvcapTypeError, plain: KvcapError };

/**
 * Refuses: "Cannot <action>: <rule>, got <found>".
 * @param found a value, which is shown as JSON, or `words`
 * @throws KvcapError always
 */
export function refuse(action: string, rule: string, found: unknown, more: More = {}): never {
  const { option, names = [], kind = "range", cause, code = option === undefined ? "bad-input" : "bad-option" } = more;
  const name = found instanceof Words ? found.text : found;
  const { meant = typeof name === "string" ? nearest(name, names) : undefined } = more;
  const got = found instanceof Words ? found.text : show(found);
  const refusal: Refusal = {
    ...{ code, action: plain(action), rule: plain(rule), got: plain(got) },
    ...(found instanceof Words && found.quoted ? { quoted: true } : {}),
    ...(option === undefined ? {} : { option }),
    ...(meant === undefined ? {} : { meant }),
  };
  throw more.make ? more.make(refusal, cause) : new CLASSES[kind](refusal, cause);
}

/** The sentence of a refusal. */
function sentenceOf(refusal: Refusal): string {
  return `Cannot ${refusal.action}: ${reasonOf(refusal)}`;
}

/** Whether there was no memory for something. */
export function lacksMemory(error: unknown): boolean {
  return (error as { code?: ErrorCode } | null)?.code === "no-memory";
}

/** What is made; null where there is no memory for it. @throws what else `make` does */
export function whereRoom<T>(make: () => T): T | null {
  try {
    return make();
  } catch (error) {
    if (lacksMemory(error)) return null;
    throw error;
  }
}

/** Its second half, for those who say in their own words what cannot be done: "<rule>, got <found>". */
export function reasonOf({ rule, got, quoted, meant }: Omit<Refusal, "code" | "action">): string {
  return `${rule}, got${quoted ? ":" : ""} ${got}${meant === undefined ? "" : `; did you mean ${meant}?`}`;
}

/** One line, whatever is in the names that files have for things. */
export function plain(text: string): string {
  const code = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  // deno-lint-ignore no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, code);
}

/** Says a line where nobody else listens: whatever is in names and errors that it tells of, it commands no terminal. */
export function onConsole(line: string): void {
  console.warn(`kvcap: ${plain(line)}`);
}

/** A value from outside, short enough for a one-line message. */
export function show(value: unknown): string {
  if (value === undefined) return "nothing";
  let text: string;
  try {
    text = typeof value === "number" || typeof value === "bigint"
      ? String(value)
      : JSON.stringify(value) ?? String(value);
  } catch {
    text = typeof value === "object" ? "what cannot be shown" : String(value); // nested too deep, or going round
  }
  return text.length > 80 ? text.slice(0, 77) + "..." : text;
}

/** Messages of other programs, made to fit in a sentence. */
export function oneLine(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > 160 ? line.slice(0, 157) + "..." : line;
}

/** What an error says, or whatever else was thrown, made to fit in a sentence. */
export function messageOf(error: unknown): string {
  return oneLine(error instanceof Error ? error.message : String(error));
}

const NEAR = 2; // letters

/**
 * The name that is at most two letters (added, left out, changed) away from `text`, and not more than a third of them, the
 * nearest of all; undefined: none, or it is one of the names. Large and small letters are alike.
 */
export function nearest(text: string, names: readonly string[]): string | undefined {
  if (names.includes(text)) return undefined;
  let [best, least] = [undefined as string | undefined, NEAR + 1];
  for (const name of names) {
    const near = Math.abs(name.length - text.length) <= NEAR;
    const distance = near ? distanceOf(text.toLowerCase(), name.toLowerCase()) : NEAR + 1;
    if (distance < least && 3 * distance <= Math.max(name.length, text.length)) [best, least] = [name, distance];
  }
  return best;
}

/** Levenshtein's distance between two short texts, in which two neighbours that change places count once. */
function distanceOf(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) next[j] = Math.min(next[j], before[j - 2] + 1);
    }
    before = row;
    row = next;
  }
  return row[b.length];
}
