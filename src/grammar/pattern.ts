/** Regular expressions as ECMAScript has them with its flag u, as far as they are regular: no looking around, no going back. */
import { determined, type Edge, type Language, type Loose } from "./language.ts";
import { inverted, MOST_CODE, type Range, united } from "./utf8.ts";

/** A pattern in parts. */
type Node =
  | { readonly kind: "set"; readonly ranges: readonly Range[] }
  | { readonly kind: "all"; readonly nodes: readonly Node[] } // one after the other
  | { readonly kind: "any"; readonly nodes: readonly Node[] } // one of them
  | { readonly kind: "many"; readonly node: Node; readonly least: number; readonly most: number }
  | { readonly kind: "begin" | "end" };

const MOST_DEPTH = 100, MOST_LOOSE = 20_000, MOST_WAYS = 200;
const DIGIT: Range[] = [[48, 57]];
const WORD: Range[] = [[48, 57], [65, 90], [95, 95], [97, 122]];
const SPACE: Range[] = united([
  ...[[9, 13], [32, 32], [160, 160], [0x1680, 0x1680], [0x2000, 0x200a], [0x2028, 0x2029]] as Range[],
  ...[[0x202f, 0x202f], [0x205f, 0x205f], [0x3000, 0x3000], [0xfeff, 0xfeff]] as Range[],
]);
const DOT = inverted([[10, 10], [13, 13], [0x2028, 0x2029]]);
const CLASSES: Readonly<Record<string, readonly Range[]>> = {
  ...{ d: DIGIT, D: inverted(DIGIT), w: WORD, W: inverted(WORD), s: SPACE, S: inverted(SPACE) },
};
const CONTROLS: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, 0: 0 };
const ANY: Node = { kind: "many", node: { kind: "set", ranges: [[0, MOST_CODE]] }, least: 0, most: Infinity };

/**
 * The texts that a pattern is found in, anywhere unless it says where.
 * @param no refuses: what must be so
 */
export function languageOf(source: string, no: (rule: string) => never): Language {
  const tree = parse(source, no);
  const ways = opened(tree, { open: [true, true], budget: { left: MOST_WAYS } }, no);
  const loose: Loose = { edges: [[], []], jumps: [[], []], end: 1 };
  const state = () => {
    if (loose.edges.length >= MOST_LOOSE) no(`patterns must come to at most ${MOST_LOOSE} states`);
    loose.edges.push([]);
    return loose.jumps.push([]) - 1;
  };
  const lay = (node: Node, from: number, to: number): void => {
    switch (node.kind) {
      case "set":
        for (const [low, high] of node.ranges) loose.edges[from].push({ low, high, to } satisfies Edge);
        return;
      case "any":
        return node.nodes.forEach((one) => lay(one, from, to));
      case "all": {
        let at = from;
        for (const one of node.nodes) {
          const next = state();
          lay(one, at, next);
          at = next;
        }
        loose.jumps[at].push(to);
        return;
      }
      case "many": {
        const { least, most } = node;
        let at = state();
        loose.jumps[from].push(at);
        for (let i = 0; i < (most === Infinity ? least : most); i++) {
          const next = state();
          if (i >= least) loose.jumps[at].push(to);
          lay(node.node, at, next);
          at = next;
        }
        if (most === Infinity) {
          const [begin, end] = [state(), state()];
          loose.jumps[at].push(begin);
          lay(node.node, begin, end);
          loose.jumps[end].push(begin);
          at = begin;
        }
        loose.jumps[at].push(to);
        return;
      }
      default:
        no("^ and $ of a pattern must stand at its beginning and end");
    }
  };
  lay({ kind: "any", nodes: ways }, 0, 1);
  return determined(loose, () => no("patterns must be simpler"));
}

interface Opening {
  readonly open: readonly [begin: boolean, end: boolean]; // whether anything may stand before, or behind
  readonly budget: { left: number };
}

const hasAnchor = (node: Node): boolean =>
  node.kind === "begin" || node.kind === "end" || node.kind === "many" && hasAnchor(node.node) ||
  (node.kind === "all" || node.kind === "any") && node.nodes.some(hasAnchor);

/** The same without ^ and $: where they do not stand, anything may. Groups that have them are taken apart. */
function opened(node: Node, { open: [before, behind], budget }: Opening, no: (rule: string) => never): Node[] {
  if (budget.left-- <= 0) no("patterns must have fewer ways to begin and end");
  if (node.kind === "any" && hasAnchor(node)) {
    return node.nodes.flatMap((one) => opened(one, { open: [before, behind], budget }, no));
  }
  const nodes = node.kind === "all" ? [...node.nodes] : [node];
  let open: [boolean, boolean] = [before, behind];
  while (nodes[0]?.kind === "begin") {
    nodes.shift();
    open = [false, open[1]];
  }
  while (nodes.at(-1)?.kind === "end") {
    nodes.pop();
    open = [open[0], false];
  }
  for (const at of [0, nodes.length - 1]) {
    const group = nodes[at];
    if (group && (group.kind === "any" || group.kind === "all") && hasAnchor(group)) {
      const each = group.kind === "any" ? group.nodes : [group];
      return each.flatMap((one) => {
        const inner = one.kind === "all" ? one.nodes : [one];
        return opened({ kind: "all", nodes: nodes.toSpliced(at, 1, ...inner) }, { open, budget }, no);
      });
    }
  }
  return [{ kind: "all", nodes: [...open[0] ? [ANY] : [], ...nodes, ...open[1] ? [ANY] : []] }];
}

