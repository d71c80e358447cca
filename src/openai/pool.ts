/** Sessions in memory, under one bound on their bytes: of those that nobody uses, who was not asked for longest goes first. */
import { words } from "../errors.ts";
import type { SessionOptions } from "../options/session.ts";
import type { Session } from "../session/session.ts";
import { heldBytes, type Hosted } from "./hosted.ts";
import { refuseRequest } from "./refusals.ts";

/** A session that is kept. */
export interface Held {
  readonly session: Session;
  bytes: number;
  busy: boolean;
  /** Whether it goes before all others: nobody has asked for it yet. */
  readonly spare: boolean;
  /** Called when it leaves, before its session is disposed of. */
  readonly left: () => void;
}

/** Room that is taken. */
export interface Reserved {
  /** The session has been made: it may hold more than was foreseen, its books on the host. */
  holds(session: Session): void;
  /** Gives it back. */
  free(): void;
}

export class Pool {
  readonly #held = new Set<Held>(); // those asked for longest ago first
  readonly #most: number;
  #making = 0; // bytes of sessions that are being made
  #closed = false;

  /** @param most bytes of all sessions */
  constructor(most: number) {
    this.#most = most;
  }

  /** How many there are. */
  get count(): number {
    return this.#held.size;
  }

  /** Bytes of all sessions. */
  get bytes(): number {
    let bytes = this.#making;
    for (const one of this.#held) bytes += one.bytes;
    return bytes;
  }

  /** Somebody asks for one: it goes to the end of the line. */
  take<T extends Held>(one: T): T {
    one.busy = true;
    this.#held.delete(one);
    this.#held.add(one);
    return one;
  }

  drop(one: Held): void {
    this.#held.delete(one);
    one.left();
    one.session.dispose();
  }

  /** Makes one, in a place that is free for it. @throws RequestError where none can be; what `make` does */
  async make<T extends Held>(bytes: number, make: () => Promise<T>): Promise<T> {
    this.makeRoom(bytes);
    this.#making += bytes;
    try {
      const one = await make();
      this.#held.add(one);
      if (!this.#closed) return one;
      this.drop(one);
      return refuseClosed();
    } finally {
      this.#making -= bytes;
      this.trim(); // it may take more than was foreseen
    }
  }

  /** Room for a session that is nobody's conversation. @throws RequestError; KvcapRangeError for bad options */
  reserve(hosted: Hosted, options: SessionOptions, tokens: { read: number; written: number }): Reserved {
    let bytes = hosted.model.sessionBytes(options, tokens);
    this.makeRoom(bytes);
    this.#making += bytes;
    return {
      holds: (session) => {
        const more = Math.max(0, heldBytes(session) - bytes);
        this.#making += more;
        bytes += more;
        this.trim();
      },
      free: () => void (this.#making -= bytes),
    };
  }

  /** Lets sessions go until so many bytes are free. @param whole bytes of the session they are for @throws RequestError where that cannot be */
  makeRoom(bytes: number, whole = bytes): void {
    if (this.#closed) refuseClosed();
    if (!(whole <= this.#most)) {
      refuseRequest(`a session must take at most ${this.#most} bytes`, whole, { param: "budget", code: "no-memory" });
    }
    if (this.trim(bytes)) return;
    const rule = `the sessions that are at work must leave ${bytes} bytes of ${this.#most}`;
    refuseRequest(rule, this.#most - this.bytes, { status: 503, code: "no-memory", retryAfter: 1 });
  }

  /** Lets sessions go until so many bytes are free; none where that would not do. @param spare those alone that go before others @returns whether they are */
  trim(bytes = 0, spare = false): boolean {
    const idle = [...this.#held].filter((one) => !one.busy);
    const going = [...idle.filter((one) => one.spare), ...spare ? [] : idle.filter((one) => !one.spare)];
    let over = this.bytes + bytes - this.#most;
    if (bytes > 0 && going.reduce((rest, one) => rest - one.bytes, over) > 0) return false;
    for (const one of going) {
      if (over <= 0) break;
      over -= one.bytes;
      this.drop(one);
    }
    return over <= 0;
  }

  /** Gives all back. */
  clear(): void {
    for (const one of [...this.#held]) this.drop(one);
  }

  /** Likewise, what is being made once it is: from now on there is room for nothing. */
  close(): void {
    this.#closed = true;
    this.clear();
  }
}

function refuseClosed(): never {
  refuseRequest("who answers must not be disposed of", words("one that is"), { status: 503, code: "closed" });
}
