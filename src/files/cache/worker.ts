/** What writes the files of a page's cache: a worker, or where there may be none (shared and service workers, a policy) the browser's writer. */
import { oneLine } from "../../errors.ts";
import { startWorker } from "../../host/worker.ts";
import script from "./opfs-writer.js" with { type: "text" };
import { Unstorable } from "./store.ts";
import { writeInPlace, type Writer } from "./writable.ts";

/** What the worker says of an error: its name, and all of it. */
interface Failure {
  readonly name: string;
  readonly said: string;
}

/** Starts it. What is written throws Unstorable where the browser does not take it. */
export function startWriter(storage: StorageManager): Writer {
  const started = startWorker(script, {}).then(writeIn, () => writeInPlace(storage));
  return async (...put) => await (await started)(...put);
}

/** Writes in a worker, a piece after the other. */
function writeIn(worker: Worker): Writer {
  const waiting = new Map<number, (failure: Failure | null) => void>();
  let id = 0, broken: Failure | null = null;
  worker.onmessage = ({ data }) => {
    waiting.get(data.id)?.(data.failure);
    waiting.delete(data.id);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    broken = { name: "Error", said: event.message };
    for (const settle of waiting.values()) settle(broken);
    waiting.clear();
  };
  return (path, at, bytes) =>
    new Promise((resolve, reject) => {
      const settle = (failure: Failure | null) =>
        failure === null ? resolve() : reject(new Unstorable(oneLine(failure.said), failure));
      if (broken !== null) return settle(broken);
      waiting.set(++id, settle);
      const own = bytes !== null && bytes.byteLength === bytes.buffer.byteLength;
      worker.postMessage({ id, path, at, bytes }, own ? [bytes.buffer] : []);
    });
}
