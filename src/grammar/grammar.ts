/** What a text may be, ready to be read by: of a JSON schema, or of a grammar in llama.cpp's GBNF. */
import { refuse, words } from "../errors.ts";
import { rootOf } from "./gbnf.ts";
import { finish, type Machine } from "./machine.ts";
import { Network, type Source } from "./network.ts";
import { Compiler } from "./schema/compile.ts";
import { atOnce, bounded, inSlices, type Slices } from "./work.ts";

/** What a text may be. The same source is the same object, for as long as it is among the last few. */
export interface Grammar {
  readonly machine: Machine;
  /** The rule that a text is. */
  readonly root: number;
}

const MOST_TEXT = 1 << 20; // UTF-16 units
const MOST_DEPTH = 200;
const MOST_KEPT = 8;
const kept = new Map<string, Grammar>(); // by source, the latest last

/** One that is kept, or is made. */
function* once(source: Source, text: string, make: (network: Network) => Slices<number>): Slices<Grammar> {
  if (text.length > MOST_TEXT) {
    refuse(source.action, `it must have at most ${MOST_TEXT} characters`, text.length, { option: source.option });
  }
  const key = `${source.option} ${text}`;
  let grammar = kept.get(key);
  kept.delete(key);
  if (!grammar) {
    const network = new Network(source);
    grammar = yield* bounded(made(network, make), () => network.refuse("it must be less work to read", words("more")));
  }
  kept.set(key, grammar);
  const [oldest] = kept.keys();
  if (kept.size > MOST_KEPT) kept.delete(oldest);
  return grammar;
}

function* made(network: Network, make: (network: Network) => Slices<number>): Slices<Grammar> {
  const root = yield* make(network);
  yield;
  return { machine: yield* finish(network, root), root };
}

function schemaSlices(schema: object | true): Slices<Grammar> {
  const source: Source = { action: "read the schema", option: "jsonSchema" };
  let text: string;
  try {
    text = JSON.stringify(schema);
  } catch {
    refuse(source.action, "it must be JSON", words("what is none"), { option: source.option });
  }
  return once(source, text, (network) => {
    if (depthOf(text) > MOST_DEPTH) network.refuse(`it must be nested at most ${MOST_DEPTH} deep`, words("more"));
    return new Compiler(JSON.parse(text), network).compile();
  });
}

function textSlices(text: string): Slices<Grammar> {
  return once({ action: "read the grammar", option: "grammar" }, text, (network) => rootOf(text, network));
}

/**
 * The grammar of a JSON schema: drafts 4 to 2020-12, as far as can be held while a text is written.
 * @param schema an object; or true: any JSON
 * @throws KvcapRangeError for one that is malformed, too large, fits nothing, or asks what cannot be held
 */
export function schemaGrammar(schema: object | true): Grammar {
  return atOnce(schemaSlices(schema));
}

/** The grammar that a text in GBNF describes. @throws KvcapRangeError for one that is malformed, too large, or fits nothing */
export function textGrammar(text: string): Grammar {
  return atOnce(textSlices(text));
}

/** What options keep a text to; null: nothing. @throws KvcapRangeError as the two above do */
export function grammarOf({ jsonSchema, grammar }: Given): Grammar | null {
  return jsonSchema !== null ? schemaGrammar(jsonSchema) : grammar !== null ? textGrammar(grammar) : null;
}

/** Makes that of options ready, so that `grammarOf` has it soon after. @param breathe lets others have their turn @throws as it does */
export async function prepareGrammar({ jsonSchema, grammar }: Given, breathe: () => Promise<void>): Promise<void> {
  if (jsonSchema !== null) await inSlices(schemaSlices(jsonSchema), breathe);
  else if (grammar !== null) await inSlices(textSlices(grammar), breathe);
}

/** One of the two, or neither. */
export interface Given {
  readonly jsonSchema: object | true | null;
  readonly grammar: string | null;
}

/** How deep JSON goes. */
function depthOf(json: string): number {
  let depth = 0, most = 0;
  for (const [, open, close] of json.matchAll(/"(?:[^"\\]|\\.)*"|([[{])|([\]}])/g)) {
    if (open) most = Math.max(most, ++depth);
    if (close) depth--;
  }
  return most;
}
