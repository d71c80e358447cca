/** Snapshots of whole sessions: written, opened for a model, and what a session that goes on from one must be given again. */
import { describeModel } from "../model/config.ts";
import type { LoadedModel } from "../model/loaded.ts";
import type { CheckedSession, SessionOptions } from "../options/index.ts";
import { slotBytes } from "../gpu/cache.ts";
import { callback, known } from "../options/check.ts";
import { checkPolicyAgain, type OwnFunctions } from "../options/kept.ts";
import { kvBuffers } from "../gpu/slots.ts";
import type { Stepper } from "../session/step.ts";
import { type Range, readRanges } from "./buffers.ts";
import { loadContext, saveContext } from "./context.ts";
import { beginFile, type Kept, readFile, refused } from "./file.ts";
import { fingerprint } from "./fingerprint.ts";

/** Writes a snapshot. @throws Error where the device fails, or the books can no longer be trusted */
export async function writeSnapshot(
  model: LoadedModel,
  kept: Omit<Kept, "context">,
  stepper: Stepper | null,
): Promise<Uint8Array<ArrayBuffer>> {
  const action = "take a snapshot";
  const origin = {
    model: describeModel(model.config),
    fingerprint: await fingerprint(action, model),
  };
  const { context = null, bytes = new Uint8Array(0) } = stepper ? saveContext(stepper) : {};
  const buffers = stepper ? kvBuffers(stepper.cache) : [];
  const ranges = buffers.map((buffer): Range => ({ buffer, from: 0, bytes: buffer.size }));
  const total = buffers.reduce((sum, { size }) => sum + size, bytes.length);
  const { body, seal } = beginFile({ ...origin, ...kept, context }, total);
  body.set(bytes);
  if (stepper) await readRanges(action, model.gpu, stepper.readback, ranges, body.subarray(bytes.length));
  return seal();
}

/** Opens a snapshot of a session of `model`. @throws TypeError, RangeError where it is none; Error where the device fails */
export async function openSnapshot(model: LoadedModel, bytes: Uint8Array): Promise<{ kept: Kept; body: Uint8Array }> {
  const { header: { model: origin, fingerprint: print, ...kept }, body } = readFile(bytes);
  const mine = describeModel(model.config);
  if (origin !== mine) throw refused(`the snapshot must be of this model (${mine})`, `one of ${origin}`);
  if (print !== await fingerprint("restore session", model)) {
    throw refused("the snapshot must be of a model with these weights", "one of others");
  }
  if (kept.pending !== null && kept.pending >= model.config.vocab) {
    throw refused(`the id generated last must be below ${model.config.vocab}`, kept.pending);
  }
  const { slots } = kept.context ?? { slots: 0 };
  const bytesOfSlots = slots * slotBytes(model.config, kept.asked.kv ?? model.kv); // looked at before anything so large is made
  if (bytesOfSlots > body.length) throw refused(`${slots} slots must be at least ${bytesOfSlots} bytes`, body.length);
  return { kept, body };
}

/** Fills a new session's cache from a snapshot. @throws RangeError where what it holds contradicts itself */
export function fillCache(
  model: LoadedModel,
  stepper: Stepper,
  options: CheckedSession,
  { context }: Kept,
  body: Uint8Array,
): void {
  let at = loadContext(model, stepper, options, context!, body);
  const buffers = kvBuffers(stepper.cache);
  const total = buffers.reduce((sum, { size }) => sum + size, at);
  if (body.length !== total) throw refused(`books, K and V must be ${total} bytes`, body.length);
  for (const buffer of buffers) {
    model.gpu.device.queue.writeBuffer(buffer, 0, body as Uint8Array<ArrayBuffer>, at, buffer.size);
    at += buffer.size;
  }
}

/**
 * The options of a session that goes on from `kept`: as they were asked for, and its functions.
 * @throws RangeError for other functions than it needs, or those that would have had to be there from the start
 */
export function optionsAgain(
  action: string,
  { asked, ownScore, context }: Kept,
  own: OwnFunctions,
): SessionOptions {
  known(action, own, ["score", "policy", "onEvict"]);
  checkPolicyAgain(action, asked, own.policy);
  const score = callback(action, "score", own.score as (() => void) | undefined);
  if (ownScore !== (score !== null)) {
    const rule = ownScore
      ? "the session's own score must be given again"
      : "score must be left out, the session has none";
    throw refused(rule, score ? "a function" : "none", action);
  }
  const onEvict = callback(action, "onEvict", own.onEvict);
  if (onEvict && context && !context.ids) {
    throw refused("onEvict needs a session that had one from the start, with the ids of its tokens", "another", action);
  }
  return { ...asked, ...own };
}
