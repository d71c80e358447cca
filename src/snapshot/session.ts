/** Snapshots of whole sessions: written, opened for a model, and what a session that goes on from one must be given again. */
import { describeModel, type ModelConfig } from "../engine/config.ts";
import { KV_TYPES } from "../engine/kv.ts";
import { KvcapError, quote, refuse, show, words } from "../errors.ts";
import { slotBytes } from "../memory/sizes.ts";
import type { LoadedModel } from "../model/loaded.ts";
import { callback, known } from "../options/check.ts";
import { checkPins } from "../options/room.ts";
import { given } from "../options/row.ts";
import { checkPolicyAgain, type OwnFunctions } from "../options/kept.ts";
import type { CheckedSession, SessionOptions } from "../options/index.ts";
import { type CacheParts, loadCache, saveCache } from "./cache.ts";
import { beginFile, readFile, refuseSnapshot, type SavedSession } from "./file.ts";

/** Writes a snapshot. @throws Error where the device fails, or the books can no longer be trusted */
export async function writeSnapshot(
  { fingerprint, config }: LoadedModel,
  saved: Omit<SavedSession, "context">,
  parts: CacheParts | null,
): Promise<Uint8Array<ArrayBuffer>> {
  const action = "take a snapshot";
  const origin = { model: describeModel(config), fingerprint };
  const { cache: context = null, bytes = new Uint8Array(0) } = parts ? saveCache(parts) : {};
  const { body, seal } = beginFile({ ...origin, ...saved, context }, bytes.length + (parts?.context.savedBytes ?? 0));
  body.set(bytes);
  await parts?.context.save(action, body.subarray(bytes.length));
  return seal();
}

/** A snapshot that was opened: its header, and books, K and V. */
export interface Opened {
  readonly saved: SavedSession;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Opens a snapshot of a session of `model`. @throws TypeError, RangeError where it is none */
export function openSnapshot(model: LoadedModel, bytes: Uint8Array): Opened {
  const { header: { model: origin, fingerprint: print, ...saved }, body } = readFile(bytes);
  const { fingerprint, config } = model;
  const mine = describeModel(config);
  if (origin !== mine) refuseSnapshot(`the snapshot must be of this model (${mine})`, `one of ${origin}`);
  if (print !== fingerprint) {
    refuseSnapshot("the snapshot must be of a model with these weights", "one of others");
  }
  if (saved.pending !== null && saved.pending >= config.vocab) {
    refuseSnapshot(`the id generated last must be below ${config.vocab}`, saved.pending);
  }
  const strange = saved.recent.find((id) => id >= config.vocab);
  if (strange !== undefined) refuseSnapshot(`recent ids must be below ${config.vocab}`, strange);
  const { slots } = saved.context ?? { slots: 0 };
  const kv = saved.asked.kv ?? model.kv;
  if (!KV_TYPES.includes(kv)) refuseSnapshot(`its kv must be one of ${KV_TYPES.join(", ")}`, show(kv));
  const bytesOfSlots = slots * slotBytes(config, kv); // looked at before anything so large is made
  if (bytesOfSlots > body.length) refuseSnapshot(`${slots} slots must be at least ${bytesOfSlots} bytes`, body.length);
  return { saved, body: body as Uint8Array<ArrayBuffer> };
}

const RESTORE = "restore session";
const FORGED = ["bad-option", "unknown-option", "bad-input", "no-room"];

/** Makes a session again. @throws KvcapError in these words whoever refuses: what a snapshot says is nobody's option */
export async function restoring<T>(make: () => Promise<T>): Promise<T> {
  try {
    return await make();
  } catch (error) {
    if (!(error instanceof KvcapError) || error.action === RESTORE) throw error;
    const { rule, got, quoted, option, meant, code } = error;
    const kind = error instanceof RangeError ? "range" : error instanceof TypeError ? "type" : "plain";
    refuse(RESTORE, rule, quoted ? quote(got) : words(got), {
      ...{ code: FORGED.includes(code) ? "bad-file" : code, kind, meant, cause: error },
      ...(option === undefined ? {} : { option }),
    });
  }
}

/** @throws KvcapRangeError where pins leave no room for what comes, as none that were allowed do */
export function checkPinned(options: CheckedSession, { pins }: SavedSession, seen: number): void {
  checkPins(options, { seen, spans: [...options.pin, ...pins], held: 0 }, RESTORE);
}

/** Fills a new session's cache from a snapshot. @throws RangeError where what it holds contradicts itself */
export function fillCache(
  parts: CacheParts,
  config: ModelConfig,
  options: CheckedSession,
  { saved, body }: Opened,
): void {
  const at = loadCache(parts, config, options, { saved: saved.context!, body });
  const total = at + parts.context.savedBytes;
  if (body.length !== total) refuseSnapshot(`books, K and V must be ${total} bytes`, body.length);
  const kv = body.subarray(at);
  parts.context.load(kv);
  const { context: { shape: { rows } }, pool, books } = parts;
  parts.vectors?.load(kv, { rows, pooled: pool && pool.rows, positions: books.positions() });
}

/**
 * The options of a session that goes on from what was saved: as they were asked for, and its functions.
 * @throws RangeError for other functions than it needs, or those that would have had to be there from the start
 */
export function optionsAgain(
  action: string,
  { asked: kept, ownScore, context }: SavedSession,
  functions: OwnFunctions,
): SessionOptions {
  known(action, functions, ["score", "policy", "onEvict", "onStep", "onWarning"]);
  const [asked, own] = [given(kept), given(functions)];
  checkPolicyAgain(action, asked, own.policy);
  const score = callback(action, "score", own.score as (() => void) | undefined);
  if (ownScore !== (score !== null)) {
    const rule = ownScore
      ? "the session's own score must be given again"
      : "score must be left out, the session has none";
    refuseSnapshot(rule, score ? "a function" : "none", action);
  }
  for (const name of ["onEvict", "onStep"] as const) {
    if (callback<unknown>(action, name, own[name]) && context && !context.ids) {
      const rule = `${name} needs a session that had one from the start, with the ids of its tokens`;
      refuseSnapshot(rule, "another", action);
    }
  }
  return { ...asked, ...own };
}
