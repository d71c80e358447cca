/** A session is one context: it reads prompts into its capped cache and generates from it. */
import type { ChatMessage } from "../chat/template.ts";
import { answered } from "../chat/answer.ts";
import { withTexts } from "../chat/plain.ts";
import type { LaneViews } from "../core/core.ts";
import { refuse, words } from "../errors.ts";
import { livePositions, type Outlook, outlookOf } from "../eviction/outlook.ts";
import { grammarOf } from "../grammar/grammar.ts";
import { type Memory, NO_MEMORY } from "../memory/sizes.ts";
import type { LoadedModel } from "../model/loaded.ts";
import { checkChat, checkGenerate } from "../options/index.ts";
import type {
  ChatOptions,
  CheckedGenerate,
  CheckedSession,
  GenerateOptions,
  Protection,
  SessionOptions,
} from "../options/index.ts";
import type { OwnFunctions } from "../options/kept.ts";
import { loadCache, saveCache } from "../snapshot/cache.ts";
import type { SavedSession } from "../snapshot/file.ts";
import { checkPinned, fillCache, openSnapshot, optionsAgain, restoring, writeSnapshot } from "../snapshot/session.ts";
import { type Asking, asking } from "./asking.ts";
import { Chooser } from "./choose.ts";
import { generate, readBeginning } from "./generate.ts";
import { type Plan, promptIds, type Reading } from "./reading.ts";
import { type Report, reportOf } from "./report.ts";
import { SessionState } from "./state.ts";
import type { Stepper } from "./stepper.ts";
import { streamOf } from "./stream.ts";
import { oddities } from "./warnings.ts";

/** Enters a session into its model's list; answers what takes it off again. */
export type Join = (session: Session) => () => void;

/** What a session is, for a batch. */
export let stateOf: (session: Session) => SessionState;

/** Made by `model.session()`. */
export class Session {
  static {
    stateOf = (session) => session.#state;
  }

  readonly #state: SessionState;
  readonly #chooser: Chooser;
  readonly #join: Join;
  readonly #leave: () => void;
  readonly #usual: boolean; // its budget is the default
  readonly #told = new Set<string>(); // what was odd about it
  #lastReport: Report | null = null; // of a disposed session

  /**
   * Use `model.session()`.
   * @internal
   * @param saved what it is to go on from; its cache is then still to be filled
   */
  constructor(model: LoadedModel, asked: SessionOptions, join: Join, saved: SavedSession | null = null) {
    this.#state = new SessionState(model, asked, saved?.promptTokens ?? null, () => this.#lastReport = this.report());
    this.#chooser = new Chooser(model.config.vocab);
    this.#usual = asked.budget === undefined;
    this.#join = join;
    this.#leave = join(this); // first: a model that was disposed of meanwhile refuses
    try {
      if (saved) this.#state.takeOver(saved);
      else this.#state.allocate();
    } catch (error) {
      this.#leave();
      throw error;
    }
  }

  /** The options in force, defaults filled in, frozen. A budget that waits for the first prompt is 0 until then. */
  get options(): CheckedSession {
    return this.#state.options;
  }

