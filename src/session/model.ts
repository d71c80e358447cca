/** A loaded model as its users see it: what it is, and what is made of it. */
import type { ModelConfig } from "../engine/config.ts";
import { refuseFailed } from "../engine/failure.ts";
import type { Device } from "../engine/engine.ts";
import type { KvType } from "../engine/kv.ts";
import { refuse, words } from "../errors.ts";
import { prepareGrammar } from "../grammar/grammar.ts";
import { slotsFor } from "../memory/grown.ts";
import { planSession } from "../memory/plan.ts";
import { sizesOf } from "../memory/sizes.ts";
import type { ChatMessage } from "../chat/template.ts";
import type { LoadedModel } from "../model/loaded.ts";
import { checkGenerate } from "../options/index.ts";
import type { GenerateOptions, PerplexityOptions, SessionOptions, Span, TemplateOptions } from "../options/index.ts";
import type { Sampling } from "../options/sampling.ts";
import type { EmbedOptions } from "../options/embed.ts";
import type { OwnFunctions } from "../options/kept.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { chatTextOf, promptOf } from "./asking.ts";
import { Batch } from "./batch.ts";
import { embed, type Embedded } from "./embed.ts";
import { layoutOf } from "./layout.ts";
import { perplexities, type Perplexity, perplexity } from "./perplexity.ts";
import { Session } from "./session.ts";

const NONE: Sampling = Object.freeze({});

/** What a model is made of: for this package's own page, benchmarks and tests, which the public class says nothing of. */
export let insideOf: (model: Model) => LoadedModel;

/** A model ready to make sessions. */
export class Model {
  static {
    insideOf = (model) => model.#loaded;
  }

  readonly #loaded: LoadedModel;
  readonly #sessions = new Set<Session>();
  #disposed = false;

  /** Use `load`. @internal */
  constructor(loaded: LoadedModel) {
    this.#loaded = loaded;
  }

  /** What the files say of the network. */
  get config(): ModelConfig {
    return this.#loaded.config;
  }

  /** Text to ids and back. */
  get tokenizer(): Tokenizer {
    return this.#loaded.tokenizer;
  }

  /** The model's own Jinja template for chats; null where its files have none. */
  get chatTemplate(): string | null {
    return this.#loaded.chatTemplate;
  }

  /** The one for conversations with tools, where its files have another; else null. */
  get toolTemplate(): string | null {
    return this.#loaded.toolTemplate;
  }

  /** How generations go that do not say: what the model's files have of it, frozen; empty where it goes greedily. */
  get sampling(): Sampling {
    return this.#loaded.sampling?.options ?? NONE;
  }

  /** How sessions store K and V that are not told otherwise. */
  get kv(): KvType {
    return this.#loaded.kv;
  }

  /** What computes, and why that was chosen. */
  get device(): Device {
    return this.#loaded.device;
  }

  /** What the device calls itself: the GPU's adapter, or the build and threads of the processor's pass. */
  get adapter(): string {
    return this.#loaded.engine.adapter;
  }

  /** Why the device can no longer be used; null while it can. */
  get failure(): string | null {
    return this.#loaded.engine.failure;
  }

  /** Settles with why, once the device was lost; after `dispose`, too. */
  get lost(): Promise<string> {
    return this.#loaded.engine.lost;
  }

