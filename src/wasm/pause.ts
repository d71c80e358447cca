/** A pass holds the thread that it runs on: between passes others have their turn. */

const MOST = 12; // ms without one
let since = performance.now();

/** Whether the host's other tasks have waited for long. */
export const isPauseDue = (): boolean => performance.now() - since >= MOST;

/** Lets them run. */
export async function pause(): Promise<void> {
  const { port1, port2 } = new MessageChannel(); // timers of browsers would wait 4 ms
  await new Promise((resolve) => {
    port1.onmessage = resolve;
    port2.postMessage(null);
  });
  port1.close();
  since = performance.now();
}
