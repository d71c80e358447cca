/** Passes of several contexts that wait for each other, and are computed together. */
import { MOST_MEMBERS } from "../../assembly/forward/abi.ts";
import type { Engine, EngineContext, Gathering, Pass } from "../engine/engine.ts";
import { soon } from "../host/turn.ts";

/** Who steps with others. */
export class Member {
  readonly #together: Together;
  /** It steps by itself from now on. */
  readonly leave: () => void;

  constructor(together: Together, leave: () => void) {
    this.#together = together;
    this.leave = leave;
  }

  /** It generates from now on. */
  begin(): void {
    this.#together.begin(this);
  }

  /** And no longer does. */
  end(): void {
    this.#together.end(this);
  }

  /** As the context's own, to the last bit. */
  pass(context: EngineContext, pass: Pass): Promise<number> {
    return this.#together.pass(this, context, pass);
  }
}

/** Passes that wait for each other, and go together. */
class Round {
  readonly contexts: EngineContext[] = [];
  readonly passes: Pass[] = [];
  readonly resolves: ((id: number) => void)[] = [];
  readonly rejects: ((error: unknown) => void)[] = [];
  readonly ids: number[] = []; // what they answered

  get count(): number {
    return this.contexts.length;
  }

  clear(): void {
    for (const list of [this.contexts, this.passes, this.resolves, this.rejects]) list.length = 0;
  }
}

/** A pass that waits. */
interface Waiting {
  readonly who: Member;
  readonly context: EngineContext;
  readonly pass: Pass;
  readonly resolve: (id: number) => void;
  readonly reject: (error: unknown) => void;
}

const quads = (count: number) => Math.min(MOST_MEMBERS, Math.max(4, Math.ceil(count / 4) * 4));

const MISSES = 2; // rounds that one who generates may miss before others no longer wait for it

/**
 * Lets passes of one token wait for those of others that generate, and computes them together: until all have come, but no longer than
 * the host's other tasks have their turn. Chunks of prompts go by themselves, one behind each round, so that who reads a long one does
 * not hold the others up for longer than a chunk takes.
 */
export class Together {
  readonly #engine: Engine;
  #gathering: Gathering | null;
  readonly #missed = new Map<Member, number>(); // rounds in a row, of each who generates
  readonly #came = new Set<Member>(); // to the round that waits
  readonly #chunks: Waiting[] = [];
  #waiting = new Round();
  #spare: Round | null = new Round();
  #running = false;
  #called = false; // a turn was asked for

  /** @param most passes that may go together @throws RangeError where there is no room for it */
  constructor(engine: Engine, most: number) {
    this.#engine = engine;
    this.#gathering = engine.gather?.(quads(most)) ?? null;
  }

  /** Makes room for so many passes. @throws RangeError where there is none: all stays as it was */
  grow(most: number): void {
    if (!this.#gathering || this.#gathering.most >= quads(most)) return;
    const larger = this.#engine.gather!(quads(most));
    this.#gathering.release();
    this.#gathering = larger;
  }

  /** A member generates from now on. */
  begin(who: Member): void {
    this.#missed.set(who, 0);
  }

  /** And no longer does. */
  end(who: Member): void {
    this.#missed.delete(who);
  }

  /** As the context's own, to the last bit. */
  pass(who: Member, context: EngineContext, pass: Pass): Promise<number> {
    const alone = this.#missed.size < 2 && !this.#waits;
    if (alone || !this.#gathering || context.shape.hidden) return context.pass(pass);
    return new Promise((resolve, reject) => this.#wait({ who, context, pass, resolve, reject }));
  }

  get #waits(): boolean {
    return this.#waiting.count > 0 || this.#chunks.length > 0;
  }

  #wait(one: Waiting): void {
    const { who, context, pass, resolve, reject } = one;
    if (pass.count > 1) this.#chunks.push(one);
    else {
      this.#waiting.contexts.push(context);
      this.#waiting.passes.push(pass);
      this.#waiting.resolves.push(resolve);
      this.#waiting.rejects.push(reject);
    }
    this.#came.add(who);
    if (this.#missed.has(who)) this.#missed.set(who, 0); // else it left meanwhile
    if (this.#isComplete()) void this.#go();
    else if (!this.#called) this.#call();
  }

  #isComplete(): boolean {
    for (const [who, missed] of this.#missed) if (missed < MISSES && !this.#came.has(who)) return false;
    return true;
  }

  #call(): void {
    this.#called = true;
    soon(() => soon(this.#turned)); // Deno ends several at once, of which the first would find the others on their way
  }

  readonly #turned = () => {
    this.#called = false;
    if (this.#waits) void this.#go();
  };

  /** Runs the passes that wait, and one chunk. Those that come meanwhile make up the next round. */
  async #go(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    const round = this.#waiting;
    this.#waiting = this.#spare ?? new Round();
    this.#spare = null;
    for (const [who, missed] of this.#missed) if (!this.#came.has(who)) this.#missed.set(who, missed + 1);
    const chunk = this.#chunks.shift();
    this.#came.clear();
    for (const { who } of this.#chunks) this.#came.add(who);
    try {
      await this.#run(round);
      for (let i = 0; i < round.count; i++) round.resolves[i](round.ids[i]);
    } catch (error) {
      for (const reject of round.rejects) reject(error);
    }
    round.clear();
    this.#spare = round;
    if (chunk) await chunk.context.pass(chunk.pass).then(chunk.resolve, chunk.reject);
    this.#running = false;
    if (!this.#waits) return;
    if (this.#isComplete()) void this.#go();
    else if (!this.#called) this.#call();
  }

  async #run({ contexts, passes, ids, count }: Round): Promise<void> {
    for (let begin = 0; begin < count;) {
      const gathering = this.#gathering; // it may be released between two passes
      const some = Math.min(count - begin, gathering?.most ?? 1);
      if (gathering && some > 1) await gathering.pass({ contexts, passes, begin, count: some }, ids);
      else ids[begin] = await contexts[begin].pass(passes[begin]);
      begin += some;
    }
  }

  /** Passes go one by one from now on. */
  release(): void {
    this.#gathering?.release();
    this.#gathering = null;
  }
}
