/** Requests for a text to be gone on with: POST /v1/completions. */
import type { GenerateOptions } from "../options/generate.ts";
import type { Session } from "../session/session.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { asBody, type Body, flag, readCommon, wholeOf } from "./fields.ts";
import { idsOf, type Prompt, readPrompts } from "./prompts.ts";
import { refuseRequest } from "./refusals.ts";
import type { Caller, Service } from "./service.ts";
import { mapped, type Token, type Took, type Usage, usageOf, writing } from "./writing.ts";

const OWN = ["prompt", "suffix", "echo", "logprobs", "best_of"];
const MOST_PROMPTS = 256;
const USUAL = 16; // tokens, as the API has it

/** How likely each token was; null: nothing stood before it. */
export interface CompletionLogprobs {
  readonly tokens: readonly string[];
  readonly token_logprobs: readonly (number | null)[];
  readonly top_logprobs: readonly (Readonly<Record<string, number>> | null)[];
  readonly text_offset: readonly number[];
}

/** One text. */
export interface CompletionChoice {
  readonly index: number;
  readonly text: string;
  readonly logprobs: CompletionLogprobs | null;
  readonly finish_reason: "stop" | "length" | null;
}

export interface Completion {
  readonly id: string;
  readonly object: "text_completion";
  readonly created: number;
  readonly model: string;
  readonly choices: readonly CompletionChoice[];
  readonly usage?: Usage | null;
}

/** Answers as a whole. @throws RequestError, KvcapError; the caller's signal's reason */
export async function completion(service: Service, body: unknown, caller: Caller): Promise<Completion> {
  const asked = readCompletion(service, asBody(body));
  const choices: CompletionChoice[] = [], all: Usage[] = [];
  const answer = answering(service, asked, caller);
  let next = await answer.next();
  for (; !next.done; next = await answer.next()) {
    const { index, text, logprobs, ended } = next.value;
    if (ended) all.push(ended.usage);
    const before = choices[index] ??
      { index, text: "", logprobs: asked.logprobs === null ? null : NONE, finish_reason: null };
    choices[index] = {
      ...{ index, text: before.text + text },
      logprobs: before.logprobs && joined(before.logprobs, logprobs ?? NONE),
      finish_reason: ended ? reasonOf(ended) : null,
    };
  }
  return { ...head(asked.hosted.name), choices, usage: summed(all, asked.n) };
}

/** Answers as it is written. @throws as completion; what is wrong with the request, at the first chunk */
export async function* completionChunks(
  service: Service,
  body: unknown,
  caller: Caller,
): AsyncGenerator<Completion, void, void> {
  const asked = readCompletion(service, asBody(body));
  const common = head(asked.hosted.name), more = asked.usage ? { usage: null } : {};
  const all: Usage[] = [];
  yield* mapped(answering(service, asked, caller), ({ index, text, logprobs, ended }): Completion => {
    if (ended) all.push(ended.usage);
    return { ...common, choices: [{ index, text, logprobs, finish_reason: ended ? reasonOf(ended) : null }], ...more };
  });
  if (asked.usage) yield { ...common, choices: [], usage: summed(all, asked.n) };
}

const reasonOf = ({ ended }: Took) => ended === "length" ? "length" : "stop";

function head(model: string) {
  const id = `cmpl-${crypto.randomUUID()}`, created = Math.floor(Date.now() / 1000);
  return { id, object: "text_completion" as const, created, model };
}

function readCompletion(service: Service, body: Body) {
  const common = readCommon(body, OWN);
  const { hosted, generate, session } = service.asked(common, USUAL);
  if (body.suffix !== undefined && body.suffix !== null && body.suffix !== "") {
    refuseRequest("suffix must be left out", body.suffix, { param: "suffix", code: "unsupported" });
  }
  if (![undefined, null, common.n].includes(body.best_of as undefined)) {
    refuseRequest(`best_of must be n, ${common.n}`, body.best_of, { param: "best_of" });
  }
  const logprobs = body.logprobs === true ? 0 : body.logprobs === false ? null : wholeOf(body, "logprobs", 20) ?? null;
  const prompts = readPrompts(body, "prompt", MOST_PROMPTS), { n, usage } = common;
  return { hosted, session, generate, prompts, n, logprobs, echo: flag(body, "echo"), usage };
}

