/**
 * Which tokens a folder's files add to a vocabulary, and what special ones are called, in the order in which transformers 5 heeds the
 * files (tokenization_utils_base.py, tokenization_utils_tokenizers.py): tokenizer.json, then `added_tokens_decoder` of
 * tokenizer_config.json, or where it has none special_tokens_map.json and added_tokens.json; then names, then lists of others.
 */
import { isRecord, refuseFile } from "../files/checks.ts";
import { type AddedToken, readAddedTokens, withFlags } from "./added.ts";

/** Parsed files, undefined where there is none. */
export interface TokenFiles {
  /** tokenizer_config.json */
  readonly config?: unknown;
  /** special_tokens_map.json */
  readonly map?: unknown;
  /** added_tokens.json: ids by content */
  readonly added?: unknown;
}

export interface Taken {
  readonly added: AddedToken[];
  /** Contents by name: `bos_token`, `image_token`, … */
  readonly names: Readonly<Record<string, string>>;
}

type Fields = Record<string, unknown>;

const STANDARD = ["bos", "eos", "unk", "sep", "pad", "cls", "mask"].map((name) => `${name}_token`);
const MOST_TOKENS = 1 << 16; // that files add; some have an id for every piece of a picture
const MOST_TEXT = 1 << 20; // UTF-16 units of all of them, which one pattern looks for
const EXTRA = "extra_special_tokens", ADDITIONAL = "additional_special_tokens";

/**
 * @param tokenizer Parsed tokenizer.json.
 * @param ids of the vocabulary: an added token that is in it has its id, another the next that is free, whatever a file says
 * @throws RangeError for a malformed entry
 */
export function takeUp(tokenizer: Readonly<Fields>, ids: ReadonlyMap<string, number>, files: TokenFiles): Taken {
  const own = bounded(readAddedTokens(tokenizer.added_tokens));
  const { settings, named } = merged(files);
  const { padding } = tokenizer;
  if (isRecord(padding) && !("pad_token" in settings)) settings.pad_token = padding.pad_token;
  const names = namesOf(settings, named);
  const contents = Object.fromEntries(Object.entries(names).map(([name, entry]) => [name, contentOf(entry)]));
  const extra = listOf(EXTRA in settings ? settings[EXTRA] : settings[ADDITIONAL]);

  const listed = decoderOf(settings, own, files, [...STANDARD.map((name) => contents[name]), ...extra.map(contentOf)]);
  const known = new Map<string, AddedToken[]>();
  for (const token of own) known.get(token.content)?.push(token) ?? known.set(token.content, [token]);
  const entries = bounded(listed).filter((entry) => {
    const token = described(entry);
    return !known.get(token.content)?.some((one) => isSame(one, token));
  });
  const there = new Set([...own, ...entries].map(contentOf));
  for (const entry of [...Object.values(names), ...extra]) {
    const content = contentOf(entry);
    if (!there.has(content)) entries.push(typeof entry === "string" ? { content, special: true } : entry);
    there.add(content);
  }
  // A flag that an entry leaves open follows from whether its token is special, and one with a name is.
  const special = new Set(Object.values(contents));
  const tokens = entries.map((entry) => described(special.has(contentOf(entry)) ? { ...entry, special: true } : entry));
  const added = bounded(numbered(own, tokens, ids));
  const length = added.reduce((sum, { content }) => sum + content.length, 0);
  if (length > MOST_TEXT) refuseFile(`added tokens must have at most ${MOST_TEXT} characters in all`, length);
  return { added, names: contents };
}

/** @throws RangeError for more tokens than any vocabulary adds */
function bounded<T>(tokens: T[]): T[] {
  if (tokens.length > MOST_TOKENS) refuseFile(`added tokens must be at most ${MOST_TOKENS}`, tokens.length);
  return tokens;
}

