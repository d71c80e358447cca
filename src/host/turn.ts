/** A turn of the host's other tasks. Timers of pages would wait 4 ms for it. */
export async function turn(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  await new Promise((resolve) => {
    port1.onmessage = resolve;
    port2.postMessage(null);
  });
  port1.close();
}

/** Calls back once what is to be done at once is done: sooner than a turn and cheaper, where the host has that. */
export function soon(call: () => void): void {
  const { setImmediate } = globalThis as { setImmediate?: (call: () => void) => unknown };
  if (setImmediate) setImmediate(call);
  else void turn().then(call);
}
