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

/** Takes the bytes of a recording as they come; they are overwritten after the call. */
export type RecordSink = (chunk: Uint8Array<ArrayBuffer>) => void;
