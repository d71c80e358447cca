/** What a page and a worker say to each other: a request, with a port of its own, over which its answer comes piece by piece. */

/** What begins a request. */
export const MARK = "kvcap/fetch";

/** A request, as the page posts it beside a port. */
export interface Asked {
  readonly kvcap: typeof MARK;
  readonly url: string;
  readonly method: string;
  readonly body: string | null;
  /** What the page holds for as long as it waits for the answer; null where there is no such thing. */
  readonly lock: string | null;
}

/** What the page says over the port: the next piece, please; or no more. */
export type Wish = "next" | "stop";

/** What the worker says over the port. */
export type Said =
  | { readonly status: number; readonly headers: [string, string][] }
  | { readonly chunk: Uint8Array<ArrayBuffer> | null } // null: that was all
  | { readonly failed: string };
