/**
 * Conversations that go on in their caches. They are found by an id, or by what has been said; lie in memory under one bound, of
 * which those that were not asked for longest go first; and in a store, where there is one, from which any process goes on.
 */
import type { ChatMessage } from "../chat/template.ts";
import { hex, sha256 } from "../engine/sha256.ts";
import { words } from "../errors.ts";
import type { SessionOptions } from "../options/session.ts";
import type { Session } from "../session/session.ts";
import { heldBytes, type Hosted, mannerOf } from "./hosted.ts";
import { essence, goingOn } from "./messages.ts";
import { refuseRequest, RequestError } from "./refusals.ts";
import { pack, type Store, unpack } from "./store.ts";

/** What is asked for. */
export interface Wanted {
  readonly hosted: Hosted;
  readonly options: SessionOptions;
  /** Whose it is: nobody else goes on with it. */
  readonly owner: string;
  /** Its id; undefined: it is found by what has been said. */
  readonly id: string | undefined;
  readonly messages: readonly ChatMessage[];
  /** Whether the messages are what is new; else all that was said. */
  readonly append: boolean;
  /** Counts the tokens of the messages, where a cache depends on them. */
  readonly read: () => number;
  /** Tokens that may be written. */
  readonly most: number;
}

/** A conversation that is being answered. */
export interface Lease {
  readonly session: Session;
  /** What the session is to be asked with. */
  readonly messages: readonly ChatMessage[];
  /** Keeps what was said, and lets others have it. Again: nothing. */
  settle(): Promise<void>;
}

interface Conversation {
  name: string; // that it is found by
  readonly wanted: Pick<Wanted, "hosted" | "owner" | "id">;
  readonly manner: string;
  readonly session: Session;
  version: string | null; // in the store
  bytes: number;
  busy: boolean;
}

const LOOKED_UP = 8; // beginnings of a conversation, the longest first, that a store is asked for

export class Conversations {
  readonly #held = new Map<string, Conversation>(); // by name, those asked for longest ago first
  readonly #most: number;
  readonly #store: Store | null;
  #making = 0; // bytes of sessions that are being made

  /** @param most bytes of all sessions */
  constructor(most: number, store: Store | null) {
    this.#most = most;
    this.#store = store;
  }