  get #model(): LoadedModel {
    return this.#state.model;
  }

  /** Use `model.restore()`. @internal */
  static async restore(model: LoadedModel, join: Join, bytes: Uint8Array, own: OwnFunctions): Promise<Session> {
    return await restoring(async () => {
      const opened = openSnapshot(model, bytes), { saved } = opened;
      const session = new Session(model, optionsAgain("restore session", saved, own), join, saved);
      return await session.#goOn((stepper) => {
        if (stepper) fillCache(stepper, model.config, session.options, opened);
        checkPinned(session.options, saved, session.seen);
      });
    });
  }

  /** A new session with something to go on from. @param fill its cache, where it has one */
  async #goOn(fill: (stepper: Stepper | null) => void): Promise<Session> {
    try {
      fill(this.#state.stepper);
      await this.#state.confirm();
      this.#join(this); // again: a model that was disposed of meanwhile, and this with it, refuses
      this.#state.checkUsable("create session");
    } catch (error) {
      this.dispose();
      throw error;
    }
    return this;
  }

  /**
   * All that is needed to go on exactly from here, for `model.restore` to read: K and V, books, positions, pins, the state of
   * random draws and the options, functions aside. `report().kvBytes` long, 36 bytes more for every slot of a lane, and a head.
   * @throws Error while a generation runs, on a disposed session or a lost device
   */
  async snapshot(): Promise<Uint8Array<ArrayBuffer>> {
    const state = this.#state;
    return await state.still("take a snapshot", () => writeSnapshot(this.#model, state.save(), state.stepper));
  }

  /**
   * A session of its own that goes on from here, as this one does: the two answer alike until they are asked different things.
   * @param own an `onEvict` and `onStep` of its own, where this session has one of them; a score of the session's own is the fork's too
   * @throws Error while a generation runs, on a disposed session, a lost device, or where the GPU has no room for it
   */
  async fork(own: Pick<OwnFunctions, "onEvict" | "onStep"> = {}): Promise<Session> {
    const action = "fork the session";
    return await this.#state.still(action, async () => {
      const { stepper, asked } = this.#state;
      const { cache = null, bytes = new Uint8Array(0) } = stepper ? saveCache(stepper) : {};
      const saved = { ...this.#state.save(), context: cache };
      const { policy, score, onWarning } = asked;
      const functions = {
        ...(saved.ownScore ? { score } : {}),
        ...(typeof policy === "object" ? { policy } : {}),
        ...own,
      };
      const options = { ...optionsAgain(action, saved, functions), ...(onWarning ? { onWarning } : {}) };
      const session = new Session(this.#model, options, this.#join, saved);
      return await session.#goOn((to) => {
        if (!to) return;
        loadCache(to, this.#model.config, session.options, { saved: cache!, body: bytes });
        to.context.copyFrom(stepper!.context);
        to.vectors?.copyFrom(stepper!.vectors!);
        session.#state.begun = this.#state.begun;
      });
    });
  }

  /**
   * Reads `prompt` behind what the session has seen, and generates. Pieces of text come as they are ready and never split
   * a character. One generation at a time; leaving the loop or aborting keeps the context, and the next call continues it.
   * @param prompt text (the model's begin-of-sequence is put before the first one) or token ids as they are; empty: the text
   *   generated last goes on
   * @throws RangeError for bad options, an empty prompt before anything was generated, or a budget that cannot hold what must stay;
   *   Error on a busy or disposed session or a lost device; the signal's reason when aborted; what a function of the options throws,
   *   once all that listen have heard of the step and its piece has come: an empty prompt then goes on from there
   */
  generate(prompt: string | ArrayLike<number>, options: GenerateOptions = {}): AsyncGenerator<string, void, void> {
    return this.#begin(prompt, checkGenerate(options, this.#model.config.vocab, this.#model.sampling));
  }

  /**
   * The same as a stream, of which every piece is generated when it is read: for a `Response`, or `pipeTo`. `cancel` ends the
   * generation at its next step, and keeps the context.
   * @throws as generate does; a step's error is the stream's
   */
  stream(prompt: string | ArrayLike<number>, options: GenerateOptions = {}): ReadableStream<string> {
    const checked = checkGenerate(options, this.#model.config.vocab, this.#model.sampling);
    return streamOf((signal) => this.#begin(prompt, { ...checked, signal }), checked.signal);
  }

  #begin(prompt: string | ArrayLike<number>, checked: CheckedGenerate) {
    grammarOf(checked); // refuses now what cannot be held
    const encoded = new Map<boolean, number[]>(); // a long text is tokenised once
    const read = () => this.#readPrompt(prompt, encoded);
    this.#state.plan(read, checked.maxNewTokens);
    return this.#generate(read, checked);
  }

  /**
   * Answers a conversation, by the model's chat template: a list of messages, or what the user says next. Where the messages
   * begin with those of the session's last answer, that answer included, only what is new is read; else the session forgets
   * everything and reads them all. Special tokens are the template's alone: in what is given they are plain text. Pieces come as from
   * `generate`; what they say of calls and thoughts stands in parts in `conversation`.
   * @throws as generate does; RangeError where there is no template, or it does not take the messages
   */
  chat(input: string | readonly ChatMessage[], options: ChatOptions = {}): AsyncGenerator<string, void, void> {
    const { config } = this.#model;
    const checked = checkChat(options, config.vocab, this.#model.sampling);
    grammarOf(checked);
    const asked = asking(this.#state, input, checked);
    this.#state.plan(asked.read, checked.maxNewTokens);
    return this.#chat(asked, checked);
  }

  /**
   * Reads the beginning of what `chat` would read of these messages, at most so many tokens, in whole chunks of those in which it would:
   * `chat` goes on from there where what it reads begins so, and so do forks, to the same bits. Nothing, where the session has been used.
   * @throws as chat does @internal
   */
  async begin(messages: readonly ChatMessage[], options: ChatOptions, most: number): Promise<void> {
    const checked = checkChat(options, this.#model.config.vocab, this.#model.sampling);
    const plan = this.#state.plan(asking(this.#state, messages, checked).read, checked.maxNewTokens);
    if (this.seen === plan.reading.begun) await readBeginning(this.#state, plan, most, checked);
  }

  async *#chat({ read, question, opened }: Asking, options: CheckedGenerate) {
    const { messages, variables, continueFinal } = question();
    const before = this.#state.counts;
    let content = "", whole = false;
    try {
      for await (const piece of this.#generate(read, options)) {
        content += piece;
        yield piece;
      }
      whole = true;
    } finally {
      const { counts } = this.#state;
      const read = counts !== before && counts.decoding; // all that was asked
      if (read && (whole || content !== "")) { // a question that nothing was said to was not asked
        const how = { calls: variables?.tools, goesOn: !!continueFinal, opened: opened() };
        this.#state.conversation = answered(messages, content, how);
      }
    }
  }

  /** The conversation that `chat` goes on with, the last answer included; none before the first. A copy. */
  get conversation(): readonly ChatMessage[] {
    return withTexts(this.#state.conversation ?? [], (text) => text);
  }

  #readPrompt(prompt: string | ArrayLike<number>, encoded: Map<boolean, number[]>): Reading {
    const { pending } = this.#state;
    const ids = promptIds(this.#model, prompt, { goesOn: pending !== null, first: this.seen === 0, encoded });
    if (pending !== null) ids.unshift(pending);
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
    this.#state.checkUsable("pin");
    this.#state.pinChecked(from, to);
  }

  /**
   * Protects other tokens from the next step on, as `{ sinks: 0, newest: 10 }`; what is left out stays as it is, and so does the policy.
   * Tokens that went do not come back.
   * @throws RangeError for values out of range, or where too little of the budget would be left to evict; Error while a generation
   *   runs, where attention is recorded, or where lanes differ in budget. Nothing has changed then
   */
  protect(parts: Protection): void {
    this.#state.checkUsable("protect");
    this.#state.protect(parts);
  }

  async *#generate(read: () => Reading, options: CheckedGenerate): AsyncGenerator<string, void, void> {
    const plan = this.#state.plan(read, options.maxNewTokens); // again: things may have moved on since generate was called
    this.#warn(plan, options.maxNewTokens);
    yield* generate(this.#state, this.#chooser, plan, options);
  }

  /** Tells what is odd about a generation, once each. */
  #warn({ reading: { ids, anew }, options }: Plan, coming: number) {
    const tokens = { seen: anew ? 0 : this.seen, read: ids.length, coming };
    for (const [of, line] of oddities({ config: this.#model.config, options, usual: this.#usual, ...tokens })) {
      if (!this.#told.has(of)) options.onWarning(line, "use");
      this.#told.add(of);
    }
  }

  /** Tokens taken in so far: the next one's position. */
  get seen(): number {
    return this.#state.seen;
  }

  /** The positions of the live tokens of every lane, ascending: [layers · kvHeads][live]. */
  livePositions(): number[][] {
    const { stepper } = this.#state;
    return stepper ? livePositions(stepper.books) : [];
  }

  /**
   * The books of every lane as they are now, [layers · kvHeads]: Σp, Σp² and last p of every live slot, and its token's
   * position (-1: free). Copies, for reading, which the next call overwrites: `slice` what is to be kept.
   */
  laneViews(): LaneViews[] {
    const { stepper } = this.#state;
    if (!stepper) {
      const rule = "a full cache must have begun a generation";
      refuse("read the books", rule, words("none"), { kind: "plain", code: "wrong-state" });
    }
    return stepper.books.laneViews();
  }

  /**
   * What every lane, [layers · kvHeads], makes of its tokens now, and which would go next: between steps, and so in `onToken`
   * and `onPrefill`, in `onStep` too, but not in `onEvict`. Asking changes nothing.
   */
  outlook(): Outlook[] {
    return this.#state.stepper ? outlookOf(this.#state.stepper.books, this.options.policy !== "full") : [];
  }

  /** What this session holds, in bytes, and why; all zero where a cache waits for the first prompt to be sized. */
  memory(): Memory {
    return structuredClone(this.#state.stepper?.memory ?? NO_MEMORY);
  }

  /** Numbers of the last generation, or of the one that is running. */
  report(): Report {
    if (this.#lastReport) return structuredClone(this.#lastReport);
    return reportOf(this.#state);
  }

  /** Forgets everything seen; buffers stay. @throws Error while a generation runs; what a recording's sink throws, once all is forgotten */
  reset(): void {
    this.#state.checkUsable("reset the session");
    this.#state.reset();
  }

  /**
   * Gives every buffer back. A generation that is running ends with an error at its next step.
   * @throws what the recording's sink throws at its end; everything is given back then too
   */
  dispose(): void {
    this.#leave();
    this.#state.dispose();
  }

  /** As dispose: `using session = model.session()`. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}
