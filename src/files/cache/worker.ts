/** The worker that writes the files of a page's cache. */
import { oneLine } from "../../errors.ts";
import script from "./opfs-writer.js" with { type: "text" };
import { Unstorable } from "./store.ts";

/** Puts bytes at a place of a file, which ends there; null closes the file. The bytes may be gone afterwards. */
export type Writer = (path: string, at: number, bytes: Uint8Array<ArrayBuffer> | null) => Promise<void>;

/** What the worker says of an error: its name, and all of it. */
interface Failure {
  readonly name: string;
  readonly said: string;
}

/** Starts it. What is written throws Unstorable where the browser does not take it. */
export function startWriter(): Writer {
  const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  const worker = new Worker(url);
  const waiting = new Map<number, (failure: Failure | null) => void>();
  let id = 0, broken: Failure | null = null;
  worker.onmessage = ({ data }) => {
    waiting.get(data.id)?.(data.failure);
    waiting.delete(data.id);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    broken = { name: "Error", said: event.message || "a page that allows no workers from blob: URLs" };
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
