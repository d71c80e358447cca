/** A pause in which a server hears its network. */
import { setImmediate } from "node:timers/promises";
import { runtime } from "../host/runtime.ts";

const DEAF = 5; // ms: Deno looks at its sockets between timers, and now and then else
let listened = performance.now();

let breathing: Promise<void> | null = null;

/** Those who pause at the same time go on at the same time, so that their next steps are taken together. */
export const breathe = (): Promise<void> => breathing ??= rest();

async function rest(): Promise<void> {
  if (runtime !== "deno" || performance.now() - listened < DEAF) await setImmediate();
  else {
    await new Promise((resolve) => setTimeout(resolve, 0)); // 1 to 2 ms of nothing
    listened = performance.now();
  }
  breathing = null;
}
