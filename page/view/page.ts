import type { ToWorker } from "../protocol.ts";

/** What a view may ask of the page. */
export interface ViewPage {
  /** Gives the worker work; it is busy then. */
  work(message: ToWorker): void;
  stop(): void;
  /** Says what went wrong with what was asked. */
  trouble(text: string): void;
  /** What an address calls the model. */
  model(): string;
  /** Says what the address of comparisons is now. */
  address(hash: string): void;
}
