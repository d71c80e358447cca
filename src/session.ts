/** A session is one context: it reads prompts into its capped cache and generates from it. */
import { slotBytes } from "./cache.ts";
import { type ChatMessage, checkMessages, readTemplate } from "./chat/template.ts";
import { planTurn } from "./chat/turn.ts";
import type { LaneViews } from "./core.ts";
import { guarded } from "./gpu/device.ts";
import type { LoadedModel } from "./model/loaded.ts";
import { checkChat, checkGenerate, checkPins, checkPromptIds, checkRoom, checkSpan } from "./options.ts";
import type { ChatOptions, CheckedGenerate, CheckedSession, GenerateOptions, SessionOptions, Span } from "./options.ts";
import { type Outlook, outlookOf } from "./outlook.ts";
import { mostHeld } from "./pins.ts";
import { planSession } from "./plan.ts";
import { ruleName } from "./policies/rule.ts";
import { Recorder } from "./recording/recorder.ts";
import { newRun, type Report, reportOf, type Run } from "./report.ts";
import { Random, Sampler } from "./sample.ts";
import { smallerBudget } from "./shrink.ts";
import { copySlots, growInto } from "./slots.ts";
import { loadContext, saveContext } from "./snapshot/context.ts";
import { type Kept, refused } from "./snapshot/file.ts";
import { copyOptions, fillCache, openSnapshot, optionsAgain, writeSnapshot } from "./snapshot/session.ts";
import type { OwnFunctions } from "./snapshot/session.ts";
import type { Memory } from "./sizes.ts";
import { createStepper, type Stepper, type Wanted } from "./step.ts";
import { TextStream } from "./text.ts";

/** What a generation begins with. */
interface Reading {
  readonly ids: number[];
  /** Whether everything is to be forgotten before. */
  readonly anew: boolean;
  /** How many tokens from the beginning of the text are never to be evicted. */
  readonly pinned: number;
  /** Ids that end the text. */
  readonly ends: readonly number[];
}

/** What a generation begins with, and how. */
interface Plan extends Reading {
  readonly options: CheckedSession;
  /** Tokens read at once. */
  readonly chunk: number;
}

/** Enters a session into its model's list; answers what takes it off again. */
type Join = (session: Session) => () => void;

/** Made by `model.session()`. */
export class Session {
  /** The options in force, defaults filled in. A budget that waits for the first prompt is 0 until then. */
  options: CheckedSession;
  readonly #asked: SessionOptions;
  readonly #model: LoadedModel;
  readonly #join: Join;
  readonly #leave: () => void;
  readonly #sampler: Sampler;
  readonly #banned: Uint32Array<ArrayBuffer>; // one bit per id
  readonly #ids = [0]; // the ids of a decode step
  readonly #recorder: Recorder | null;
  #stepper: Stepper | null = null; // null: a full cache not yet sized, or disposed
  #made: Promise<GPUError | null> = Promise.resolve(null); // settles with what the GPU said to the last allocation
  #refusal = ""; // what the GPU said to the last allocation that it refused
  #pending: number | null = null; // the last id generated, not yet taken in
  #promptTokens: number | null = null; // of the prompt that the cache was sized by
  #random = new Random(0);
  #conversation: readonly ChatMessage[] | null = null; // what has been taken in, where that is one
  #run: Run = newRun();
  #pins: Span[] = []; // what was pinned beyond the options' spans: the prompt, and what `pin` was asked for
  #busy = false;
  #stepping = false; // a step is on the GPU: its buffers must stay
  #disposed = false;
  #lastReport: Report | null = null; // of a disposed session

  /**
   * Use `model.session()`.
   * @param kept what it is to go on from; its cache is then still to be filled
   */
  constructor(model: LoadedModel, asked: SessionOptions, join: Join, kept: Kept | null = null) {
    this.options = planSession(model, asked, kept?.promptTokens);
    this.#asked = { ...copyOptions(asked), kv: this.options.kv };
    const { policy, budget } = this.options;
    if (asked.budget === undefined && policy !== "full") this.#asked.budget = budget; // which memory may have decided
    this.#recorder = this.options.record && new Recorder(this.options.record);
    this.#model = model;
    this.#sampler = new Sampler(model.config.vocab);
    this.#banned = new Uint32Array(Math.ceil(model.config.vocab / 32));
    this.#join = join;
    this.#leave = join(this); // first: a model that was disposed of meanwhile refuses
    try {
      if (kept) this.#takeOver(kept);
      else if (this.options.budget > 0) this.#allocate();
    } catch (error) {
      this.#leave();
      throw error;
    }
  }