/** How many ids a text was begun with that it does not say itself: the model's begin-of-sequence, or none. */
function begunWithout(text: Prompt, [first]: readonly number[], tokenizer: Tokenizer): number {
  if (typeof text !== "string" || first !== tokenizer.bosId) return 0;
  return text.startsWith(tokenizer.decode([first])) ? 0 : 1;
}

/** A part of one choice; the last says how it ended. */
interface Step {
  readonly index: number;
  readonly text: string;
  readonly logprobs: CompletionLogprobs | null;
  readonly ended: Took | null;
}

type Asked = ReturnType<typeof readCompletion>;

function answering(service: Service, asked: Asked, caller: Caller) {
  return service.inTurn(caller, async function* (signal): AsyncGenerator<Step, void, void> {
    const { hosted, prompts, generate, n } = asked, { tokenizer } = hosted.model;
    const all = idsOf(prompts, "prompt", tokenizer, service.limits.prompt);
    await hosted.model.prepareGrammar(generate, service.breathe);
    for (let index = 0; index < all.length * n; index++) {
      const at = Math.floor(index / n), ids = all[at];
      const unsaid = begunWithout(prompts[at], ids, tokenizer);
      const seed = generate.seed === undefined ? drawn() : (generate.seed + index % n) >>> 0;
      const tokens = { read: ids.length, written: generate.maxNewTokens! };
      const room = service.conversations.pool.reserve(hosted, asked.session, tokens);
      try {
        using session = hosted.model.session({ ...asked.session, onWarning: () => {} });
        room.holds(session);
        yield* one(service, session, asked, { index, ids, unsaid, seed, signal });
      } finally {
        room.free();
      }
    }
  });
}

const drawn = () => crypto.getRandomValues(new Uint32Array(1))[0];

/** A text that is to be gone on with. */
interface One {
  readonly index: number;
  readonly ids: readonly number[];
  /** How many of them it was begun with, and does not say itself. */
  readonly unsaid: number;
  readonly seed: number;
  readonly signal: AbortSignal;
}

async function* one(
  service: Service,
  session: Session,
  { hosted, generate, logprobs, echo }: Asked,
  { index, ids, unsaid, seed, signal }: One,
): AsyncGenerator<Step, void, void> {
  const { tokenizer } = hosted.model;
  const offsets = new Offsets(tokenizer, echo ? { unsaid, spaces: tokenizer.leadingSpaces } : {});
  const tell = (text: string, tokens: readonly Token[], ended: Took | null = null): Step => {
    return { index, text, logprobs: logprobs === null ? null : toldOf(tokenizer, tokens, offsets), ended };
  };
  const options: GenerateOptions = { ...generate, seed, signal, ...(logprobs === null ? {} : { logprobs }) };
  let prompt: readonly number[] | string = ids;
  if (echo) {
    const foreseen = logprobs === null ? [] : await listening(session, ids, { logprobs, signal });
    if (foreseen.length > 1) prompt = ""; // the last id waits to be taken in
    const text = tokenizer.decode(ids.slice(unsaid));
    if (options.maxNewTokens === 0) {
      service.numbers.read += ids.length;
      return yield tell(text, foreseen, { ended: "length", usage: usageOf(session, ids.length, 0, 0) });
    }
    yield tell(text, foreseen);
  }
  const how = { numbers: service.numbers, batch: service.batch(hosted), before: prompt === "" ? ids.length - 1 : 0 };
  const write = writing(session, options, how, (heard) => session.generate(prompt as string, heard));
  const took = yield* mapped(write, ({ text, tokens }) => tell(text, tokens));
  yield tell("", [], took);
}

