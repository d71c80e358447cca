/**
 * Conversations that go on in their caches. They are found by an id, or by what has been said; lie in memory under one bound, of
 * which those that were not asked for longest go first; and in a store, where there is one, from which any process goes on.
 */
import type { ChatMessage } from "../chat/template.ts";
import { hex, sha256 } from "../engine/sha256.ts";
import { words } from "../errors.ts";
import type { ChatOptions } from "../options/generate.ts";
import type { SessionOptions } from "../options/session.ts";
import type { Session } from "../session/session.ts";
import { heldBytes, type Hosted, mannerOf } from "./hosted.ts";
import { essence, goingOn } from "./messages.ts";
import { Beginnings } from "./beginnings.ts";
import { type Held, Pool } from "./pool.ts";
import { refuseRequest, RequestError } from "./refusals.ts";
import { pack, type Store, unpack } from "./store.ts";

/** What is asked for. */
export interface Wanted {
  readonly hosted: Hosted;
  readonly options: SessionOptions;
  /** Whether the request says how its cache is to be kept. */
  readonly said: boolean;
  /** Whether it may be kept in a store. */
  readonly keep: boolean;
  /** Whose it is: nobody else goes on with it. */
  readonly owner: string;
  /** Its id; undefined: it is found by what has been said. */
  readonly id: string | undefined;
  readonly messages: readonly ChatMessage[];
  /** What the template is given besides them, which stands at a conversation's beginning: as text, the same for the same. */
  readonly setting: string;
  /** Whether the messages are what is new; else all that was said. */
  readonly append: boolean;
  /** How they will be asked. */
  readonly chat: ChatOptions;
  /** What is read of the messages where all of them are. */
  readonly prompt: () => { readonly ids: readonly number[]; readonly system: number };
  /** Whether there will be copies: so all of the prompt that copies can have is read first. */
  readonly copies: boolean;
  /** Tokens that may be written. */
  readonly most: number;
  /** Refuses what is too long to be read: of a conversation that goes on what is new, else all. @throws RequestError */
  readonly check: (fresh: readonly ChatMessage[], goesOn: boolean) => void;
  readonly signal: AbortSignal;
}

/** A conversation that is being answered. */
export interface Lease {
  readonly session: Session;
  /** What the session is to be asked with. */
  readonly messages: readonly ChatMessage[];
  /** Tokens of them that it has read just now. */
  readonly read: number;
  /** Another that stands where this one does, and is settled by itself: before this one is asked. @throws RequestError where there is no room */
  fork(): Promise<Lease>;
  /** Keeps what was said, and lets others have it. Again: nothing. */
  settle(): Promise<void>;
}

interface Names {
  name: string; // that it is found by in memory
  kept: string | null; // that the store has it under
}

interface Conversation extends Names, Held {
  readonly wanted: Pick<Wanted, "hosted" | "owner" | "id" | "setting">;
  readonly manner: string;
  version: string | null; // in the store
  keep: boolean; // in the store
}

const LOOKED_UP = 8; // beginnings of a conversation, the longest first, that a store is asked for

export class Conversations {
  readonly #held = new Map<string, Conversation>(); // by name
  readonly pool: Pool;
  readonly #beginnings: Beginnings;
  readonly #store: Store | null;
  readonly #sought = new Set<string>(); // names of those that somebody is about to take

  /** @param most bytes of all sessions */
  constructor(most: number, store: Store | null) {
    this.pool = new Pool(most);
    this.#beginnings = new Beginnings(this.pool);
    this.#store = store;
  }