  #takeOver({ context, promptTokens, pins, pending, random, conversation }: Kept) {
    const { policy, budget, stride } = this.options;
    if (context) {
      const slots = policy === "full" ? budget || context.slots : budget + stride;
      if (context.slots !== slots) throw refused(`a cache under these options has ${slots} slots`, context.slots);
      this.#allocate(policy === "full" ? slots : budget, context.ids);
    }
    this.#promptTokens = promptTokens;
    this.#pins = [...pins];
    this.#pending = pending;
    this.#random.state.set(random);
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
      if (session.#stepper) fill(session.#stepper, session.options);
      await session.#confirm();
      session.#checkUsable("create session"); // its model may have been disposed of, and with it this
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
    return await this.#still("take a snapshot", () => writeSnapshot(this.#model, this.#kept(), this.#stepper));
  }

  /**
   * A session of its own that goes on from here, as this one does: the two answer alike until they are asked different things.
   * @param own an `onEvict` of its own, where this session has one; a score of the session's own is the fork's too
   * @throws Error while a generation runs, on a disposed session, a lost device, or where the GPU has no room for it
   */
  async fork(own: Pick<OwnFunctions, "onEvict"> = {}): Promise<Session> {
    return await this.#still("fork the session", async () => {
      const { context = null, bytes = new Uint8Array(0) } = this.#stepper ? saveContext(this.#stepper) : {};
      const kept = { ...this.#kept(), context };
      const score = kept.ownScore ? { score: this.#asked.score } : {};
      return await Session.#goOn(
        this.#model,
        optionsAgain("fork the session", kept, { ...score, ...own }),
        this.#join,
        kept,
        (to, options) => {
          loadContext(this.#model, to, options, context!, bytes);
          copySlots(this.#model.gpu, this.#stepper!.cache, to.cache);
        },
      );
    });
  }

  #kept(): Omit<Kept, "context"> {
    const { score, onEvict: _, record: __, ...asked } = this.#asked;
    const ownScore = typeof score === "function";
    return {
      asked: ownScore ? asked : { ...asked, score },
      ownScore,
      promptTokens: this.#promptTokens,
      pins: this.#pins,
      pending: this.#pending,
      random: [...this.#random.state],
      conversation: this.#conversation,
    };
  }

  /** Does what needs the session to stay as it is. */
  async #still<T>(action: string, work: () => Promise<T>): Promise<T> {
    this.#checkUsable(action);
    if (this.#stepper?.fault) throw this.#stepper.fault;
    this.#busy = true;
    this.#stepping = true;
    try {
      await this.#confirm();
      return await work();
    } finally {
      this.#busy = false;
      this.#stepping = false;
      if (this.#disposed) this.#release();
    }
  }

  #allocate(slots = this.options.budget, ids = false) {
    const { made, refused } = this.#make(this.options.policy === "full" ? slots : slots + this.options.stride, ids);
    this.#stepper = made;
    this.#made = refused;
  }

  #make(capacity: number, ids = false) {
    return guarded(this.#model.gpu, () => {
      const stepper = createStepper(this.#model, this.options, capacity, false, { recorder: this.#recorder, ids });
      for (const span of this.#pins) {
        stepper.books.pin(...span);
        this.#recorder?.pin(span);
      }
      return stepper;
    });
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
      const standing = { heard: this.#conversation, pending: this.#pending, eosIds: config.eosIds };
      const { pending, ids, ...turn } = planTurn(render, tokenizer, messages(), standing, variables);
      const all = pending && this.#pending !== null ? [this.#pending, ...ids] : ids;
      return { ...turn, ids: all, pinned: pinSystem && this.options.policy !== "full" ? turn.system : 0 };
    };
    this.#plan(read, generate.maxNewTokens);
    return this.#chat(read, messages, generate);
  }

