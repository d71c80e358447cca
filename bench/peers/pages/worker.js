// A job in a worker of its page.
import { opener as kvcap } from "./kvcap.js";
import { measure } from "../measure.js";
import { opener as transformers } from "./transformers.js";

self.onmessage = async ({ data: { job, started } }) => {
  const opener = job.peer === "kvcap" ? kvcap : transformers;
  try {
    self.postMessage(await measure(opener(new URL("/runtime/peer.js", location.href).href), job, started));
  } catch (error) {
    self.postMessage({ failed: String(error instanceof Error ? error.stack : error) });
  }
};