/** Reads a pattern. */
function parse(source: string, no: (rule: string) => never): Node {
  const letters = Array.from(source);
  let at = 0;
  const next = () => letters[at];
  const take = (wanted: string) => next() === wanted && (at++, true);
  const need = (wanted: string) => take(wanted) || no(`patterns must be complete: there must be a ${wanted}`);
  const codeAt = (i: number) => letters[i].codePointAt(0)!;

  function alternatives(depth: number): Node {
    if (depth > MOST_DEPTH) no(`patterns must be nested at most ${MOST_DEPTH} deep`);
    const nodes = [row(depth)];
    while (take("|")) nodes.push(row(depth));
    return nodes.length === 1 ? nodes[0] : { kind: "any", nodes };
  }

  function row(depth: number): Node {
    const nodes: Node[] = [];
    while (at < letters.length && next() !== "|" && next() !== ")") nodes.push(repeated(atom(depth)));
    return { kind: "all", nodes };
  }

  function repeated(node: Node): Node {
    const [least, most] = bounds();
    if (least === 1 && most === 1) return node;
    take("?"); // what is taken first is all the same
    if (hasAnchor(node)) no("^ and $ of a pattern must not be repeated");
    if ("*+?{".includes(next() ?? " ")) no("patterns must have something before each of * + ? {");
    return { kind: "many", node, least, most };
  }

  function bounds(): [number, number] {
    if (take("*")) return [0, Infinity];
    if (take("+")) return [1, Infinity];
    if (take("?")) return [0, 1];
    if (next() !== "{") return [1, 1];
    const found = /^\{(\d{1,6})(?:(,)(\d{1,6})?)?\}/.exec(letters.slice(at, at + 20).join(""));
    if (!found) no("a { of a pattern must begin {n}, {n,} or {n,m}, or be written \\{");
    at += found[0].length;
    const least = Number(found[1]);
    const most = found[2] === undefined ? least : found[3] === undefined ? Infinity : Number(found[3]);
    if (most < least) no("{n,m} of a pattern must not have less behind the comma");
    return [least, most];
  }

  function atom(depth: number): Node {
    const letter = letters[at++];
    if (letter === "^") return { kind: "begin" };
    if (letter === "$") return { kind: "end" };
    if (letter === ".") return { kind: "set", ranges: DOT };
    if (letter === "[") return { kind: "set", ranges: set() };
    if (letter === "(") {
      if (take("?")) {
        if (take("<") && next() !== "=" && next() !== "!") {
          while (at < letters.length && next() !== ">") at++;
          need(">");
        } else if (!take(":")) no("patterns must not look around, or change their flags");
      }
      const inside = alternatives(depth + 1);
      need(")");
      return inside;
    }
    if ("*+?{".includes(letter)) no("patterns must have something before each of * + ? {");
    if (letter === "\\") return { kind: "set", ranges: escaped() };
    return { kind: "set", ranges: [[codeAt(at - 1), codeAt(at - 1)]] };
  }

  function hex(digits: number): number {
    const text = letters.slice(at, at + digits).join("");
    if (!new RegExp(`^[0-9a-fA-F]{${digits}}$`).test(text)) no(`patterns must have ${digits} digits behind \\x or \\u`);
    at += digits;
    return parseInt(text, 16);
  }

  function escaped(): readonly Range[] {
    const letter = letters[at++] ?? no("patterns must not end with a \\");
    if (Object.hasOwn(CLASSES, letter)) return CLASSES[letter];
    const one = (code: number): Range[] => [[code, code]];
    if (Object.hasOwn(CONTROLS, letter) && !(letter === "0" && /\d/.test(next() ?? ""))) return one(CONTROLS[letter]);
    if (letter === "x") return one(hex(2));
    if (letter === "u") {
      if (!take("{")) {
        const unit = hex(4);
        if (unit < 0xd800 || unit > 0xdfff) return one(unit);
        if (unit > 0xdbff || !take("\\") || !take("u")) no("patterns must not have halves of surrogate pairs");
        const low = hex(4);
        if (low < 0xdc00 || low > 0xdfff) no("patterns must not have halves of surrogate pairs");
        return one(0x10000 + (unit - 0xd800) * 0x400 + low - 0xdc00);
      }
      const end = letters.indexOf("}", at), digits = letters.slice(at, Math.max(at, end)).join("");
      if (!/^[0-9a-fA-F]{1,6}$/.test(digits)) no("patterns must have digits between \\u{ and }");
      at = end + 1;
      return one(Math.min(MOST_CODE, parseInt(digits, 16)));
    }
    if (/[a-zA-Z0-9]/.test(letter)) no("patterns must know their escapes: no \\b, \\p, \\1, \\k");
    return one(letter.codePointAt(0)!);
  }

  function set(): readonly Range[] {
    const not = take("^");
    const ranges: Range[] = [];
    while (next() !== "]") {
      if (at >= letters.length) no("patterns must be complete: there must be a ]");
      const low = member();
      if (next() !== "-" || letters[at + 1] === "]") {
        ranges.push(...low);
        continue;
      }
      at++;
      if (at >= letters.length) no("patterns must be complete: there must be a ]");
      const high = member();
      const alone = low.length === 1 && low[0][0] === low[0][1] && high.length === 1 && high[0][0] === high[0][1];
      if (!alone || low[0][0] > high[0][0]) no("a range of a pattern must go from one character to a later one");
      ranges.push([low[0][0], high[0][0]]);
    }
    at++;
    return not ? inverted(ranges) : united(ranges);
  }

  function member(): readonly Range[] {
    const letter = letters[at++];
    if (letter !== "\\") return [[codeAt(at - 1), codeAt(at - 1)]];
    if (next() === "b") return at++, [[8, 8]];
    if (next() === "-") return at++, [[45, 45]];
    return escaped();
  }

  const tree = alternatives(0);
  if (at < letters.length) no("patterns must have a ( for every )");
  return tree;
}