  async *#chat(read: () => Reading, messages: () => ChatMessage[], options: CheckedGenerate) {
    const asked = messages();
    const before = this.#run;
    let content = "";
    try {
      for await (const piece of this.#generate(read, options)) {
        content += piece;
        yield piece;
      }
    } finally {
      const read = this.#run !== before && this.#run.decoding; // all that was asked
      if (read) this.#conversation = [...asked, { role: "assistant", content }];
    }
  }

  /** The conversation that `chat` goes on with, the last answer included; none before the first. */
  get conversation(): readonly ChatMessage[] {
    return this.#conversation ?? [];
  }

  /** What a generation that began now would take in, and under which options. @throws as generate does */
  #plan(read: () => Reading, maxNewTokens: number): Plan {
    this.#checkUsable();
    const reading = read();
    const options = this.#stepper ? this.options : planSession(this.#model, this.#asked, reading.ids.length);
    return { ...reading, options, chunk: this.#checkRoom(reading, options, maxNewTokens) };
  }

  /** @returns tokens of the prompt to be read at once @throws RangeError where there is no room for it */
  #checkRoom({ ids, anew, pinned }: Reading, options: CheckedSession, maxNewTokens: number): number {
    const seen = anew ? 0 : this.seen;
    const spans = anew ? [...options.pin] : [...options.pin, ...this.#pins];
    if (pinned > 0) spans.push([0, pinned]);
    const held = mostHeld(anew ? undefined : this.#stepper?.books, options.sinks, spans);
    return checkRoom(options, seen, ids.length, spans, maxNewTokens, held, this.#asked.stride !== undefined);
  }

  #readPrompt(prompt: string | ArrayLike<number>): Reading {
    const ids = this.#promptIds(prompt);
    if (this.#pending !== null) ids.unshift(this.#pending);
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
    this.#checkUsable("pin");
    const span = checkSpan("pin", "the span", [from, to]);
    const spans = [...this.options.pin, ...this.#pins, span];
    checkPins(this.options, this.seen, spans, mostHeld(this.#stepper?.books, this.options.sinks, spans));
    this.#pin(span);
  }

  #pin(span: Span) {
    const last = this.#pins.at(-1);
    if (last?.[1] === span[0]) this.#pins[this.#pins.length - 1] = [last[0], span[1]]; // as a prompt's chunks do
    else this.#pins.push(span);
    this.#stepper?.books.pin(...span);
    if (this.#stepper) this.#recorder?.pin(span);
  }

  #checkUsable(action = "generate") {
    if (this.#disposed) throw new Error(`Cannot ${action}: the session must not be disposed, got a disposed one`);
    if (this.#busy) throw new Error(`Cannot ${action}: one generation at a time on a session, got a second use`);
    if (this.#model.gpu.failure) throw new Error(`Cannot ${action}: ${this.#model.gpu.failure}`);
  }

  #promptIds(prompt: string | ArrayLike<number>): number[] {
    const { tokenizer, config } = this.#model;
    if (prompt?.length === 0 && this.#pending !== null) return []; // the text goes on
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
    const plan = this.#plan(read, options.maxNewTokens); // again: the context may have moved on since generate was called
    const { ids, anew, ends } = plan;
    this.options = plan.options;
    if (anew) this.#forget();
    this.#conversation = null;
    if (!this.#stepper) this.#promptTokens = ids.length;
    this.#busy = true;
    try {
      const { tokenizer } = this.#model;
      const continues = this.seen > 0 || ids.some((id) => id !== tokenizer.bosId); // there is text before the first piece
      const text = new TextStream(tokenizer, options.stop, continues);
      const run = this.#run = newRun();
      const wanted: Wanted = options.temperature > 0 || options.onLogits ? "logits" : "id";
      if (options.seed !== null) this.#random = new Random(options.seed);
      const random = this.#random.next;
      const started = performance.now();
      const stepper = await this.#prepare(ids.length, options);
      const smaller = this.options !== plan.options; // than the budget asked for, which the GPU refused
      const chunk = smaller ? this.#checkRoom(plan, this.options, options.maxNewTokens) : plan.chunk;
      let id = await this.#prefill(stepper, { ...plan, chunk }, wanted, options);
      run.decoding = true;
      run.prefillMs = performance.now() - started;
      Object.assign(run.clockBefore, stepper.clock);
      let resumed = performance.now();
      while (true) {
        if (wanted === "logits") id = this.#draw(stepper.logits, options, random);
        this.#pending = id;
        options.onToken(id);
        if (options.stopAtEnd && ends.includes(id)) {
          run.ended = "end";
          break;
        }
        run.ids.push(id);
        const { piece, stopped } = text.push(id);
        if (piece !== "") {
          run.decodeMs += performance.now() - resumed; // the caller's time is not ours
          yield piece;
          resumed = performance.now();
        }
        if (stopped) {
          run.ended = "stop";
          return;
        }
        if (run.ids.length >= options.maxNewTokens) {
          run.ended = "length";
          break;
        }
        if (options.signal?.aborted) break;
        this.#ids[0] = id;
        this.#pending = null;
        id = await this.#step(stepper, this.#ids, 0, 1, wanted);
        run.steps++;
      }
      run.decodeMs += performance.now() - resumed;
      const rest = text.flush();
      if (rest !== "") yield rest;
      options.signal?.throwIfAborted();
    } finally {
      this.#busy = false;
    }
  }

  /** A step that ends with a clear error, and the buffers given back, where the session was disposed of meanwhile. */
  async #step(stepper: Stepper, ids: number[], begin: number, count: number, wanted: Wanted): Promise<number> {
    if (this.#disposed) this.#checkUsable();
    this.#stepping = true;
    try {
      return await stepper.step(ids, begin, count, wanted);
    } catch (error) {
      if (this.#disposed) this.#checkUsable();
      throw error;
    } finally {
      this.#stepping = false;
      if (this.#disposed) this.#release();
    }
  }

  /** Sizes a cache that waited for the prompt, applies bans, and waits for the GPU to confirm its memory. */
  async #prepare(promptTokens: number, options: CheckedGenerate): Promise<Stepper> {
    const { gpu } = this.#model;
    const before = this.#stepper;
    if (!before && this.options.budget > 0) this.#allocate();
    const needed = this.seen + promptTokens + options.maxNewTokens;
    if (this.options.policy === "full" && this.options.budget === 0 && (before?.cache.capacity ?? 0) < needed) {
      await this.#grow(before, needed);
    }
    while (!await this.#confirmed()) this.#shrink();
    if (this.#disposed) this.#checkUsable();
    const stepper = this.#stepper!;
    this.#banned.fill(0);
    for (const id of options.banned) this.#banned[id >> 5] |= 1 << (id & 31);
    gpu.device.queue.writeBuffer(stepper.forward.banned, 0, this.#banned);
    return stepper;
  }

  /** Makes a full cache, or makes it larger; where the GPU refuses, it stays as it was. */
  async #grow(before: Stepper | null, slots: number): Promise<void> {
    const { made, refused } = this.#make(slots);
    const failure = await refused;
    if (failure || this.#disposed) {
      made.release();
      if (this.#disposed) this.#checkUsable();
      throw new Error(`Cannot generate: the GPU must hold ${slots} slots per lane, got: ${failure?.message}`);
    }
    if (before) growInto(this.#model.gpu, this.#model, before, made);
    before?.release();
    this.#stepper = made;
    this.#made = Promise.resolve(null);
  }

  /** Whether the GPU gave the cache its memory. */
  async #confirmed(): Promise<boolean> {
    const failure = await this.#made;
    if (failure === null || this.#disposed) return true;
    this.#refusal = failure.message;
    return false;
  }

  /** Goes on with less than the GPU refused, before anything is read. @throws where that is forbidden, or nothing less would do */
  #shrink(): void {
    const before = this.options;
    if (this.seen > 0) throw new Error(`Cannot generate: the GPU must hold the cache, got: ${this.#refusal}`);
    const asked = smallerBudget(this.#model, this.#asked, before, this.#refusal, this.#promptTokens);
    this.#stepper?.release();
    this.#stepper = null;
    this.#asked.budget = asked.budget;
    this.options = planSession(this.#model, asked, this.#promptTokens);
    before.onWarning(`the GPU refused memory for a budget of ${before.budget} slots, trying ${asked.budget}`);
    this.#allocate();
  }

  /** Waits for the GPU to confirm the cache's memory. */
  async #confirm(): Promise<void> {
    const kvBytes = this.#stepper?.cache.kvBytes;
    const failure = await this.#made;
    if (!failure) return;
    throw new Error(`Cannot create session: the GPU must hold ${kvBytes} bytes of cache, got: ${failure.message}`);
  }

  /** Takes in the prompt in chunks; answers the greedy id after it. */
  async #prefill(
    stepper: Stepper,
    { ids, pinned, chunk }: Plan,
    wanted: Wanted,
    options: CheckedGenerate,
  ): Promise<number> {
    let id = 0;
    for (let begin = 0; begin < ids.length; begin += chunk) {
      options.signal?.throwIfAborted();
      const count = Math.min(chunk, ids.length - begin);
      this.#pending = null;
      if (begin < pinned) this.#pin([begin, Math.min(begin + count, pinned)]);
      id = await this.#step(stepper, ids, begin, count, begin + count < ids.length ? "nothing" : wanted);
      this.#run.promptTokens = begin + count;
      options.onPrefill(begin + count, ids.length);
    }
    return id;
  }

  #draw(logits: Float32Array<ArrayBuffer>, options: CheckedGenerate, random: () => number): number {
    const { temperature, topP, banned, onLogits } = options;
    onLogits?.(logits);
    for (const id of banned) logits[id] = -Infinity;
    return this.#sampler.draw(logits, temperature, topP, random);
  }

  /** Tokens taken in so far: the next one's position. */
  get seen(): number {
    return this.#stepper?.books.seen ?? 0;
  }

  /** The positions of the live tokens of every lane, ascending: [layers · kvHeads][live]. */
  livePositions(): number[][] {
    const lanes: number[][] = [];
    this.#stepper?.books.forEachLane((_, live, { core }, lane) => {
      lanes.push(Array.from(live, (slot) => core.positions[lane * core.capacity + slot]));
    });
    return lanes;
  }

  /**
   * The books of every lane as they are now, [layers · kvHeads]: Σp, Σp² and last p of every live slot, and its token's
   * position (-1: free). Views, for reading, that the next step changes.
   */
  books(): LaneViews[] {
    if (!this.#stepper) throw new Error("Cannot read the books: a full cache must have begun a generation, got none");
    return this.#stepper.books.groups.flatMap(({ core }) => core.laneViews);
  }

  /**
   * What every lane, [layers · kvHeads], makes of its tokens now, and which would go next: between steps, and so in `onToken`
   * and `onPrefill`, but not in `onEvict`. Asking changes nothing.
   */
  outlook(): Outlook[] {
    return this.#stepper ? outlookOf(this.#stepper.books, this.options.policy !== "full") : [];
  }

  /** What this session holds, in bytes, and why; all zero where a cache waits for the first prompt to be sized. */
  memory(): Memory {
    return this.#stepper?.memory ?? { kv: 0, slots: 0, scratch: 0, readback: 0, gpu: 0, wasm: 0 };
  }

  /** Numbers of the last generation, or of the one that is running. */
  report(): Report {
    if (this.#lastReport) return this.#lastReport;
    const { config, gpu } = this.#model;
    const { books, cache, clock, peak } = this.#stepper ?? {};
    const liveSlots = books?.live ?? 0;
    return reportOf(this.#run, clock ?? { total: 0, wait: 0, wasm: 0 }, {
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
    this.#checkUsable("reset the session");
    this.#forget();
    this.#random = new Random(0);
    this.#run = newRun();
  }

  #forget() {
    this.#stepper?.reset();
    this.#pending = null;
    this.#pins = [];
    this.#conversation = null;
  }

  /**
   * Gives every buffer back. A generation that is running ends with an error at its next step.
   * @throws what the recording's sink throws at its end; everything is given back then too
   */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#leave();
    if (!this.#stepping) this.#release();
  }

  #release() {
    this.#lastReport = this.report();
    this.#stepper?.release();
    this.#stepper = null;
    this.#recorder?.end();
  }
}
