/**
 * Beginnings that conversations share, a system's words or a few examples: each stands in a session of its own that has read it and
 * nothing else, and of which conversations are copies. What a copy says is, to the bit, what a session that has read all would.
 */
import type { ChatMessage } from "../chat/template.ts";
import type { ChatOptions } from "../options/generate.ts";
import type { SessionOptions } from "../options/session.ts";
import type { Session } from "../session/session.ts";
import { heldBytes, type Hosted } from "./hosted.ts";
import type { Held, Pool } from "./pool.ts";

/** A conversation that begins. */
export interface Beginner {
  readonly hosted: Hosted;
  readonly options: SessionOptions;
  /** Whose sessions it may be a copy of: those of the same owner, model and options have the same. */
  readonly whose: string;
  readonly messages: readonly ChatMessage[];
  /** How it will be asked. */
  readonly chat: ChatOptions;
  /** Whether there will be copies of the session itself. */
  readonly copies: boolean;
  /** What will be read: ids, and how many of them the system says. */
  readonly prompt: { readonly ids: readonly number[]; readonly system: number };
}

/** A session that has begun with a conversation, as it is kept. */
export interface Began<T> {
  readonly made: T;
  /** Tokens that it has read for it, those of a copy aside. */
  readonly read: number;
}

interface Beginning extends Held {
  readonly ids: readonly number[];
  used: boolean;
  users: number; // that are about to copy it
  copying: Promise<unknown>;
}

const LATELY = 64; // prompts that are looked back at
const MOST = 4096; // tokens of each

export class Beginnings {
  readonly #pool: Pool;
  readonly #kept = new Map<string, Beginning[]>(); // by whose they are
  readonly #making = new Set<string>(); // ids of those that are being made
  readonly #lately: { readonly whose: string; readonly ids: Int32Array }[] = [];

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /**
   * A new session, which has read what others have read before, or will.
   * @param bytes that it will take @param keep puts it into the pool @throws what the session does, and `keep`
   */
  async begin<T>(one: Beginner, bytes: number, keep: (open: () => Promise<Session>) => Promise<T>): Promise<Began<T>> {
    const { hosted, options, whose, prompt: { ids } } = one;
    const open = () => hosted.model.session({ ...options, onWarning: () => {} });
    if (sizedByPrompt(options)) return { made: await keep(() => Promise.resolve(open())), read: 0 };
    const found = this.#find(whose, ids, bytes);
    let read = 0;
    try {
      const made = await keep(async () => {
        const session = found ? await copyOf(found).catch(open) : open(); // a device may have no room for two
        read = await this.#read(session, one);
        return session;
      });
      return { made, read };
    } finally {
      if (found) found.busy = --found.users > 0;
    }
  }

  /** Reads what is shared. @returns how many tokens @throws what the session does, which is then no more */
  async #read(session: Session, { whose, messages, chat, copies, prompt: { ids, system } }: Beginner): Promise<number> {
    const { seen } = session, shared = this.#shared(whose, ids);
    this.#note(whose, ids);
    try {
      const most = Math.min(Math.max(shared, system), ids.length - 1);
      if (most >= seen + session.options.stride) await session.begin(messages, chat, most);
      if (session.seen > seen) await this.#keep(session, whose, ids.slice(0, session.seen), session.seen > shared);
      if (copies) await session.begin(messages, chat, ids.length - 1);
      return session.seen - seen;
    } catch (error) {
      session.dispose();
      throw error;
    }
  }

  /** The longest that ids begin with, where there is room for so many bytes beside it. It stays until it is used. */
  #find(whose: string, ids: readonly number[], bytes: number): Beginning | null {
    const fits = (this.#kept.get(whose) ?? []).filter((one) =>
      one.ids.length < ids.length && common(one.ids, ids) === one.ids.length
    );
    if (fits.length === 0) return null;
    const longest = this.#pool.take(fits.reduce((a, b) => a.ids.length >= b.ids.length ? a : b));
    longest.users++;
    if (this.#pool.trim(bytes)) return longest;
    longest.busy = --longest.users > 0;
    return null;
  }

  /** How many tokens a prompt shares with one of late. */
  #shared(whose: string, ids: readonly number[]): number {
    return this.#lately.reduce((most, one) => one.whose === whose ? Math.max(most, common(one.ids, ids)) : most, 0);
  }

  #note(whose: string, ids: readonly number[]): void {
    this.#lately.push({ whose, ids: Int32Array.from(ids.slice(0, MOST)) });
    if (this.#lately.length > LATELY) this.#lately.shift();
  }

  /** Keeps a copy. @param spare whether nobody is known to share it: it takes a place that is free, and nobody else's */
  async #keep(from: Session, whose: string, ids: readonly number[], spare: boolean): Promise<void> {
    const others = () => this.#kept.get(whose) ?? [], bytes = heldBytes(from), key = `${whose} ${ids}`;
    const isThere = others().some((one) => one.ids.length === ids.length && common(one.ids, ids) === ids.length);
    if (isThere || this.#making.has(key) || !this.#pool.trim(bytes, spare)) return;
    this.#making.add(key);
    try {
      await this.#pool.make(bytes, async () => {
        const one: Beginning = {
          ...{ session: await from.fork(), ids, bytes, busy: false, used: !spare, users: 0 },
          copying: Promise.resolve(),
          get spare() {
            return !this.used;
          },
          left: () => {
            const rest = others().filter((other) => other !== one);
            if (rest.length > 0) this.#kept.set(whose, rest);
            else this.#kept.delete(whose);
          },
        };
        this.#kept.set(whose, [...others(), one]);
        return one;
      });
    } catch {
      // a device that has no room for it: all is read again
    } finally {
      this.#making.delete(key);
    }
  }
}

/** One at a time. */
async function copyOf(one: Beginning): Promise<Session> {
  const copy = one.copying.then(() => one.session.fork());
  one.copying = copy.catch(() => {});
  const session = await copy;
  one.used = true;
  return session;
}

/** Whether a cache's slots depend on what all of its first prompt is. */
function sizedByPrompt({ budget }: SessionOptions): boolean {
  return typeof budget === "object" && !("bytes" in budget);
}

/** How many ids two begin with alike. */
function common(one: ArrayLike<number>, other: ArrayLike<number>): number {
  let count = 0;
  while (count < one.length && count < other.length && one[count] === other[count]) count++;
  return count;
}
