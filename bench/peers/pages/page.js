// The page of a job: asks the server for it, runs it here or in a worker, and hands its outcome to the program outside.
import { measure } from "../measure.js";
import { opener as wllama } from "./wllama.js";

const job = await (await fetch("/job")).json();
const started = performance.timeOrigin;
// @ts-ignore: the program outside gave the page these two
const { peersOutcome, peersFailed } = globalThis;
addEventListener("unhandledrejection", ({ reason }) => peersFailed(String(reason?.stack ?? reason)));

if (job.peer === "wllama") {
  await measure(
    wllama(new URL("/runtime/peer.js", location.href).href),
    job,
    started,
  ).then(peersOutcome, (error) => peersFailed(String(error.stack)));
} else {
  const worker = new Worker("/driver/worker.js", { type: "module" });
  worker.onerror = ({ message }) => peersFailed(message);
  worker.onmessage = ({ data }) => data.failed ? peersFailed(data.failed) : peersOutcome(data);
  worker.postMessage({ job, started });
}
