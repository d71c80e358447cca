/** The program of a worker of `sweep`: units come as lines of JSON on standard input, results go to standard output. */
import process from "node:process";
import type { Unit } from "../eval/units.ts";
import type { LoadOptions } from "../options/index.ts";
import { linesOf } from "./json-lines.ts";
import { Measurer } from "./measure.ts";
import { ClosedPipe, note, printJson } from "./terminal.ts";

/** How units are measured, until other orders come. */
export interface Orders {
  readonly text: string;
  readonly load: Pick<LoadOptions, "cache" | "threads">;
  readonly times: boolean;
}

/** A line. */
export type Message = { readonly orders: Orders } | { readonly unit: Unit };

if (import.meta.main) {
  let measurer: Measurer | null = null;
  try {
    for await (const line of linesOf(process.stdin)) {
      const message = JSON.parse(line) as Message;
      if ("orders" in message) {
        measurer?.dispose();
        measurer = new Measurer({
          ...message.orders,
          load: { ...message.orders.load, onWarning: note },
          onProgress: () => {},
        });
      } else printJson(await measurer!.measure(message.unit));
    }
  } catch (error) {
    if (!(error instanceof ClosedPipe)) throw error; // the sweep has ended
  } finally {
    measurer?.dispose();
  }
}
