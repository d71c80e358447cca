/** A pass holds the thread that it runs on: between passes others have their turn. */

import { runtime } from "../host/runtime.ts";
import { turn } from "../host/turn.ts";

const MOST = 12; // ms without one
const DEAF = 250; // ms: Deno looks for signals at every 61st task only, but where it has nothing to do
let since = performance.now();
let listened = since;

/** Whether the host's other tasks have waited for long. */
export const isPauseDue = (): boolean => performance.now() - since >= MOST;

let pausing: Promise<void> | null = null;

/** Lets them run. Passes that pause at the same time go on at the same time, so that those of a batch stay together. */
export const pause = (): Promise<void> => pausing ??= rest();

async function rest(): Promise<void> {
  if (runtime === "deno" && performance.now() - listened >= DEAF) {
    await new Promise((resolve) => setTimeout(resolve, 0)); // 1 to 2 ms of nothing
    listened = performance.now();
  } else await turn();
  since = performance.now();
  pausing = null;
}
