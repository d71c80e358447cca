/** Keeps a text to a grammar, and off banned texts: which ids may come next, token by token. */
import { refuse, words } from "../errors.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { Automaton } from "./automaton.ts";
import { Banned } from "./banned.ts";
import { Both, type Form } from "./both.ts";
import type { Grammar } from "./grammar.ts";
import { type Reader, Vocabulary } from "./vocabulary.ts";

const SPACE = 0x20;
const MOST_BYTES = 1 << 23; // of masks that are kept

/** What a text is kept to. */
export interface Rules {
  /** Null: any text. */
  readonly grammar: Grammar | null;
  /** Texts that are never complete. */
  readonly bannedStrings: readonly string[];
  /** Ids that end the text, and are no part of it. */
  readonly ends: readonly number[];
  /** Spaces that are dropped at the text's beginning. */
  readonly spaces: number;
}

const vocabularies = new WeakMap<Tokenizer, Vocabulary>();

/** A tokenizer's vocabulary, made once. */
function vocabularyOf(tokenizer: Tokenizer, size: number): Vocabulary {
  let vocabulary = vocabularies.get(tokenizer);
  if (vocabulary?.size !== size) vocabularies.set(tokenizer, vocabulary = new Vocabulary(tokenizer, size));
  return vocabulary;
}

/** A text that has not begun: so many spaces at its beginning are no part of it. Places: spaces that are left, then the reader's own. */
class Dropping implements Reader {
  readonly classes: Uint8Array;
  readonly classCount: number;
  readonly table: Int32Array; // nothing is known: a text begins once
  readonly #reader: Reader;
  readonly #begin: number;
  readonly #spaces: number;

  constructor(reader: Reader, begin: number, spaces: number) {
    this.classes = reader.classes;
    this.classCount = 0;
    this.table = new Int32Array(256).fill(-2);
    this.#reader = reader;
    this.#begin = begin;
    this.#spaces = spaces;
  }

  step(place: number, kind: number): number {
    const spaces = this.#spaces;
    if (place > 0 && place <= spaces && kind === this.classes[SPACE]) return place - 1;
    const next = this.#reader.step(place <= spaces ? this.#begin : place - spaces - 1, kind);
    return next < 0 ? next : next + spaces + 1;
  }

  run(): number {
    return 0;
  }
}

/** One reader's masks over a vocabulary, and where the text is for it. */
class Lane {
  readonly #vocabulary: Vocabulary;
  readonly reader: Reader;
  place: number;
  #left = 0; // spaces that may still be dropped; the text has not begun
  readonly #masks = new Map<number, Uint32Array<ArrayBuffer>>(); // by place, the oldest first
  #fresh: Uint32Array<ArrayBuffer> | null = null; // of a text that has not begun

  constructor(vocabulary: Vocabulary, reader: Reader, begin: number) {
    this.#vocabulary = vocabulary;
    this.reader = reader;
    this.place = begin;
  }

  /** Begins a text. */
  begin(place: number, spaces: number): void {
    this.place = place;
    this.#left = spaces;
    this.#fresh = null;
  }

  /** Which ids of text may come. */
  get mask(): Uint32Array {
    if (this.#left > 0) {
      return this.#fresh ??= this.#filled(new Dropping(this.reader, this.place, this.#left), this.#left);
    }
    let mask = this.#masks.get(this.place);
    if (mask) return mask;
    mask = this.#filled(this.reader, this.place);
    this.#masks.set(this.place, mask);
    return mask;
  }

  #filled(reader: Reader, place: number): Uint32Array<ArrayBuffer> {
    const length = this.#vocabulary.words;
    let mask: Uint32Array<ArrayBuffer> | undefined;
    if (this.#masks.size > 0 && 4 * length * this.#masks.size >= MOST_BYTES) {
      const [[oldest, its]] = this.#masks;
      this.#masks.delete(oldest);
      mask = its;
    }
    mask ??= new Uint32Array(length);
    this.#vocabulary.fill(reader, place, mask);
    return mask;
  }

  /** Goes on by bytes. `place` is below 0 where they do not fit. */
  take(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (this.#left > 0 && byte === SPACE) this.#left--;
      else {
        this.#left = 0;
        this.place = this.reader.step(this.place, this.reader.classes[byte]);
        if (this.place < 0) return;
      }
    }
    this.#fresh = null;
  }

  /** Forgets masks: places have other numbers now. */
  forget(place: number): void {
    this.#masks.clear();
    this.place = place;
  }
}

