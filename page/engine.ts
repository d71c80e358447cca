/** The worker: what it is given to do, whether it is busy, and the model it has. */
import { DEAF, NOT_STARTED } from "./failures.ts";
import type { From, FromWorker, ModelInfo, ToWorker } from "./protocol.ts";

/** How long a worker may take to say that it stops. What ran is gone then, so it is not short. */
const PATIENCE = 2500; // ms

type Device = Extract<ToWorker, { type: "load" }>["device"];

export class Engine {
  from: From = { kind: "shipped" };
  /** What was asked to compute the model, by the option's name. */
  device: Device = "auto";
  model: ModelInfo | null = null;
  busy = false; // it loads or runs
  running = false;
  readonly #policies = new Map<string, string>(); // modules of the visitor's own, by the policy's name
  readonly #hear: (message: FromWorker) => void;
  #worker: Worker | null = null;
  #pending = 0; // of what it was given to do; it says "idle" after each
  #deaf: ReturnType<typeof setTimeout> | undefined; // the timer of a stop that it has not answered

  constructor(hear: (message: FromWorker) => void) {
    this.#hear = hear;
  }

  ask(message: ToWorker): void {
    if (!["stop", "scores", "books"].includes(message.type)) this.#pending++;
    this.#worker!.postMessage(message);
  }

  /** Gives it a run, or runs: they can be stopped. */
  run(message: ToWorker): void {
    this.busy = this.running = true;
    this.ask(message);
  }

  /** Stops what runs. Where the worker does not hear it, what ran has failed, and only another worker will do. */
  stop(): void {
    this.ask({ type: "stop" });
    clearTimeout(this.#deaf);
    this.#deaf = setTimeout(() => {
      const error = { name: DEAF, message: "" };
      this.#hear({ type: "failed", alive: false, during: "run", error, lost: false, webgpu: true, adapter: true });
    }, PATIENCE);
  }

  /** Loads a model, in a fresh worker: nothing of another model is left, not even a lost GPU. */
  load(from: From, device: Device): void {
    this.from = from;
    this.device = device;
    this.model = null;
    this.busy = true;
    this.running = false; // what ran goes with its worker
    this.#pending = 0;
    clearTimeout(this.#deaf);
    this.#worker?.terminate();
    const worker = this.#worker = new Worker("worker.js", { type: "module" });
    const hear = (message: FromWorker) => worker === this.#worker && this.#hear(message);
    worker.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => {
      if (data.type === "stopping" && worker === this.#worker) clearTimeout(this.#deaf);
      hear(data);
    });
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      if (worker !== this.#worker) return;
      const started = this.model !== null;
      const error = {
        name: started ? "Error" : NOT_STARTED,
        message: event.message || "its code could not be fetched",
      };
      const gpu = { lost: started, webgpu: true, adapter: true };
      hear({ type: "failed", alive: false, during: started ? "run" : "load", error, ...gpu });
      if (started) return;
      worker.terminate();
      this.#pending = 1; // nothing more comes of it
      hear({ type: "idle" });
    });
    this.ask({ type: "load", from, device });
    for (const code of this.#policies.values()) this.ask({ type: "policy", code, chosen: false }); // each worker learns them
  }

  /** It has a policy of the visitor's own, and is to have it whatever model comes. @returns whether one of that name goes */
  keepPolicy(name: string, code: string): boolean {
    const before = this.#policies.get(name);
    this.#policies.set(name, code);
    return before !== undefined && before !== code;
  }

  /** It did what it was given. @returns whether that was all */
  idle(): boolean {
    if (--this.#pending > 0) return false;
    return !(this.busy = this.running = false);
  }

  /** What an address calls the model: a file has no address, only a name. */
  get address(): string {
    const { from, model } = this;
    return from.kind === "url" ? from.url : from.kind === "files" ? `file:${model?.name ?? ""}` : "";
  }
}
