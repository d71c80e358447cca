/**
 * The program of the worker that a page's engine runs in: the engine of this room, spoken to by messages. build/worker.mjs makes
 * one script of it, without Wasm, which the page compiles and sends.
 */
import type { ModelConfig } from "../engine/config.ts";
import type { Pass } from "../engine/engine.ts";
import { toldBytes } from "../engine/kv.ts";
import type { WasmContext } from "./context.ts";
import { openWasmEngine, type WasmEngine } from "./engine.ts";
import { WasmGathering } from "./gathering.ts";
import { type Call, type CallName, type Calls, type Change, type FromWorker, told, type ToWorker } from "./messages.ts";
import type { Opening, PassAnswer, PassSent } from "./messages.ts";
import { parcelOf } from "./parcel.ts";

const scope = globalThis as unknown as {
  postMessage(message: FromWorker, transfer: Transferable[]): void;
  onmessage: (event: MessageEvent<ToWorker>) => void;
};
const post = (message: FromWorker, transfer: Transferable[] = []) => scope.postMessage(message, transfer);

let config: ModelConfig;
let engine: WasmEngine;
const contexts = new Map<number, WasmContext>();
const reads = new Map<number, (bytes: Uint8Array<ArrayBuffer>) => void>();
let takeModule: (module: WebAssembly.Module) => void = () => {};
let asked = 0; // reads
let work: Promise<void> = Promise.resolve(); // what came before

scope.onmessage = ({ data }) => {
  switch (data.type) {
    case "bytes":
      reads.get(data.read)!(data.bytes);
      return void reads.delete(data.read);
    case "module":
      return takeModule(data.module);
    case "open":
      return void open(data.opening).catch((error) => post({ type: "refused", error: told(error) }));
    default:
      work = work.then(() => "call" in data ? answer(data) : change(contexts.get(data.context)!, data));
      work.catch((error) =>
        setTimeout(() => { // where the page hears of it
          throw error;
        })
      );
  }
};

async function open(opening: Opening): Promise<void> {
  const tensors = new Map(
    opening.tensors.map(([name, tensor]) => {
      const read = (from = 0, to = tensor.bytes) =>
        new Promise<Uint8Array<ArrayBuffer>>((resolve) => {
          reads.set(asked, resolve);
          post({ type: "read", read: asked++, name, from, to });
        });
      return [name, { ...tensor, read }];
    }),
  );
  const moduleFor = (shared: boolean) =>
    new Promise<WebAssembly.Module>((resolve) => {
      takeModule = resolve;
      post({ type: "module", shared });
    });
  const onBytes = (bytes: number) => post({ type: "progress", bytes });
  config = opening.config;
  engine = await openWasmEngine({ ...opening, tensors, onBytes }, moduleFor);
  const { adapter, weightBytes, peak, model: { threads } } = engine;
  post({ type: "opened", opened: { adapter, threads, weightBytes, peak } });
}

async function answer(call: Call): Promise<void> {
  try {
    const [answer, transfer] = await (CALLS[call.type] as (call: Call) => Promise<[unknown, Transferable[]]>)(call);
    post({ type: "answer", call: call.call, answer }, transfer);
  } catch (error) {
    post({ type: "failed", call: call.call, error: told(error), failure: engine.failure });
  }
}

type Answer<Name extends CallName> = Promise<[answer: Calls[Name][1], transfer: Transferable[]]>;

/** A pass that was sent. */
function passOf({ shape }: WasmContext, { pass: { observed, ...pass }, parcel: buffer }: PassSent): Pass {
  const parcel = parcelOf(config, shape, buffer);
  const slots = config.layers * config.kvHeads * pass.count;
  return {
    ...pass,
    ...{ ids: parcel.ids, begin: 0, slots: parcel.slots.subarray(0, slots) },
    rows: shape.pooled ? parcel.rows.subarray(0, slots) : null,
    observations: observed ? parcel.observed : null,
    told: shape.tells ? parcel.told.subarray(0, toldBytes(config, shape, pass.count)) : null,
    queries: shape.asks ? parcel.queries : null,
  };
}

function answerOf(one: WasmContext, { pass: { wanted }, parcel: buffer }: PassSent, id: number): PassAnswer {
  const parcel = parcelOf(config, one.shape, buffer);
  if (wanted === "logits") parcel.logits.set(one.logits);
  if (wanted === "losses") parcel.losses.set(one.losses);
  return { id, clamped: one.clamped, parcel: buffer };
}

/** What each call does. */
const CALLS: { [Name in CallName]: (call: Extract<Call, { type: Name }>) => Answer<Name> } = {
  async context({ context, shape }) {
    const { made, refused } = engine.guarded(() => engine.context(shape));
    contexts.set(context, made);
    return [{ refusal: (await refused)?.message ?? null, peak: engine.peak }, []];
  },
  async pass({ context, ...sent }) {
    const one = contexts.get(context)!;
    const id = await one.pass(passOf(one, sent));
    return [answerOf(one, sent, id), [sent.parcel]];
  },
  async passes({ context, members }) {
    const own = members.map((member) => contexts.get(member.context)!);
    const passes = members.map((member, i) => passOf(own[i], member));
    const ids: number[] = [];
    const gathering = new WasmGathering(contexts.get(context)!);
    await gathering.pass({ contexts: own, passes, begin: 0, count: members.length }, ids);
    return [members.map((member, i) => answerOf(own[i], member, ids[i])), members.map(({ parcel }) => parcel)];
  },
  async read({ context, count }) {
    const logits = new Float32Array(count * config.vocab);
    const hidden = new Float32Array((config.layers + 1) * count * config.hidden);
    await contexts.get(context)!.read(count, logits, hidden);
    return [{ logits, hidden }, [logits.buffer, hidden.buffer]];
  },
  async states({ context, count, stage }) {
    const states = new Float32Array(count * config.hidden);
    await contexts.get(context)!.states(count, stage, states);
    return [states, [states.buffer]];
  },
  async save({ context, action }) {
    const one = contexts.get(context)!;
    const bytes = new Uint8Array(one.savedBytes);
    await one.save(action, bytes);
    return [bytes, [bytes.buffer]];
  },
};

function change(context: WasmContext, change: Change & { context: number }): void {
  switch (change.type) {
    case "place":
      return context.place(change.positions, change.ranks);
    case "placeRows":
      return context.placeRows(change.rows);
    case "fold":
      return context.fold(change.gone);
    case "forget":
      return context.forget();
    case "ban":
      return context.ban(change.bits);
    case "load":
      return context.load(change.bytes);
    case "copyFrom":
      return context.copyFrom(contexts.get(change.other)!);
    case "growFrom":
      return context.growFrom(contexts.get(change.other)!);
    case "release":
      contexts.delete(change.context);
      return context.release();
  }
}

post({ type: "started" });
