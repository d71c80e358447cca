/** What a session tells those who listen. */

/** A token that left a lane. */
export interface Evicted {
  /** Its id. */
  readonly token: number;
  /** How many tokens came before it. */
  readonly position: number;
  /** The layer that it left. */
  readonly layer: number;
  /** The KV head of that layer. */
  readonly head: number;
  /**
   * What the rule, or the session's own score, made of it at the moment it was chosen: smaller than of those that stayed,
   * protected and unsettled ones aside. Where the choice is shared by a layer's lanes, this lane's own part of the mean.
   */
  readonly score: number;
}

/** One step of a session, when it is done: tokens were taken in, and others evicted. */
export interface StepEvent {
  /** Ids that were taken in. */
  readonly ids: readonly number[];
  /** Position of the first of them; 0: the session has forgotten what was before. */
  readonly first: number;
  /** Who was evicted, lane by lane. */
  readonly victims: readonly Evicted[];
  /** Positions of the live tokens of every lane, ascending: [layers · kvHeads][live]. Computed when it is asked for. */
  live(): number[][];
  /**
   * What the rule, or the session's own score, makes of each of them, in the same order: bigger is more worth keeping. Computed
   * when it is asked for, which costs about as much as an eviction.
   */
  scores(): number[][];
  /**
   * How much attention each of them got in this step, in the same order: p over a KV head's query heads, their mean or as `aggregate`
   * says, summed over `ids`. With those of the victims, a lane's are as many as `ids` (under the mean, remainders aside). null where attention does not
   * count yet (`countFrom`). Computed when it is asked for.
   */
  attention(): number[][] | null;
  /**
   * Logits after the last of `ids`, [vocab], where the generation asks for them: with a temperature above 0, or `onLogits`. The
   * next step overwrites them.
   */
  readonly logits: Float32Array | null;
}

/** Of one token: ln of the model's own probability, before biases, penalties, bans and temperature. */
export interface Logprobs {
  /** Of the id that was chosen. */
  readonly logprob: number;
  /** The likeliest ids, the likeliest first, of equals the smaller: as many as were asked for. */
  readonly top: readonly { readonly id: number; readonly logprob: number }[];
}

/** Takes the bytes of a recording as they come; they are overwritten after the call. */
export type RecordSink = (chunk: Uint8Array<ArrayBuffer>) => void;
