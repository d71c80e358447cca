/** A session is one context: it reads prompts into its capped cache and generates from it. */
import { slotBytes } from "../gpu/cache.ts";
import { type ChatMessage, checkMessages, readTemplate } from "../chat/template.ts";
import { planTurn } from "../chat/turn.ts";
import { Context, type Reading } from "./context.ts";
import type { LaneViews } from "../core/core.ts";
import { DecodeLoop } from "./decode-loop.ts";
import type { LoadedModel } from "../model/loaded.ts";
import { checkChat, checkGenerate, checkPromptIds } from "../options/index.ts";
import type {
  ChatOptions,
  CheckedGenerate,
  CheckedSession,
  GenerateOptions,
  SessionOptions,
} from "../options/index.ts";
import { type Outlook, outlookOf } from "../eviction/outlook.ts";
import { ruleName } from "../policies/rule.ts";
import { newRun, type Report, reportOf } from "./report.ts";
import { Random } from "./sample.ts";
import type { Memory } from "../memory/sizes.ts";
import { copySlots } from "../gpu/slots.ts";
import { loadContext, saveContext } from "../snapshot/context.ts";
import { type Kept, refused } from "../snapshot/file.ts";
import { keptOptions, type OwnFunctions } from "../options/kept.ts";
import { fillCache, openSnapshot, optionsAgain, writeSnapshot } from "../snapshot/session.ts";
import type { Stepper } from "./step.ts";

/** What a generation begins with, and how. */
interface Plan {
  readonly reading: Reading;
  readonly options: CheckedSession;
  /** Tokens read at once. */
  readonly chunk: number;
}

/** Enters a session into its model's list; answers what takes it off again. */
type Join = (session: Session) => () => void;

/** Made by `model.session()`. */
export class Session {
  readonly #context: Context;
  readonly #join: Join;
  readonly #leave: () => void;
  readonly #loop: DecodeLoop;
  #conversation: readonly ChatMessage[] | null = null; // what has been taken in, where that is one
  #lastReport: Report | null = null; // of a disposed session

  /**
   * Use `model.session()`.
   * @param kept what it is to go on from; its cache is then still to be filled
   */
  constructor(model: LoadedModel, asked: SessionOptions, join: Join, kept: Kept | null = null) {
    this.#context = new Context(model, asked, kept?.promptTokens ?? null, () => this.#lastReport = this.report());
    this.#loop = new DecodeLoop(this.#context);
    this.#join = join;
    this.#leave = join(this); // first: a model that was disposed of meanwhile refuses
    try {
      if (kept) this.#takeOver(kept);
      else if (this.options.budget > 0) this.#context.allocate();
    } catch (error) {
      this.#leave();
      throw error;
    }
  }

  /** The options in force, defaults filled in. A budget that waits for the first prompt is 0 until then. */
  get options(): CheckedSession {
    return this.#context.options;
  }