  /** Conversations in memory, and their bytes. */
  get held(): { count: number; bytes: number } {
    let bytes = this.#making;
    for (const one of this.#held.values()) bytes += one.bytes;
    return { count: this.#held.size, bytes };
  }

  /** Finds a conversation, or begins one. @throws RequestError */
  async lease(wanted: Wanted): Promise<Lease> {
    const { id, append } = wanted;
    const found = id === undefined ? await this.#bySaid(wanted) : await this.#byId(wanted, id);
    if (!found && append) {
      refuseRequest("a conversation that is gone on with must be known", id, {
        status: 404,
        code: "conversation_not_found",
      });
    }
    const one = found ?? await this.#begin(wanted);
    const heard = one.session.conversation;
    const messages = append ? [...heard, ...wanted.messages] : goingOn(heard, wanted.messages) ?? wanted.messages;
    return { session: one.session, messages, settle: () => this.#settle(one) };
  }

  async #byId(wanted: Wanted, id: string): Promise<Conversation | null> {
    const name = nameOfId(wanted, id), manner = mannerOf(wanted.options);
    const mine = this.#held.get(name);
    if (mine?.busy) {
      refuseRequest("a conversation must be asked one thing at a time", id, { status: 409, code: "conversation_busy" });
    }
    const version = await this.#store?.version(name) ?? null;
    const fresh = mine && (!this.#store || mine.version === version); // no other process went on with it
    if (fresh && mine.manner === manner) return this.#take(mine);
    if (fresh && wanted.append) refuseOther();
    if (mine && !mine.busy) this.#drop(mine);
    if (version === null) return null;
    return await this.#restore(wanted, name, manner) ?? (wanted.append ? refuseOther() : null);
  }

  async #bySaid(wanted: Wanted): Promise<Conversation | null> {
    const { messages, options } = wanted;
    const manner = mannerOf(options);
    const names = namesOf(wanted, manner, messages);
    const ends = names.flatMap((name, i) => messages[i].role === "assistant" && i < names.length - 1 ? [name] : []);
    for (const [i, name] of ends.reverse().entries()) {
      const mine = this.#held.get(name);
      if (mine && !mine.busy) return this.#take(mine);
      if (i >= LOOKED_UP || !this.#store || await this.#store.version(name) === null) continue;
      const kept = await this.#restore(wanted, name, manner);
      if (kept) return kept;
    }
    return null;
  }

  #take(one: Conversation): Conversation {
    one.busy = true;
    this.#held.delete(one.name); // to the end of the line
    this.#held.set(one.name, one);
    return one;
  }

  /** What the store has; null: none that fits. @throws what is wrong with it, where nothing else would do */
  async #restore(wanted: Wanted, name: string, manner: string): Promise<Conversation | null> {
    const kept = await this.#store!.read(name);
    const unpacked = kept && unpack(kept.bytes);
    if (!unpacked || unpacked.manner !== manner) return null;
    const { model } = wanted.hosted, { snapshot } = unpacked;
    const open = () => model.restore(snapshot, { onWarning: () => {} });
    try {
      const one = await this.#make(wanted, name, snapshot.length, open);
      one.version = kept.version;
      return one;
    } catch (error) {
      if (wanted.append || error instanceof RequestError) throw error;
      return null; // all is read again
    }
  }

  async #begin(wanted: Wanted): Promise<Conversation> {
    const { hosted, options, id, most } = wanted;
    const name = id === undefined ? crypto.randomUUID() : nameOfId(wanted, id);
    const grows = options.policy === "full" || options.evict === "prompt" || typeof options.budget === "object";
    const read = grows ? wanted.read() : 1;
    const bytes = hosted.model.sessionBytes(options, { read, written: most });
    return await this.#make(
      wanted,
      name,
      bytes,
      () => Promise.resolve(hosted.model.session({ ...options, onWarning: () => {} })),
    );
  }

  async #make(wanted: Wanted, name: string, bytes: number, open: () => Promise<Session>): Promise<Conversation> {
    this.#makeRoom(bytes);
    this.#making += bytes;
    try {
      const session = await open();
      const { hosted, owner, id, options } = wanted;
      const one = {
        name,
        wanted: { hosted, owner, id },
        manner: mannerOf(options),
        session,
        version: null,
        bytes,
        busy: true,
      };
      this.#held.set(name, one);
      return one;
    } finally {
      this.#making -= bytes;
    }
  }

  /** Room for a session that is nobody's conversation. @returns what gives it back @throws RequestError; KvcapRangeError for bad options */
  reserve(hosted: Hosted, options: SessionOptions, tokens: { read: number; written: number }): () => void {
    const bytes = hosted.model.sessionBytes(options, tokens);
    this.#makeRoom(bytes);
    this.#making += bytes;
    return () => void (this.#making -= bytes);
  }

  /** Lets conversations go until so many bytes are free. @throws RequestError where that cannot be */
  #makeRoom(bytes: number): void {
    if (bytes > this.#most) {
      refuseRequest(`a session must take at most ${this.#most} bytes`, bytes, { param: "budget", code: "no-memory" });
    }
    for (const one of [...this.#held.values()]) {
      if (this.held.bytes + bytes <= this.#most) return;
      if (!one.busy) this.#drop(one);
    }
    if (this.held.bytes + bytes > this.#most) {
      const rule = `the sessions that are at work must leave ${bytes} bytes of ${this.#most}`;
      refuseRequest(rule, this.#most - this.held.bytes, { status: 503, code: "no-memory", retryAfter: 1 });
    }
  }

  #drop(one: Conversation): void {
    this.#held.delete(one.name);
    one.session.dispose();
  }

  async #settle(one: Conversation): Promise<void> {
    if (!one.busy) return;
    const { session, wanted, manner } = one;
    const said = session.conversation;
    try {
      if (said.length === 0) return this.#drop(one); // stopped before its first answer
      one.bytes = heldBytes(session);
      const before = one.version === null ? null : one.name; // in the store
      if (wanted.id === undefined) this.#rename(one, namesOf(wanted, manner, said).at(-1)!);
      if (!this.#store || !this.#held.has(one.name)) return;
      one.version = await this.#store.write(one.name, pack(manner, await session.snapshot()));
      if (before !== null && before !== one.name) await this.#store.remove(before);
    } catch (error) {
      this.#drop(one);
      throw error;
    } finally {
      one.busy = false;
    }
  }

  /** What was said has grown: so it is found by another name. Of two that come to the same, the older goes. */
  #rename(one: Conversation, name: string): void {
    this.#held.delete(one.name);
    const twin = this.#held.get(name);
    if (twin && twin.busy) return one.session.dispose();
    if (twin) this.#drop(twin);
    one.name = name;
    this.#held.set(name, one);
  }

  /** Gives all back; what was said is in the store. */
  close(): void {
    for (const one of [...this.#held.values()]) this.#drop(one);
  }
}

type Whose = Pick<Wanted, "hosted" | "owner">;

const sum = (value: unknown) => hex(sha256(new TextEncoder().encode(JSON.stringify(value))));
const nameOfId = ({ hosted, owner }: Whose, id: string) => sum(["id", owner, hosted.name, id]);

/** What a conversation is found by after each of its messages. */
function namesOf({ hosted, owner }: Whose, manner: string, messages: readonly ChatMessage[]): string[] {
  let name = sum(["said", owner, hosted.name, manner]);
  return messages.map((message) => name = sum([name, essence(message)]));
}

function refuseOther(): never {
  const rule = "a conversation that is gone on with must keep the policy, budget and other options of its cache";
  refuseRequest(rule, words("others"), { status: 409 });
}