  /** Conversations in memory, and the bytes of all sessions. */
  get held(): { count: number; bytes: number } {
    return { count: this.#held.size, bytes: this.pool.bytes };
  }

  /** Finds a conversation, or begins one. @throws RequestError, what `check` does, the signal's reason: nothing has changed then */
  async lease(wanted: Wanted): Promise<Lease> {
    const { id } = wanted;
    if (id === undefined) return await this.#lease(wanted, () => this.#bySaid(wanted));
    const name = nameOfId(wanted, id);
    if (this.#sought.has(name) || this.#held.get(name)?.busy) {
      refuseRequest("a conversation must be asked one thing at a time", id, { status: 409, code: "conversation_busy" });
    }
    this.#sought.add(name); // a store, and what it has, take their time
    try {
      return await this.#lease(wanted, () => this.#byId(wanted, name));
    } finally {
      this.#sought.delete(name);
    }
  }

  async #lease(wanted: Wanted, find: () => Promise<Conversation | null>): Promise<Lease> {
    const { id, append, messages, signal } = wanted;
    const found = await find();
    try {
      if (!found && append) {
        const parts = { status: 404, code: "conversation_not_found" };
        refuseRequest("a conversation that is gone on with must be known", id, parts);
      }
      const heard = found?.session.conversation ?? [];
      const all = append ? [...heard, ...messages] : goingOn(heard, messages), goesOn = all !== null;
      wanted.check(append || !goesOn ? messages : messages.slice(heard.length), goesOn);
      signal.throwIfAborted();
      if (found) this.#grow(found, wanted);
      const { one, read } = found ? { one: found, read: 0 } : await this.#begin(wanted);
      return this.#leaseOf(one, { wanted, messages: all ?? messages, read });
    } catch (error) {
      if (found) this.#giveBack(found);
      throw error;
    }
  }