  get #model(): LoadedModel {
    return this.#context.model;
  }

  #takeOver({ context, pins, pending, random, conversation }: Kept) {
    const { policy, budget, stride } = this.options;
    if (context) {
      const slots = policy === "full" ? budget || context.slots : budget + stride;
      if (context.slots !== slots) throw refused(`a cache under these options has ${slots} slots`, context.slots);
      this.#context.allocate(policy === "full" ? slots : budget, context.ids);
    }
    this.#context.pins = [...pins];
    this.#loop.pending = pending;
    this.#loop.random.state.set(random);
    this.#conversation = conversation;
  }

  /** Use `model.restore()`. */
  static async restore(model: LoadedModel, join: Join, bytes: Uint8Array, own: OwnFunctions): Promise<Session> {
    const { kept, body } = await openSnapshot(model, bytes);
    const options = optionsAgain("restore session", kept, own);
    return await Session.#goOn(model, options, join, kept, (stepper, options) => {
      fillCache(model, stepper, options, kept, body);
    });
  }

  static async #goOn(
    model: LoadedModel,
    asked: SessionOptions,
    join: Join,
    kept: Kept,
    fill: (stepper: Stepper, options: CheckedSession) => void,
  ): Promise<Session> {
    const session = new Session(model, asked, join, kept);
    try {
      const { stepper } = session.#context;
      if (stepper) fill(stepper, session.options);
      await session.#context.confirm();
      session.#context.checkUsable("create session"); // its model may have been disposed of, and with it this
    } catch (error) {
      session.dispose();
      throw error;
    }
    return session;
  }

  /**
   * All that is needed to go on exactly from here, for `model.restore` to read: K and V, books, positions, pins, the state of
   * random draws and the options, functions aside. `report().kvBytes` long, 36 bytes more for every slot of a lane, and a head.
   * @throws Error while a generation runs, on a disposed session or a lost device
   */
  async snapshot(): Promise<Uint8Array<ArrayBuffer>> {
    const context = this.#context;
    return await context.still("take a snapshot", () => writeSnapshot(this.#model, this.#kept(), context.stepper));
  }

  /**
   * A session of its own that goes on from here, as this one does: the two answer alike until they are asked different things.
   * @param own an `onEvict` of its own, where this session has one; a score of the session's own is the fork's too
   * @throws Error while a generation runs, on a disposed session, a lost device, or where the GPU has no room for it
   */
  async fork(own: Pick<OwnFunctions, "onEvict"> = {}): Promise<Session> {
    return await this.#context.still("fork the session", async () => {
      const { stepper, asked } = this.#context;
      const { context = null, bytes = new Uint8Array(0) } = stepper ? saveContext(stepper) : {};
      const kept = { ...this.#kept(), context };
      const { policy, score, onWarning } = asked;
      const functions = {
        ...(kept.ownScore ? { score } : {}),
        ...(typeof policy === "object" ? { policy } : {}),
        ...own,
      };
      return await Session.#goOn(
        this.#model,
        { ...optionsAgain("fork the session", kept, functions), onWarning },
        this.#join,
        kept,
        (to, options) => {
          loadContext(this.#model, to, options, context!, bytes);
          copySlots(this.#model.gpu, stepper!.cache, to.cache);
        },
      );
    });
  }

  #kept(): Omit<Kept, "context"> {
    const { asked } = this.#context;
    return {
      asked: keptOptions(asked),
      ownScore: typeof asked.score === "function",
      promptTokens: this.#context.promptTokens,
      pins: this.#context.pins,
      pending: this.#loop.pending,
      random: [...this.#loop.random.state],
      conversation: this.#conversation,
    };
  }

  /**
   * Reads `prompt` behind what the session has seen, and generates. Pieces of text come as they are ready and never split
   * a character. One generation at a time; leaving the loop or aborting keeps the context, and the next call continues it.
   * @param prompt text (the model's begin-of-sequence is put before the first one) or token ids as they are; empty: the text
   *   generated last goes on
   * @throws RangeError for bad options, an empty prompt before anything was generated, or a budget that cannot hold what must stay;
   *   Error on a busy or disposed session or a lost device; the signal's reason when aborted
   */
  generate(prompt: string | ArrayLike<number>, options: GenerateOptions = {}): AsyncGenerator<string, void, void> {
    const checked = checkGenerate(options, this.#model.config.vocab);
    const read = () => this.#readPrompt(prompt);
    this.#plan(read, checked.maxNewTokens);
    return this.#generate(read, checked);
  }

  /**
   * Answers a conversation, by the model's chat template: a list of messages, or what the user says next. Where the messages
   * begin with those of the session's last answer, that answer included, only what is new is read; else the session forgets
   * everything and reads them all. Special tokens in what is said are plain text. Pieces come as from `generate`.
   * @throws as generate does; RangeError where there is no template, or it does not take the messages
   */
  chat(input: string | readonly ChatMessage[], options: ChatOptions = {}): AsyncGenerator<string, void, void> {
    const { chatTemplate, tokenizer, config } = this.#model;
    const { template, variables, pinSystem, ...generate } = checkChat(options, config.vocab);
    const render = readTemplate(template ?? chatTemplate, tokenizer);
    const messages = () =>
      checkMessages(typeof input === "string" ? [...this.conversation, { role: "user", content: input }] : input);
    const read = (): Reading => {
      const standing = { heard: this.#conversation, pending: this.#loop.pending, eosIds: config.eosIds };
      const { pending, ids, ...turn } = planTurn(render, tokenizer, messages(), standing, variables);
      const all = pending && this.#loop.pending !== null ? [this.#loop.pending, ...ids] : ids;
      const system = pinSystem && this.options.policy !== "full" ? turn.system : 0;
      return { ...turn, ids: all, pinned: this.options.pinPrompt && turn.anew ? all.length : system };
    };
    this.#plan(read, generate.maxNewTokens);
    return this.#chat(read, messages, generate);
  }

  async *#chat(read: () => Reading, messages: () => ChatMessage[], options: CheckedGenerate) {
    const asked = messages();
    const before = this.#loop.run;
    let content = "";
    try {
      for await (const piece of this.#generate(read, options)) {
        content += piece;
        yield piece;
      }
    } finally {
      const read = this.#loop.run !== before && this.#loop.run.decoding; // all that was asked
      if (read) this.#conversation = [...asked, { role: "assistant", content }];
    }
  }

  /** The conversation that `chat` goes on with, the last answer included; none before the first. */
  get conversation(): readonly ChatMessage[] {
    return this.#conversation ?? [];
  }

  /** What a generation that began now would take in, and under which options. @throws as generate does */
  #plan(read: () => Reading, maxNewTokens: number): Plan {
    this.#context.checkUsable();
    const reading = read();
    const options = this.#context.optionsFor(reading);
    return { reading, options, chunk: this.#context.roomFor(reading, options, maxNewTokens) };
  }

  #readPrompt(prompt: string | ArrayLike<number>): Reading {
    const ids = this.#promptIds(prompt);
    if (this.#loop.pending !== null) ids.unshift(this.#loop.pending);
    const pinned = this.options.pinPrompt && this.seen === 0 ? ids.length : 0;
    return { ids, anew: false, pinned, ends: this.#model.config.eosIds };
  }

  /**
   * Protects the tokens at positions [from, to) until the session is reset: those that lanes still have, and those yet to
   * come. A position is the number of tokens before it; `seen` is the next one's.
   * @throws RangeError unless 0 ≤ from < to, in whole numbers, or where too little of the budget would be left to evict;
   *   Error while a generation runs. Nothing is pinned then
   */
  pin(from: number, to: number): void {
    this.#context.checkUsable("pin");
    this.#context.pinChecked(from, to);
  }

  #promptIds(prompt: string | ArrayLike<number>): number[] {
    const { tokenizer, config } = this.#model;
    if (prompt?.length === 0 && this.#loop.pending !== null) return []; // the text goes on
    if (typeof prompt !== "string") {
      if (typeof prompt?.length !== "number") {
        throw new TypeError(`Cannot generate: the prompt must be text or token ids, got ${typeof prompt}`);
      }
      return checkPromptIds(prompt, config.vocab);
    }
    if (prompt === "") throw new RangeError("Cannot generate: the prompt must not be empty, got an empty string");
    return checkPromptIds(tokenizer.encode(prompt, { bos: this.seen === 0, special: true }), config.vocab);
  }

  async *#generate(read: () => Reading, options: CheckedGenerate): AsyncGenerator<string, void, void> {
    const context = this.#context;
    const { reading, ...plan } = this.#plan(read, options.maxNewTokens); // again: things may have moved on since generate was called
    const { ids, anew } = reading;
    context.options = plan.options;
    if (anew) this.#forget();
    this.#conversation = null;
    if (!context.stepper) context.promptTokens = ids.length;
    yield* this.#loop.generate(reading, plan.chunk, options);
  }

  /** Tokens taken in so far: the next one's position. */
  get seen(): number {
    return this.#context.seen;
  }

  /** The positions of the live tokens of every lane, ascending: [layers · kvHeads][live]. */
  livePositions(): number[][] {
    const lanes: number[][] = [];
    this.#context.stepper?.books.forEachLane((_, live, { core }, lane) => {
      lanes.push(Array.from(live, (slot) => core.positions[lane * core.capacity + slot]));
    });
    return lanes;
  }

  /**
   * The books of every lane as they are now, [layers · kvHeads]: Σp, Σp² and last p of every live slot, and its token's
   * position (-1: free). Views, for reading, that the next step changes.
   */
  books(): LaneViews[] {
    if (!this.#context.stepper) {
      throw new Error("Cannot read the books: a full cache must have begun a generation, got none");
    }
    return this.#context.stepper.books.groups.flatMap(({ core }) => core.laneViews);
  }

  /**
   * What every lane, [layers · kvHeads], makes of its tokens now, and which would go next: between steps, and so in `onToken`
   * and `onPrefill`, but not in `onEvict`. Asking changes nothing.
   */
  outlook(): Outlook[] {
    return this.#context.stepper ? outlookOf(this.#context.stepper.books, this.options.policy !== "full") : [];
  }

  /** What this session holds, in bytes, and why; all zero where a cache waits for the first prompt to be sized. */
  memory(): Memory {
    const why = { kv: "", slots: "", scratch: "", readback: "", wasm: "" };
    return this.#context.stepper?.memory ?? { kv: 0, slots: 0, scratch: 0, readback: 0, gpu: 0, wasm: 0, why };
  }

  /** Numbers of the last generation, or of the one that is running. */
  report(): Report {
    if (this.#lastReport) return this.#lastReport;
    const { config, gpu } = this.#model;
    const { books, cache, clock, peak } = this.#context.stepper ?? {};
    const liveSlots = books?.live ?? 0;
    return reportOf(this.#loop.run, clock ?? { total: 0, wait: 0, wasm: 0 }, {
      policy: ruleName(this.options),
      budget: this.options.budget || (cache?.capacity ?? 0),
      liveSlots,
      maxLiveSlots: peak ?? 0,
      kvBytes: cache?.kvBytes ?? 0,
      fullKvBytes: this.seen * slotBytes(config, this.options.kv),
      evictions: this.seen - liveSlots,
      adapter: gpu.adapter,
    });
  }

  /** Forgets everything seen; buffers stay. @throws Error while a generation runs. */
  reset(): void {
    this.#context.checkUsable("reset the session");
    this.#forget();
    this.#loop.random = new Random(0);
    this.#loop.run = newRun();
  }

  #forget() {
    this.#context.forget();
    this.#loop.pending = null;
    this.#conversation = null;
  }

  /**
   * Gives every buffer back. A generation that is running ends with an error at its next step.
   * @throws what the recording's sink throws at its end; everything is given back then too
   */
  dispose(): void {
    this.#leave();
    this.#context.dispose();
  }
}
