// Random grammars in GBNF, and a naive reading of them: by letters, one way after the other.

/** A part of a grammar. */
export type Part =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "class"; readonly letters: string; readonly not: boolean }
  | { readonly kind: "rule"; readonly name: string }
  | { readonly kind: "row" | "either"; readonly parts: readonly Part[] }
  | { readonly kind: "times"; readonly part: Part; readonly least: number; readonly most: number };

export type Rules = ReadonlyMap<string, Part>;

const LETTERS = "abé🦊";

/** A grammar in which every rule comes to an end, and none begins with itself. */
export function drawGrammar(random: () => number): Rules {
  const below = (most: number) => Math.floor(random() * most);
  const names = ["root", "one", "two"].slice(0, 1 + below(3));
  const letter = () => Array.from(LETTERS)[below(4)];
  const text = (): Part => ({ kind: "text", text: Array.from({ length: 1 + below(3) }, letter).join("") });
  const part = (deep: number, first: boolean): Part => {
    const kind = below(deep > 2 ? 3 : 8);
    if (kind === 0) return { kind: "class", letters: letter() + letter(), not: random() < 0.3 };
    if (kind === 1 && !first) return { kind: "rule", name: names[below(names.length)] };
    if (kind < 4) return text();
    if (kind === 4) return row(deep + 1, first);
    if (kind === 5) {
      return { kind: "either", parts: [part(deep + 1, first), part(deep + 1, first), text()].slice(below(2)) };
    }
    const least = below(3), most = [Infinity, least, least + 1 + below(2)][below(3)];
    return { kind: "times", part: part(deep + 1, first), least: most === 0 ? 1 : least, most: most === 0 ? 1 : most };
  };
  const row = (deep: number, first: boolean): Part => {
    const parts = [text(), ...Array.from({ length: below(3) }, () => part(deep, false))];
    return { kind: "row", parts: first ? parts : parts.slice(below(2)) };
  };
  return new Map(names.map((name): [string, Part] => {
    return [name, { kind: "either", parts: [row(0, true), ...random() < 0.7 ? [row(0, true)] : [], text()] }];
  }));
}

/** The grammar as text. */
export function written(rules: Rules): string {
  const one = (part: Part): string => {
    if (part.kind === "text") return JSON.stringify(part.text);
    if (part.kind === "class") return `[${part.not ? "^" : ""}${part.letters}]`;
    if (part.kind === "rule") return part.name;
    if (part.kind !== "times") return `(${part.parts.map(one).join(part.kind === "row" ? " " : " | ")})`;
    const { least, most } = part;
    const few = least === most ? `{${least}}` : `{${least},${most}}`;
    return one(part.part) + (most === Infinity ? ["*", "+"][least] ?? `{${least},}` : few);
  };
  return [...rules].map(([name, part]) => `${name} ::= ${one(part)}\n`).join("");
}

/** Whether a text is a beginning of one of the grammar's, and whether it is one. */
export function naive(rules: Rules, text: string): { begins: boolean; whole: boolean } {
  const letters = Array.from(text);
  let [begins, whole] = [false, false];
  const read = (part: Part, at: number, next: (at: number) => void, depth: number): void => {
    if (depth > 400) throw new Error("too deep");
    switch (part.kind) {
      case "text": {
        for (const letter of part.text) {
          if (at === letters.length) return void (begins = true);
          if (letters[at++] !== letter) return;
        }
        return next(at);
      }
      case "class":
        if (at === letters.length) return void (begins = true);
        return part.letters.includes(letters[at]) !== part.not ? next(at + 1) : undefined;
      case "rule":
        return read(rules.get(part.name)!, at, next, depth + 1);
      case "either":
        return part.parts.forEach((one) => read(one, at, next, depth + 1));
      case "row": {
        const from = (i: number, at: number): void =>
          i === part.parts.length ? next(at) : read(part.parts[i], at, (at) => from(i + 1, at), depth + 1);
        return from(0, at);
      }
      case "times": {
        const more = (times: number, at: number): void => {
          if (times >= part.least) next(at);
          if (times === part.most) return;
          read(
            part.part,
            at,
            (after) => after > at || times < part.least ? more(times + 1, after) : undefined,
            depth + 1,
          );
        };
        return more(0, at);
      }
    }
  };
  read(rules.get("root")!, 0, (at) => {
    if (at === letters.length) begins = whole = true;
  }, 0);
  return { begins, whole };
}