  #leaseOf(one: Conversation, how: { wanted: Wanted; messages: readonly ChatMessage[]; read: number }): Lease {
    const fork = async () => {
      const names = { name: crypto.randomUUID(), kept: null };
      const copy = await this.#make(how.wanted, names, one.bytes, () => one.session.fork());
      return this.#leaseOf(copy, { ...how, read: 0 });
    };
    let settled: Promise<void> | null = null; // once: it may be another's by then
    const settle = () => settled ??= this.#settle(one);
    return { session: one.session, messages: how.messages, read: how.read, fork, settle };
  }

  async #byId(wanted: Wanted, name: string): Promise<Conversation | null> {
    const manner = wanted.append && !wanted.said ? null : mannerOf(wanted.options); // null: whichever it has
    const version = await this.#store?.version(name) ?? null;
    const mine = this.#held.get(name);
    const fresh = mine && (version === null || mine.version === version); // no other process went on with it
    const isSame = mine && (manner === null || mine.manner === manner) &&
      (wanted.append || mine.wanted.setting === wanted.setting);
    if (fresh && isSame) return this.pool.take(mine);
    if (fresh && wanted.append) refuseOther();
    if (mine) this.pool.drop(mine);
    if (version === null) return null;
    return await this.#restore(wanted, { name, kept: name }, manner) ?? (wanted.append ? refuseOther() : null);
  }

  async #bySaid(wanted: Wanted): Promise<Conversation | null> {
    const { messages, options } = wanted;
    const manner = mannerOf(options);
    const names = namesOf(wanted, manner, messages);
    const ends = names.flatMap((name, i) => messages[i].role === "assistant" && i < names.length - 1 ? [name] : []);
    for (const [i, name] of ends.reverse().entries()) {
      const mine = this.#held.get(name);
      if (mine && !mine.busy) return this.pool.take(mine);
      if (i >= LOOKED_UP || !this.#store || await this.#store.version(name) === null) continue;
      const restored = await this.#restore(wanted, { name: crypto.randomUUID(), kept: name }, manner); // another may do so meanwhile
      if (restored) return restored;
    }
    return null;
  }

  /** What the store has; null: none that fits. @throws what is wrong with it, where nothing else would do */
  async #restore(wanted: Wanted, names: Names, manner: string | null): Promise<Conversation | null> {
    const kept = await this.#store!.read(names.kept!);
    const unpacked = kept && unpack(kept.bytes);
    const [kind, setting = ""] = unpacked?.manner.split("\n") ?? [];
    if (!unpacked || manner !== null && kind !== manner || !wanted.append && setting !== wanted.setting) return null;
    const { model } = wanted.hosted, { snapshot } = unpacked;
    const open = () => model.restore(snapshot, { onWarning: () => {} });
    try {
      const one = await this.#make(wanted, names, this.#bytesOf(wanted), open);
      return Object.assign(one, { version: kept.version, manner: kind, wanted: { ...one.wanted, setting } });
    } catch (error) {
      if (wanted.append || error instanceof RequestError) throw error;
      return null; // all is read again
    }
  }

  async #begin(wanted: Wanted): Promise<{ one: Conversation; read: number }> {
    const { hosted, owner, options, id, messages, chat, copies } = wanted, prompt = wanted.prompt();
    const name = id === undefined ? crypto.randomUUID() : nameOfId(wanted, id);
    const whose = sum(["begun", owner, hosted.name, mannerOf(options), chat.pinSystem ?? true]);
    const beginner = { hosted, options, whose, messages, chat, copies, prompt }, bytes = this.#bytesOf(wanted);
    const keep = (open: () => Promise<Session>) => this.#make(wanted, { name, kept: null }, bytes, open);
    const { made, read } = await this.#beginnings.begin(beginner, bytes, keep);
    return { one: made, read };
  }

  /** @param seen tokens that a session has already, and keeps */
  #bytesOf({ hosted, options, prompt, most }: Wanted, seen = 0): number {
    return hosted.model.sessionBytes(options, {
      read: seen + (grows(options) ? prompt().ids.length : 1),
      written: most,
    });
  }

  /** Room for what a session that is taken up again may grow to. @throws RequestError */
  #grow(one: Conversation, wanted: Wanted): void {
    if (!grows(wanted.options)) return;
    const bytes = this.#bytesOf(wanted, wanted.append ? one.session.seen : 0);
    if (bytes <= one.bytes) return;
    this.pool.makeRoom(bytes - one.bytes, bytes);
    one.bytes = bytes;
  }

  #make(wanted: Wanted, names: Names, bytes: number, open: () => Promise<Session>): Promise<Conversation> {
    return this.pool.make(bytes, async () => {
      const session = await open();
      const { hosted, owner, id, options, setting } = wanted;
      const one: Conversation = {
        ...names,
        ...{ wanted: { hosted, owner, id, setting }, manner: mannerOf(options), session, version: null },
        ...{ bytes: Math.max(bytes, heldBytes(session)), busy: true, spare: false, keep: wanted.keep },
        left: () => void (this.#held.get(one.name) === one && this.#held.delete(one.name)),
      };
      this.#held.set(one.name, one);
      return one;
    });
  }

  /** Of which nothing was asked. */
  #giveBack(one: Conversation): void {
    one.busy = false;
    if (one.wanted.id === undefined && one.kept !== null && one.kept !== one.name) this.pool.drop(one); // nobody would find it here
  }

  async #settle(one: Conversation): Promise<void> {
    const { session, wanted, manner } = one;
    const said = session.conversation;
    try {
      if (said.length === 0) return this.pool.drop(one); // stopped before its first answer
      one.bytes = heldBytes(session);
      if (wanted.id === undefined && !this.#rename(one, namesOf(wanted, manner, said).at(-1)!)) return;
      if (!this.#store || !one.keep) return;
      const before = one.kept;
      one.version = await this.#store.write(one.name, pack(`${manner}\n${wanted.setting}`, await session.snapshot()));
      one.kept = one.name;
      if (before !== null && before !== one.name) await this.#store.remove(before);
    } catch (error) {
      this.pool.drop(one);
      throw error;
    } finally {
      one.busy = false;
      this.pool.trim(); // a cache may have grown by more than was foreseen
    }
  }

  /** What was said has grown: so it is found by another name. Of two that come to the same, the older goes. @returns whether it stays */
  #rename(one: Conversation, name: string): boolean {
    this.#held.delete(one.name);
    const twin = this.#held.get(name);
    if (twin?.busy) {
      this.pool.drop(one);
      return false;
    }
    if (twin) this.pool.drop(twin);
    one.name = name;
    this.#held.set(name, one);
    return true;
  }

  /** Gives all back; what was said is in the store. */
  clear(): void {
    this.pool.clear();
  }
}

/** Whether a session's cache may grow with what it reads. */
function grows({ policy, evict, budget }: SessionOptions): boolean {
  return policy === "full" || evict === "prompt" || typeof budget === "object";
}

type Whose = Pick<Wanted, "hosted" | "owner" | "setting">;

const sum = (value: unknown) => hex(sha256(new TextEncoder().encode(JSON.stringify(value))));
const nameOfId = ({ hosted, owner }: Omit<Whose, "setting">, id: string) => sum(["id", owner, hosted.name, id]);

/** What a conversation is found by after each of its messages. */
function namesOf({ hosted, owner, setting }: Whose, manner: string, messages: readonly ChatMessage[]): string[] {
  let name = sum(["said", owner, hosted.name, manner, setting]);
  return messages.map((message) => name = sum([name, essence(message)]));
}

function refuseOther(): never {
  const rule = "a conversation that is gone on with must keep the policy, budget and other options of its cache";
  refuseRequest(rule, words("others"), { status: 409 });
}
