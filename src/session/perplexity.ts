/** How well a model under a budget foresees a given text. */
import { exp } from "../engine/elementary.ts";
import { lacksMemory, quote, refuse, whereRoom, words } from "../errors.ts";
import type { LoadedModel } from "../model/loaded.ts";
import { countsGenerated } from "../options/budget.ts";
import { checkPerplexity, checkPromptIds, checkRoom, checkText } from "../options/index.ts";
import type { PerplexityOptions } from "../options/index.ts";
import { Telling } from "../options/telling.ts";
import { slotsFor } from "../memory/grown.ts";
import { planSession } from "../memory/plan.ts";
import { ruleName } from "../eviction/rule.ts";
import { Recorder } from "../recording/recorder.ts";
import { roomToRead } from "./reading.ts";
import { Stepper } from "./stepper.ts";
import { Member, Together } from "./together.ts";
import { oddities } from "./warnings.ts";

/** What `model.perplexity` found. */
export interface Perplexity {
  /** exp(loss). */
  readonly perplexity: number;
  /** Mean -ln p of the tokens counted. */
  readonly loss: number;
  /** Tokens counted: all after the first `first`, whatever the policy and budget. */
  readonly tokens: number;
  /** What evicted: the policy, and the parts put in place of its own. */
  readonly policy: string;
  /** Live slots per lane that were allowed; for a full cache, the slots it held. */
  readonly budget: number;
  /** Live slots per lane at the end. */
  readonly liveSlots: number;
  /** Tokens evicted from each lane. */
  readonly evictions: number;
  /** Bytes of K and V held. */
  readonly kvBytes: number;
}

/**
 * Reads `text` in chunks of `stride`, evicting as a session does, and averages the loss of every token after the first `first`.
 * @param check throws where the model can no longer be used: it may be disposed of between two steps
 * @throws RangeError for bad options or a text of fewer than two tokens; what a function of the options throws; the signal's reason
 */
export async function perplexity(
  model: LoadedModel,
  text: string | ArrayLike<number>,
  options: PerplexityOptions,
  check: () => void,
  member: Member | null = null,
): Promise<Perplexity> {
  const { first, onProgress, signal, ...session } = checkPerplexity(options);
  checkText("measure perplexity", "a text", text);
  const encoded = typeof text === "string" ? model.tokenizer.encode(text, { bos: true, special: true }) : text;
  const ids = checkPromptIds(encoded, model.config.vocab);
  if (ids.length <= first) {
    refuse("measure perplexity", `the text must have at least ${first + 1} tokens`, ids.length);
  }
  const behind = countsGenerated(session.budget) || session.evict === "prompt"; // the text goes on behind its first tokens
  const prompt = behind ? first : ids.length; // which a budget may depend on
  const checked = planSession(model, session, prompt, true);
  const spans = checked.pinPrompt ? [...checked.pin, [0, first] as const] : checked.pin;
  const { stride, budget, evict } = checked;
  const always = evict === "always";
  const counted = ids.length - first; // what the policy sees as generated
  const most = Math.max(first, ids.length - 1 - first); // read at once, were it not for the stride
  const read = always ? { prompt: ids.length, most, maxNewTokens: 0 } : { prompt: first, maxNewTokens: counted };
  checkRoom(checked, { seen: 0, spans, ...read });
  const tokens = { seen: 0, read: ids.length, coming: 0 };
  for (const [, line] of oddities({ config: model.config, options: checked, usual: false, ...tokens })) {
    checked.onWarning(line, "use");
  }
  const slots = slotsFor(checked, { prompt: first, maxNewTokens: counted, evicts: true });
  const telling = new Telling();
  const recorder = checked.record && new Recorder(checked.record, telling);
  const { made: stepper, refused } = model.engine.guarded(
    () => new Stepper(model, checked, { slots, every: true, recorder, telling }),
  );
  member?.begin();
  try {
    const failure = await refused;
    if (failure) {
      const rule = `the device must hold ${stepper.memory.gpu} bytes`;
      refuse("measure perplexity", rule, quote(failure), { kind: "plain", code: "no-memory" });
    }
    if (checked.pinPrompt) {
      stepper.books.pin(0, first);
      recorder?.pin([0, first]);
    }
    let sum = 0;
    for (let begin = 0; begin < ids.length - 1;) {
      const end = begin < first ? first : ids.length - 1; // the last token foretells nothing that is there
      const evicts = always || begin < first;
      const count = Math.min(stride, evicts ? roomToRead(stepper.books, checked) : Infinity, end - begin);
      check();
      telling.rethrow();
      signal?.throwIfAborted();
      await stepper.step({ ids, begin, count }, "losses", evicts, member);
      for (let t = 0; t < count; t++) if (begin + t + 1 >= first) sum += stepper.context.losses[t];
      begin += count;
      onProgress(begin, ids.length - 1);
    }
    recorder?.end();
    telling.rethrow();
    const { books, memory } = stepper;
    return {
      perplexity: exp(sum / counted),
      loss: sum / counted,
      tokens: counted,
      policy: ruleName(checked),
      budget: budget || slots,
      liveSlots: books.live,
      evictions: books.seen - books.live,
      kvBytes: memory.kv,
    };
  } catch (error) {
    check();
    throw error;
  } finally {
    member?.end();
    stepper.release();
  }
}

const TOGETHER = 4; // texts

/**
 * The same of several texts, each as alone: those that are read token by token (a stride of 1) take their steps together, four at a time,
 * where there is room, and a budget is not what memory leaves.
 * @throws as `perplexity` does, with the first that cannot be measured: all is given back then
 */
export async function perplexities(
  model: LoadedModel,
  texts: readonly (string | ArrayLike<number>)[],
  options: PerplexityOptions,
  check: () => void,
): Promise<Perplexity[]> {
  if (!Array.isArray(texts)) {
    refuse("measure perplexity", "texts must be a list", words(typeof texts), { kind: "type" });
  }
  checkPerplexity(options);
  if (options.record !== undefined && texts.length > 1) {
    refuse("measure perplexity", "a recording must be of one text", texts.length, { option: "record" });
  }
  const { engine } = model;
  const most = Math.min(TOGETHER, texts.length);
  const pays = most > 1 && options.stride === 1 && (engine.limit === Infinity || options.budget !== undefined);
  const together = pays ? whereRoom(() => new Together(engine, most)) : null;
  const found: Perplexity[] = [];
  const alone: number[] = []; // texts for which there was no room beside others
  const ended = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, ended.signal]) : ended.signal;
  let next = 0;
  const work = async (together: Together) => {
    const member = new Member(together, () => {});
    while (next < texts.length) {
      const i = next++;
      try {
        found[i] = await perplexity(model, texts[i], { ...options, signal }, check, member);
      } catch (error) {
        if (lacksMemory(error)) alone.push(i);
        else throw ended.abort(error), error;
      }
    }
  };
  try {
    const all = together ? Array.from({ length: most }, () => work(together)) : [];
    await Promise.allSettled(all);
    await Promise.all(all);
  } finally {
    together?.release();
  }
  for (const i of together ? alone : texts.keys()) found[i] = await perplexity(model, texts[i], options, check);
  return found;
}
