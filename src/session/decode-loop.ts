/** How a session generates: takes a prompt in, chunk by chunk, then chooses token after token and takes each in. */
import type { Context, Reading } from "./context.ts";
import type { CheckedGenerate } from "../options/index.ts";
import { newRun, type Run } from "./report.ts";
import { Random, Sampler } from "./sample.ts";
import type { Stepper, Wanted } from "./step.ts";
import { TextStream } from "./text.ts";

/** The loop of one session, and what goes on from generation to generation. */
export class DecodeLoop {
  /** The last id generated, not yet taken in. */
  pending: number | null = null;
  random = new Random(0);
  /** Of the last generation, or of the one that is running. */
  run: Run = newRun();
  readonly #context: Context;
  readonly #sampler: Sampler;
  readonly #banned: Uint32Array<ArrayBuffer>; // one bit per id
  readonly #ids = [0]; // the ids of a decode step

  constructor(context: Context) {
    const { vocab } = context.model.config;
    this.#context = context;
    this.#sampler = new Sampler(vocab);
    this.#banned = new Uint32Array(Math.ceil(vocab / 32));
  }

  /**
   * Reads and generates under the context's options, which are those that the reading was planned with.
   * @param chunk tokens of the reading to be taken in at once
   */
  async *generate(reading: Reading, chunk: number, options: CheckedGenerate): AsyncGenerator<string, void, void> {
    const context = this.#context;
    const planned = context.options;
    const { ids, ends } = reading;
    context.busy = true;
    try {
      const { tokenizer } = this.#context.model;
      const continues = context.seen > 0 || ids.some((id) => id !== tokenizer.bosId); // there is text before the first piece
      const text = new TextStream(tokenizer, options.stop, continues);
      const run = this.run = newRun();
      const wanted: Wanted = options.temperature > 0 || options.onLogits ? "logits" : "id";
      if (options.seed !== null) this.random = new Random(options.seed);
      const random = this.random.next;
      const started = performance.now();
      const stepper = await context.prepare(ids.length, options.maxNewTokens);
      const smaller = context.options !== planned; // than the budget asked for, which the GPU refused
      const size = smaller ? context.roomFor(reading, context.options, options.maxNewTokens) : chunk;
      this.#ban(stepper, options.banned);
      let id = await this.#prefill(stepper, reading, size, wanted, options);
      run.decoding = true;
      run.prefillMs = performance.now() - started;
      Object.assign(run.clockBefore, stepper.clock);
      let resumed = performance.now();
      while (true) {
        if (wanted === "logits") id = this.#draw(stepper.logits, options, random);
        this.pending = id;
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
        this.pending = null;
        id = await context.step(stepper, this.#ids, 0, 1, wanted);
        run.steps++;
      }
      run.decodeMs += performance.now() - resumed;
      const rest = text.flush();
      if (rest !== "") yield rest;
      options.signal?.throwIfAborted();
    } finally {
      context.busy = false;
    }
  }

  #ban({ forward }: Stepper, ids: number[]): void {
    this.#banned.fill(0);
    for (const id of ids) this.#banned[id >> 5] |= 1 << (id & 31);
    this.#context.model.gpu.device.queue.writeBuffer(forward.banned, 0, this.#banned);
  }

  /** Takes in the prompt in chunks; answers the greedy id after it. */
  async #prefill(
    stepper: Stepper,
    { ids, pinned }: Reading,
    chunk: number,
    wanted: Wanted,
    options: CheckedGenerate,
  ): Promise<number> {
    let id = 0;
    for (let begin = 0; begin < ids.length; begin += chunk) {
      options.signal?.throwIfAborted();
      const count = Math.min(chunk, ids.length - begin);
      this.pending = null;
      if (begin < pinned) this.#context.pin([begin, Math.min(begin + count, pinned)]);
      id = await this.#context.step(stepper, ids, begin, count, begin + count < ids.length ? "nothing" : wanted);
      this.run.promptTokens = begin + count;
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
}
