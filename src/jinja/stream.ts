/** Tokens in a row, as Jinja's parser reads them. */
import { TemplateError } from "./error.ts";
import type { Token } from "./lexer.ts";

const MOST_DEPTH = 200; // of brackets and blocks

/** Tokens, and where the parser stands in them. */
export class Stream {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;
  /** Whether a filter or test that there is not is noticed only when it is used: inside an `if` of the innermost scope. */
  soft = false;
  /** Whether a loop is open that `break` would end. */
  inLoop = false;
  /** Names that the innermost macro, or those in it, read. */
  names: Set<string> = new Set();

  /** @param tokens of a template */
  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  /** The token that is next. */
  get current(): Token {
    return this.#tokens[this.#at];
  }

  /** The one after it. */
  get after(): Token {
    return this.#tokens[Math.min(this.#at + 1, this.#tokens.length - 1)];
  }

  /** Takes a token. */
  next(): Token {
    const token = this.current;
    if (token.type !== "eof") this.#at++;
    return token;
  }

  /** Whether the next token is this operator. */
  is(operator: string): boolean {
    return this.current.type === "operator" && this.current.value === operator;
  }

  /** Whether the next token is one of these names. */
  isName(...names: readonly string[]): boolean {
    return this.current.type === "name" && names.includes(this.current.value);
  }

  /** Takes this operator, if it is next. */
  skip(operator: string): boolean {
    const is = this.is(operator);
    if (is) this.next();
    return is;
  }

  /** Takes this name, if it is next. */
  skipName(name: string): boolean {
    const is = this.isName(name);
    if (is) this.next();
    return is;
  }

  /** Takes this operator. @throws TemplateError where it is not next */
  expect(operator: string): void {
    if (!this.skip(operator)) this.broken(`expected '${operator}'`);
  }

  /** Takes a token of this kind. @throws TemplateError where another is next */
  take(type: Token["type"]): string {
    if (this.current.type !== type) this.broken(`expected ${type === "end" ? "end of statement block" : type}`);
    return this.next().value;
  }

  /** @throws TemplateError always */
  broken(rule: string): never {
    const { type, value } = this.current;
    throw new TemplateError("syntax", `${rule}, got '${value || type}'`);
  }

  /** Reads something that may hold its like. @throws TemplateError where it is too deep */
  deeper<T>(read: () => T): T {
    if (++this.#depth > MOST_DEPTH) throw new TemplateError("endless", `nesting beyond ${MOST_DEPTH}`);
    const result = read();
    this.#depth--;
    return result;
  }

  /** Reads what is compiled as a scope of its own. */
  scope<T>(read: () => T, inLoop = this.inLoop): T {
    const before = { soft: this.soft, inLoop: this.inLoop };
    Object.assign(this, { soft: false, inLoop });
    const result = read();
    Object.assign(this, before);
    return result;
  }

  /** Reads what is compiled to run or not. */
  softly<T>(read: () => T): T {
    const { soft } = this;
    this.soft = true;
    const result = read();
    this.soft = soft;
    return result;
  }
}
