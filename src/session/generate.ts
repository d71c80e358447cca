/** How a session generates: takes a prompt in, chunk by chunk, then chooses token after token and takes each in. */
import type { Wanted } from "../engine/engine.ts";
import type { CheckedGenerate } from "../options/index.ts";
import { type Chooser, wantedBy } from "./choose.ts";
import { type Plan, roomToRead } from "./reading.ts";
import type { SessionState } from "./state.ts";
import { TextStream } from "./text.ts";

/** Reads and generates as planned; pieces of text come as they are ready. */
export async function* generate(
  state: SessionState,
  chooser: Chooser,
  plan: Plan,
  options: CheckedGenerate,
): AsyncGenerator<string, void, void> {
  const { reading } = plan;
  const { tokenizer } = state.model;
  const goesOn = !reading.anew && state.pending !== null && reading.ids.length === 1 &&
    reading.ids[0] === state.pending;
  const counts = state.begin(plan, options);
  try {
    const continues = state.seen > 0 || reading.ids.some((id) => id !== tokenizer.bosId); // there is text before the first piece
    const text = new TextStream(tokenizer, options.stop, continues);
    const spaces = continues ? 0 : tokenizer.leadingSpaces;
    chooser.begin(options, { tokenizer, vocab: state.model.config.vocab, ends: reading.ends, spaces, goesOn });
    const wanted = wantedBy(options);
    const started = performance.now();
    const stepper = await state.prepare(plan, options.maxNewTokens);
    const smaller = state.options !== plan.options; // than the budget asked for, which the GPU refused
    const chunk = smaller ? state.chunkFor(reading, state.options, options.maxNewTokens) : plan.chunk;
    chooser.ban(stepper.context, options.banned);
    let id = await prefill(state, { ...plan, chunk }, wanted, options);
    counts.prefillMs = performance.now() - started;
    if (options.maxNewTokens === 0) {
      counts.ended = "length";
      return;
    }
    counts.decoding = true;
    Object.assign(counts.clockBefore, stepper.clock);
    let resumed = performance.now();
    const evicts = state.options.evict === "always";
    const ids = [0];
    const newest = { ids, begin: 0, count: 1 }; // of a decode step
    while (true) {
      if (wanted === "logits") id = chooser.draw(stepper.context.logits, options, state);
      state.chose(id);
      chooser.chose(id);
      state.telling.tell(options.onToken, id, chooser.logprobs(id, options));
      if (options.stopAtEnd && reading.ends.includes(id)) {
        counts.ended = "end";
        break;
      }
      if (options.stopIds.includes(id)) {
        counts.ended = "stop";
        break;
      }
      counts.ids.push(id);
      const { piece, stopped } = text.push(id);
      if (piece !== "") {
        counts.decodeMs += performance.now() - resumed; // the caller's time is not ours
        yield piece;
        resumed = performance.now();
      }
      if (stopped) {
        counts.ended = "stop";
        return;
      }
      if (chooser.isOver) {
        counts.ended = "end";
        break;
      }
      if (counts.ids.length >= options.maxNewTokens) {
        counts.ended = "length";
        break;
      }
      if (options.signal?.aborted || state.telling.failed) break;
      ids[0] = id;
      id = await state.step(newest, wanted, evicts);
      counts.steps++;
    }
    counts.decodeMs += performance.now() - resumed;
    const rest = text.flush();
    if (rest !== "") yield rest;
    options.signal?.throwIfAborted();
  } finally {
    state.end();
    state.telling.rethrow(); // before anything that came after it
  }
}

/** Takes in the beginning of a prompt, at most so many tokens, in the chunks that all of it would be read in. */
export async function readBeginning(
  state: SessionState,
  plan: Plan,
  most: number,
  options: CheckedGenerate,
): Promise<void> {
  const { reading: { ids, pinned, begun }, chunk } = plan;
  state.begin(plan, options);
  try {
    await state.prepare({ ...plan, reading: { ...plan.reading, ids: ids.slice(0, Math.max(begun, most)) } }, 0);
    if (state.options === plan.options) await prefill(state, plan, "nothing", options, Math.min(most, ids.length - 1));
  } finally {
    const { seen } = state;
    state.begun = { ids: ids.slice(0, seen), pinned: Math.min(pinned, seen), chunk };
    state.end();
  }
}

/** Takes in the prompt in chunks, those that end by so many tokens; answers the greedy id after it. */
async function prefill(
  state: SessionState,
  { reading: { ids, pinned, begun }, chunk, evicts }: Plan,
  wanted: Wanted,
  options: CheckedGenerate,
  until = ids.length,
): Promise<number> {
  let id = 0;
  let end = 0;
  for (let begin = begun; begin < ids.length; begin = end) {
    options.signal?.throwIfAborted();
    state.telling.rethrow();
    const { stepper } = state; // none: it was disposed of, which the step says
    const room = evicts && stepper ? roomToRead(stepper.books, state.options) : Infinity;
    end = Math.min(begin + Math.min(chunk, room), ids.length);
    if (end > until) break;
    if (begin < pinned) state.pin([begin, Math.min(end, pinned)]);
    id = await state.step({ ids, begin, count: end - begin }, end < ids.length ? "nothing" : wanted, evicts);
    state.counts.promptTokens = end - begun;
    state.telling.tell((done) => options.onPrefill(done, ids.length - begun), end - begun);
  }
  return id;
}