/** Reads ids one by one, and hears how likely each was held: it is made the only choice there is. */
async function listening(
  session: Session,
  [first, ...rest]: readonly number[],
  { logprobs, signal }: { logprobs: number; signal: AbortSignal },
): Promise<Token[]> {
  const tokens: Token[] = [{ id: first, logprobs: undefined }];
  if (rest.length === 0) return tokens;
  let at = 0;
  const pieces = session.generate([first], {
    ...{ maxNewTokens: rest.length, stopAtEnd: false, logprobs, signal, temperature: 0 },
    onLogits: (logits) => {
      logits.fill(-Infinity);
      logits[rest[at++]] = 0;
    },
    onToken: (id, logprobs) => tokens.push({ id, logprobs }),
  });
  for await (const _ of pieces);
  return tokens;
}

/** Where in a text its tokens begin: a part of a character where that does. */
class Offsets {
  readonly #tokenizer: Tokenizer;
  readonly #utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
  #unsaid: number; // ids at the beginning that are no part of the text
  #spaces: number; // still to be dropped at its beginning
  #at = 0; // UTF-16 units so far

  constructor(tokenizer: Tokenizer, { unsaid = 0, spaces = 0 }: { unsaid?: number; spaces?: number }) {
    this.#tokenizer = tokenizer;
    this.#unsaid = unsaid;
    this.#spaces = spaces;
  }

  /** The next token's. */
  take(id: number): number {
    if (this.#unsaid-- > 0) return 0;
    const begin = this.#at, text = this.#utf8.decode(this.#tokenizer.bytes(id), { stream: true });
    let dropped = 0;
    for (; this.#spaces > 0 && text[dropped] === " "; dropped++) this.#spaces--;
    if (dropped < text.length) this.#spaces = 0;
    this.#at += text.length - dropped;
    return begin;
  }
}

function toldOf(tokenizer: Tokenizer, tokens: readonly Token[], offsets: Offsets): CompletionLogprobs {
  const texts = tokens.map(({ id }) => textOf(tokenizer, id));
  return {
    tokens: texts,
    token_logprobs: tokens.map(({ logprobs }) => logprobs?.logprob ?? null),
    top_logprobs: tokens.map(({ logprobs }, i) => {
      if (!logprobs) return null;
      const top = logprobs.top.map(({ id, logprob }) => [textOf(tokenizer, id), logprob] as const);
      return { [texts[i]]: logprobs.logprob, ...Object.fromEntries(top) };
    }),
    text_offset: tokens.map(({ id }) => offsets.take(id)),
  };
}

/** A token's text; of one that is a part of a character, its bytes. */
function textOf(tokenizer: Tokenizer, id: number): string {
  const text = tokenizer.decode([id]);
  if (!text.includes("\uFFFD")) return text;
  return `bytes:${[...tokenizer.bytes(id)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("")}`;
}

const NONE: CompletionLogprobs = { tokens: [], token_logprobs: [], top_logprobs: [], text_offset: [] };

function joined(one: CompletionLogprobs, other: CompletionLogprobs): CompletionLogprobs {
  return {
    tokens: [...one.tokens, ...other.tokens],
    token_logprobs: [...one.token_logprobs, ...other.token_logprobs],
    top_logprobs: [...one.top_logprobs, ...other.top_logprobs],
    text_offset: [...one.text_offset, ...other.text_offset],
  };
}

/** What all choices took, each prompt once; of the cache, the last's. */
function summed(all: readonly Usage[], n: number): Usage {
  const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);
  const read = sum(all.filter((_, i) => i % n === 0).map((one) => one.prompt_tokens));
  const written = sum(all.map((one) => one.completion_tokens));
  return { ...all.at(-1)!, prompt_tokens: read, completion_tokens: written, total_tokens: read + written };
}