/** For one session: made once, begun with every generation. */
export class Guide {
  readonly #vocabulary: Vocabulary;
  readonly grammar: Grammar | null;
  readonly #bans: readonly string[];
  readonly #form: Form | null = null; // the grammar's, what is banned left out
  readonly #keeps: Lane | null = null; // to that
  readonly #shuns: Lane | null = null; // what is banned, where there is no grammar
  #age = 0; // of the form
  #ends: readonly number[] = [];
  #kept = new Float32Array(0); // logits of these
  #ended = false; // the text is whole

  /** @param size ids that the model knows */
  constructor(tokenizer: Tokenizer, size: number, { grammar, bannedStrings }: Rules) {
    this.#vocabulary = vocabularyOf(tokenizer, size);
    this.grammar = grammar;
    this.#bans = bannedStrings;
    const banned = bannedStrings.length > 0 ? new Banned(bannedStrings) : null;
    if (grammar) {
      const automaton = new Automaton(grammar.machine, grammar.root);
      this.#form = banned ? new Both(automaton, banned) : automaton;
      this.#keeps = new Lane(this.#vocabulary, this.#form, 0);
    } else if (banned) this.#shuns = new Lane(this.#vocabulary, banned, 0);
  }

  /** Whether it is one for such rules. */
  isFor({ grammar, bannedStrings }: Rules): boolean {
    return grammar === this.grammar && bannedStrings.join("\0") === this.#bans.join("\0");
  }

  /** A generation begins. @param goesOn whether it goes on with the text that was generated last, where that is not whole */
  begin({ ends, spaces }: Rules, goesOn: boolean): void {
    this.#ends = ends;
    if (this.#kept.length !== ends.length) this.#kept = new Float32Array(ends.length);
    if (goesOn && !this.#ended) return;
    this.#ended = false;
    this.#keeps?.begin(this.#form!.start(), spaces);
    this.#shuns?.begin(0, spaces);
  }

  /** Forbids all ids that may not come next. @param logits [vocab] @throws KvcapError where the vocabulary has none that may */
  mask(logits: Float32Array): void {
    const ends = this.#ends, kept = this.#kept;
    for (let i = 0; i < ends.length; i++) kept[i] = logits[ends[i]];
    if (this.#shuns) this.#vocabulary.apply(this.#shuns.mask, logits);
    if (!this.#keeps) return;
    this.#vocabulary.only(this.#keeps.mask, logits);
    const accepts = this.#form!.accepts(this.#keeps.place);
    for (let i = 0; i < ends.length; i++) logits[ends[i]] = accepts ? kept[i] : NO;
    for (let id = 0; id < logits.length; id++) if (logits[id] > NO) return;
    const rule = "some id must go on as the form asks, and not be forbidden";
    refuse("generate", rule, words("none"), { kind: "plain", code: "unsupported" });
  }

  /** An id has been chosen. */
  take(id: number): void {
    if (this.#ends.includes(id)) {
      this.#ended = true;
      return;
    }
    const bytes = this.#vocabulary.bytes(id);
    this.#shuns?.take(bytes);
    if (!this.#keeps) return;
    this.#keeps.take(bytes);
    const form = this.#form!;
    const place = form.settle(this.#keeps.place);
    if (form.age !== this.#age) this.#keeps.forget(place);
    this.#age = form.age;
    this.#ended = form.isOver(place);
  }

  /** Whether the grammar can go on no more. */
  get isOver(): boolean {
    return this.#keeps !== null && this.#ended;
  }
}

const NO = -Infinity;
