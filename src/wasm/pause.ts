/** A pass holds the thread that it runs on: between passes others have their turn. */

const MOST = 12; // ms without one
let since = performance.now();

/** Lets the host's other tasks run, if they have waited for long. */
export async function pause(): Promise<void> {
  if (performance.now() - since < MOST) return;
  const { port1, port2 } = new MessageChannel(); // timers of browsers would wait 4 ms
  await new Promise((resolve) => {
    port1.onmessage = resolve;
    port2.postMessage(null);
  });
  port1.close();
  since = performance.now();
}
