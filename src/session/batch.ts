/** Sessions whose steps are computed together: the weights are read once for all of them, attention is each one's own. */
import { refuse, words } from "../errors.ts";
import type { LoadedModel } from "../model/loaded.ts";
import { Session, stateOf } from "./session.ts";
import type { SessionState } from "./state.ts";
import { Member, Together } from "./together.ts";

/**
 * Made by `model.batch()`. Its sessions are used as ever; those that generate at the same time take their tokens in together, on the
 * processor's engine as one alone would to the last bit, so that what a session says does not depend on the others.
 */
export class Batch {
  readonly #model: LoadedModel;
  readonly #together: Together;
  readonly #members = new Set<SessionState>();
  #disposed = false;

  /** Use `model.batch()`. @internal */
  constructor(model: LoadedModel, sessions: readonly Session[]) {
    this.#model = model;
    if (!Array.isArray(sessions)) {
      refuse("batch sessions", "sessions must be a list", words(typeof sessions), { kind: "type" });
    }
    for (const session of sessions) this.#check(session);
    this.#together = new Together(model.engine, sessions.length);
    for (const session of sessions) this.add(session);
  }

  /** How many sessions it has. */
  get size(): number {
    return this.#members.size;
  }

  /**
   * A session steps with the others from its next step on; one of another batch leaves that.
   * @throws RangeError for a session of another model, or where there is no room for what more sessions work on; Error for a disposed
   *   batch, or a session that is, or generates; TypeError for what is no session. Nothing has changed then
   */
  add(session: Session): void {
    const state = this.#check(session);
    this.#together.grow(this.#members.size + 1);
    state.member?.leave();
    state.member = new Member(this.#together, () => this.#leave(state));
    this.#members.add(state);
  }

  #check(session: Session): SessionState {
    const state = known(session);
    if (this.#disposed) {
      const parts = { kind: "plain", code: "wrong-state" } as const;
      refuse("batch sessions", "the batch must not be disposed", words("a disposed one"), parts);
    }
    if (state.model !== this.#model) {
      refuse("batch sessions", "every session must be of this model", words("another's"));
    }
    state.checkUsable("batch sessions");
    return state;
  }

  /** A session steps by itself again. @throws TypeError for what is none */
  remove(session: Session): void {
    this.#leave(known(session));
  }

  #leave(state: SessionState): void {
    if (!this.#members.delete(state)) return;
    state.member?.end();
    state.member = null;
  }

  /** Its sessions go on by themselves, and what they worked on together is given back. */
  dispose(): void {
    this.#disposed = true;
    for (const state of this.#members) this.#leave(state);
    this.#together.release();
  }

  /** As dispose: `using batch = model.batch(sessions)`. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}

function known(session: Session): SessionState {
  if (session instanceof Session) return stateOf(session);
  return refuse("batch sessions", "each must be a session", words(typeof session), { kind: "type" });
}
