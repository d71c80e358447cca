/** HTML and SVG from text that nobody vouches for: names of models, policies and files, messages of errors. */

/** Markup that may be put into a page as it is. */
export class Markup {
  readonly text: string;

  /** @param text made of trusted parts, or escaped */
  constructor(text: string) {
    this.text = text;
  }
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text as markup shows it; control characters, which no page may hold, as U+FFFD. */
export function escaped(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g, "\ufffd")
    .replace(/[&<>"']/g, (character) => ENTITIES[character]);
}

type Part = Markup | string | number | readonly Part[];

const textOf = (part: Part): string =>
  part instanceof Markup ? part.text : Array.isArray(part) ? part.map(textOf).join("") : escaped(String(part));

/** Markup with values in it; those that are no markup are escaped. */
export function markup(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return new Markup(strings.reduce((all, text, i) => all + textOf(parts[i - 1]) + text));
}

/** A coordinate: two places are enough. */
export const place = (value: number): string => Number(value.toFixed(2)).toString();