  /**
   * Starts an empty context with its own cache. Sessions of one model may be used side by side.
   * @throws RangeError for options out of range or a cache beyond the adapter's limits; Error on a disposed model or lost device.
   */
  session(options: SessionOptions = {}): Session {
    planSession(this.#loaded, options);
    this.#checkUsable("create session");
    return new Session(this.#loaded, options, this.#join);
  }

  /**
   * Sessions that step together where they generate at the same time, so that the weights are read once for all of them: on the
   * processor four write about twice as many tokens a second as one, each what it would write alone. A GPU goes on one by one.
   * @throws as Batch.add
   */
  batch(sessions: readonly Session[] = []): Batch {
    this.#checkUsable("batch sessions");
    return new Batch(this.#loaded, sessions);
  }

  /**
   * Bytes of the device that such a session will hold, before it is made.
   * @param tokens of its first prompt, and those to be written: caches that grow, or depend on the prompt, take them
   * @throws RangeError as `session` does
   */
  sessionBytes(
    options: SessionOptions = {},
    { read = 1, written = 0 }: { read?: number; written?: number } = {},
  ): number {
    const checked = planSession(this.#loaded, options, read);
    const slots = slotsFor(checked, { prompt: read, maxNewTokens: written, evicts: true });
    return sizesOf(this.#loaded, checked, slots).memory.gpu;
  }

  /** Tokens of a chunk in which such a session reads prompts. @throws RangeError as `session` does @internal */
  strideOf(options: SessionOptions): number {
    return planSession(this.#loaded, options, 1).stride;
  }

  /**
   * Goes on from a snapshot of a session of this model, in the same or another run of the program, exactly as that session
   * would have. It has the options of that session.
   * @param own the session's own policy or score, without which it cannot go on; an `onEvict` or `onStep`, if it had one; an `onWarning`
   * @throws TypeError, RangeError if `bytes` is not a whole, undamaged snapshot of a session of this model; Error on a
   *   disposed model or a lost device, or where the GPU has no room
   */
  async restore(bytes: Uint8Array, own: OwnFunctions = {}): Promise<Session> {
    this.#checkUsable("restore session");
    return await Session.restore(this.#loaded, this.#join, bytes, own);
  }

  readonly #join = (session: Session) => {
    this.#checkUsable("create session");
    this.#sessions.add(session);
    return () => this.#sessions.delete(session);
  };

  #checkUsable(action: string) {
    if (this.#disposed) {
      const state = { kind: "plain", code: "wrong-state" } as const;
      refuse(action, "the model must not be disposed", words("a disposed one"), state);
    }
    if (this.failure) refuseFailed(action, this.failure);
  }

  /**
   * Measures how well the model foresees `text` when its cache is kept as the options say. The same tokens are counted for
   * every policy and budget.
   * @throws RangeError for bad options or a text too short; Error on a disposed model or lost device
   */
  async perplexity(text: string | ArrayLike<number>, options: PerplexityOptions = {}): Promise<Perplexity> {
    const check = () => this.#checkUsable("measure perplexity");
    check();
    return await perplexity(this.#loaded, text, options, check);
  }

  /**
   * The same of several texts, each as it is alone. With a stride of 1, token by token, four are read together, faster than one
   * by one, where memory has room and does not decide the budget.
   * @param options `onProgress` hears of each text by itself; `record` is for one text
   * @throws as `perplexity`, with the first text that cannot be measured
   */
  async perplexities(
    texts: readonly (string | ArrayLike<number>)[],
    options: PerplexityOptions = {},
  ): Promise<Perplexity[]> {
    const check = () => this.#checkUsable("measure perplexity");
    check();
    return await perplexities(this.#loaded, texts, options, check);
  }

  /**
   * Texts as vectors of length `config.hidden`: the mean of the hidden states behind the final norm, or as the options say. Each text,
   * begin-of-sequence before it, is read by itself under full attention, without a budget; ids are taken as they are.
   * @returns for each text [hidden], with the pooling "none" [tokens, hidden]
   * @throws RangeError for bad options, a text without tokens or with more than `config.maxPositions`; Error on a disposed model or lost
   *   device; the signal's reason
   */
  async embed(texts: string | readonly Embedded[], options: EmbedOptions = {}): Promise<Float32Array<ArrayBuffer>[]> {
    const check = () => this.#checkUsable("embed");
    check();
    return await embed(this.#loaded, texts, options, check);
  }

  /**
   * How many tokens a session reads of a conversation that it answers, or goes on with, from its beginning; or of a text that it
   * generates from. A conversation that ends with the assistant's words is counted without the place for an answer.
   * @throws RangeError for bad options; for messages without a template, or that it does not take
   */
  countTokens(input: string | readonly ChatMessage[], options: TemplateOptions = {}): number {
    if (typeof input === "string") return this.tokenizer.encode(input, { bos: true }).length;
    return layoutOf(this.#loaded, "count tokens", input, options).tokens;
  }

  /**
   * Where each message of a conversation that is read from its beginning says what it says, in positions, which `session.pin` and
   * the option `pin` take: `session.pin(...model.messageSpans(messages)[1])`. null where the template does not show it once, as it is.
   * A session that has answered before keeps what it said as it was generated: from there on positions are its own.
   * @throws as countTokens
   */
  messageSpans(messages: readonly ChatMessage[], options: TemplateOptions = {}): (Span | null)[] {
    return layoutOf(this.#loaded, "find messages", messages, options).spans;
  }

  /** What a session that has heard nothing reads of a conversation: ids, and how many of them the system says. @throws as countTokens @internal */
  promptOf(
    messages: readonly ChatMessage[],
    options: TemplateOptions = {},
  ): { readonly ids: readonly number[]; readonly system: number } {
    return promptOf(this.#loaded, messages, options);
  }

  /** The text that a conversation becomes. @throws as countTokens @internal */
  chatText(messages: readonly ChatMessage[], options: TemplateOptions = {}): string {
    return chatTextOf(this.#loaded, messages, options);
  }

  /**
   * Reads the schema or grammar of options, so that what is then written by them begins soon.
   * @param breathe lets others have their turn, now and then
   * @throws as `generate` does @internal
   */
  async prepareGrammar({ jsonSchema, grammar }: GenerateOptions, breathe: () => Promise<void>): Promise<void> {
    const asked = {
      ...(jsonSchema === undefined ? {} : { jsonSchema }),
      ...(grammar === undefined ? {} : { grammar }),
    };
    if (Object.keys(asked).length > 0) await prepareGrammar(checkGenerate(asked, this.config.vocab), breathe);
  }

  /** Bytes of GPU memory held by the weights and by every session. */
  get gpuBytes(): number {
    return this.#loaded.engine.bytes;
  }

  /** The most that it ever was, while the weights were uploaded included; `load`'s `memory` is its bound. */
  get peakGpuBytes(): number {
    return this.#loaded.engine.peak;
  }

  /** Bytes of GPU memory that are never exceeded: `load`'s `memory`; Infinity where there is no bound. */
  get gpuBytesLimit(): number {
    return this.#loaded.engine.limit;
  }

  /** Gives every buffer back, those of its sessions too. @throws what a session's recording throws, once all is given back */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    let failure: unknown = null;
    for (const session of [...this.#sessions]) {
      try {
        session.dispose();
      } catch (error) {
        failure ??= error;
      }
    }
    this.#loaded.engine.release();
    if (failure !== null) throw failure;
  }

  /** As dispose: `using model = await load(…)`. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}
