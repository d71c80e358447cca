/** Starts workers of pages. */

/**
 * Starts a worker of a script, and waits for the first word from it.
 * @param given what it is told first, if anything
 * @throws Error where a policy forbids it, or the worker fails before
 */
export async function startWorker(script: string, options: WorkerOptions, given?: unknown): Promise<Worker> {
  const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  let worker: Worker | null = null;
  try {
    const begun = worker = new Worker(url, options);
    await new Promise<void>((resolve, reject) => {
      begun.onmessage = () => resolve();
      begun.onerror = (event) => {
        event.preventDefault();
        reject(new Error(event.message || "a worker could not be started"));
      };
      if (given !== undefined) begun.postMessage(given);
    });
    return begun;
  } catch (error) {
    worker?.terminate();
    throw error;
  } finally {
    URL.revokeObjectURL(url);
  }
}
