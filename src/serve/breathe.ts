/** A pause in which a server hears its network. */
import { setImmediate } from "node:timers/promises";
import { runtime } from "../host/runtime.ts";

let breathing: Promise<void> | null = null;

/** Those who pause at the same time go on at the same time, so that their next steps are taken together. */
export const breathe = (): Promise<void> => breathing ??= rest();

async function rest(): Promise<void> {
  try {
    await (runtime === "deno" ? hear() : setImmediate());
  } finally {
    breathing = null;
  }
}

const EVERY = 2, MOST = 5; // ms, times
const DEAF = 5; // ms
let heard = performance.now();
let line: Promise<Line | null> | null = null;

/**
 * Deno looks at its sockets only where it waits for one, or for a timer, which takes 1 to 2 ms. So it waits for what it tells itself: 0.1 ms.
 * A request goes one step at a time, from its connection to its body: there are more of them the longer nobody listened.
 */
async function hear(): Promise<void> {
  const own = await (line ??= lineToOneself()), since = performance.now() - heard;
  if (own !== null) {
    for (let left = Math.min(MOST, since / EVERY); left > 0; left--) await own();
  } else {
    if (since < DEAF) return await setImmediate();
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  heard = performance.now();
}

/** Tells itself something, and hears it. */
type Line = () => Promise<void>;

/** @returns null where the program may not use any port but its own, or there is none */
async function lineToOneself(): Promise<Line | null> {
  if ((await Deno.permissions.query({ name: "net" })).state !== "granted") return null; // nobody is to be asked
  try {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    try {
      const at = { hostname: "127.0.0.1", port: listener.addr.port };
      const [near, far] = await Promise.all([Deno.connect(at), listener.accept()]);
      if ((far.remoteAddr as Deno.NetAddr).port !== (near.localAddr as Deno.NetAddr).port) return null; // a stranger
      return lineOf(near, far);
    } finally {
      listener.close();
    }
  } catch {
    return null;
  }
}

function lineOf(near: Deno.TcpConn, far: Deno.TcpConn): Line {
  const byte = new Uint8Array(1);
  near.setNoDelay();
  return async () => {
    try {
      const told = far.read(byte); // first: what is there already would be taken without a look at any socket
      await near.write(byte);
      await told;
      await setImmediate();
    } catch {
      line = Promise.resolve(null); // the system closed it
    }
  };
}