/** tokenizer_config.json, and what older files say where it describes no tokens; special tokens with names of their own apart. */
function merged({ config = {}, map = {} }: TokenFiles): { settings: Fields; named: Fields } {
  if (!isRecord(config)) refuseFile("tokenizer_config.json must be an object", config);
  if (!isRecord(map)) refuseFile("special_tokens_map.json must be an object", map);
  const settings: Fields = { ...config }, named: Fields = {};
  if (ADDITIONAL in settings && !isFilled(settings[EXTRA])) {
    settings[EXTRA] = settings[ADDITIONAL];
    delete settings[ADDITIONAL];
  }
  const move = (given: Fields) => {
    Object.assign(named, given);
    for (const name of Object.keys(given)) delete settings[name];
  };
  const own = Object.entries(settings).filter(([name, value]) => isOwn(name) && typeof value === "string");
  move(Object.fromEntries(own));
  const apart = () => {
    if (!isRecord(settings[EXTRA])) return;
    move(settings[EXTRA]);
    delete settings[EXTRA];
  };
  apart();
  if ("added_tokens_decoder" in settings) return { settings, named };
  for (const [name, value] of Object.entries(map)) {
    if (name === EXTRA && Array.isArray(value)) settings[name] = [...listOf(settings[name]), ...value.map(special)];
    else settings[name] = name === EXTRA ? value : special(value);
  }
  apart();
  return { settings, named };
}

/** What is described with ids, which say no more than the order. */
function decoderOf(settings: Fields, own: AddedToken[], { added = {} }: TokenFiles, special: string[]): Fields[] {
  let listed: [id: string | number, entry: unknown][];
  if ("added_tokens_decoder" in settings) {
    const decoder = settings.added_tokens_decoder;
    if (!isRecord(decoder)) refuseFile("added_tokens_decoder of tokenizer_config.json must be an object", decoder);
    listed = Object.entries(decoder);
  } else {
    if (!isRecord(added)) refuseFile("added_tokens.json must be an object", added);
    const taken = new Set(own.map(({ id }) => id));
    const older = Object.entries(added).filter(([, id]) => !taken.has(Number(id))), called = new Set(special);
    listed = older.map(([content, id]) => [Number(id), { content, special: called.has(content) }]);
  }
  return listed.sort(([a], [b]) => Number(a) - Number(b)).map(([, entry]) =>
    isRecord(entry) ? entry : { content: entry }
  );
}

/** Special tokens by name: the usual ones, then those of the model's own. */
function namesOf(settings: Fields, named: Fields): Record<string, string | Fields> {
  const pick = (wanted: (name: string) => boolean) =>
    Object.entries(settings).filter(([name, value]) => wanted(name) && (typeof value === "string" || isRecord(value)));
  const usual = Object.fromEntries(pick((name) => STANDARD.includes(name)));
  const sorted = STANDARD.filter((name) => name in usual).map((name) => [name, usual[name]]);
  return Object.fromEntries([...sorted, ...pick(isOwn), ...Object.entries(named)]);
}

/** Own tokens and those to add, which stand for older ones of the same content. */
function numbered(own: AddedToken[], tokens: AddedToken[], ids: ReadonlyMap<string, number>): AddedToken[] {
  const all = new Map(own.map((token) => [token.content, token]));
  let next = own.reduce((most, { id }) => Math.max(most, id + 1), ids.size);
  for (const token of tokens) {
    if (token.content === "") continue;
    const id = all.get(token.content)?.id ?? ids.get(token.content) ?? next;
    next = Math.max(next, id + 1);
    all.set(token.content, { ...token, id });
  }
  return [...all.values()];
}

const isOwn = (name: string) => name.endsWith("_token") && !STANDARD.includes(name);
const isFilled = (value: unknown) => isRecord(value) ? Object.keys(value).length > 0 : listOf(value).length > 0;
const special = (value: unknown) => isRecord(value) ? { ...value, special: true } : value;

function listOf(value: unknown): (string | Fields)[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) refuseFile("a list of special tokens must be a list or an object", value);
  return value;
}

function contentOf(entry: unknown): string {
  const content = isRecord(entry) ? entry.content : entry;
  if (typeof content === "string") return content;
  refuseFile("a special token must be a text or have a content", entry);
}

/** An entry with all its flags; its id is still to be found. */
function described(entry: Fields): AddedToken {
  return withFlags(0, contentOf(entry), entry);
}

/** Whether two tokens have the same content and flags. */
function isSame(one: AddedToken, other: AddedToken): boolean {
  return (Object.keys(one) as (keyof AddedToken)[]).every((name) => name === "id" || one[name] === other[name]);
}
