/** A pause in which a server hears its network. */
import { setImmediate } from "node:timers/promises";
import { runtime } from "../host/runtime.ts";

const DEAF = 5; // ms: Deno looks at its sockets between timers, and now and then else
let listened = performance.now();

export async function breathe(): Promise<void> {
  if (runtime !== "deno") return await setImmediate();
  if (performance.now() - listened < DEAF) return await setImmediate();
  await new Promise((resolve) => setTimeout(resolve, 0)); // 1 to 2 ms of nothing
  listened = performance.now();
}
