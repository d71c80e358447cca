/** The worker: loads models, runs sessions, and tells the page of every step. */
import { refuse, words } from "../src/errors.ts";
import { load, type Model } from "../src/load.ts";
import type { Session } from "../src/session/session.ts";
import { describeModel } from "../src/engine/config.ts";
import { presetOf } from "../src/policies/own.ts";
import { ruleName } from "../src/eviction/rule.ts";
import type { Unkept } from "../src/files/cache/store.ts";
import { type FromWorker, toldOf, type ToWorker } from "./protocol.ts";
import { optionsOf, type Settings, type Turn } from "./settings.ts";
import { checkRun } from "./worker/check.ts";
import { compare } from "./worker/compare.ts";
import { buffersOf, copyOf } from "./worker/scores.ts";
import { Watch } from "./worker/watch.ts";
import { takePolicy } from "./worker/own.ts";

const scope = globalThis as unknown as {
  postMessage(message: FromWorker, transfer: ArrayBuffer[]): void;
  addEventListener(type: "message", hear: (event: MessageEvent<ToWorker>) => void): void;
  location: Location;
};
const post = (message: FromWorker, transfer: ArrayBuffer[] = []) => scope.postMessage(message, transfer);

interface Run {
  readonly session: Session;
  readonly watch: Watch;
  readonly settings: Settings;
  begun: boolean; // a turn was asked for
}

const NOT_BEGUN = { code: "wrong-state", kind: "plain" } as const;

let model: Model | null = null;
let run: Run | null = null;
let stopper: AbortController | null = null; // of the turn that runs
let work: Promise<void> = Promise.resolve(); // what was asked for before

scope.addEventListener("message", ({ data }) => {
  switch (data.type) {
    case "stop":
      stopper?.abort();
      return post({ type: "stopping" });
    case "scores":
      return sendScores(data.step);
    case "books":
      return sendAccount();
    default: { // one after the other; what runs is stopped first
      if (data.type !== "turn" && data.type !== "policy") stopper?.abort();
      const during = data.type === "load" ? "load" : "run";
      work = work.then(() => obey(data)).catch((error) => fail(during, error)).then(() => post({ type: "idle" }));
    }
  }
});

async function obey(message: ToWorker): Promise<void> {
  if (message.type === "load") return await open(message);
  if (message.type === "reset") return close();
  if (message.type === "policy") {
    const { code, chosen } = message;
    return await takePolicy(code).then(
      (name) => post({ type: "policy", name, code, chosen }),
      (error) => post({ type: "noPolicy", error: toldOf(error) }),
    );
  }
  if (message.type === "run") {
    begin(message.settings);
    await take(message.turns);
  }
  if (message.type === "turn") await take([message.turn]);
  if (message.type === "compare") {
    if (!model) refuse("compare", "a model must be loaded", words("none"), NOT_BEGUN);
    stopper = new AbortController();
    await compare(model, message.asked, (told) => post({ type: "compared", told }), stopper.signal)
      .finally(() => stopper = null);
  }
}

async function open({ from, device: asked }: Extract<ToWorker, { type: "load" }>) {
  close();
  model?.dispose();
  model = null;
  const where = from.kind === "files" ? from.files : from.kind === "url" ? from.url : shipped();
  const downloads = new Map<string, ReturnType<typeof progress>>();
  let unkept: Unkept | null = null, odd: string | null = null;
  model = await load(where, {
    device: asked,
    sampling: "greedy", // the form says all of it
    cache: from.kind === "url", // the shipped one is in the browser's own cache
    onProgress: progress("loading"),
    onWarning: (line, why) => {
      if (why === "model") odd = line;
      else unkept = why;
    },
    onDownload: (file, done, total) => {
      if (!downloads.has(file)) downloads.set(file, progress(`fetching ${file}`));
      downloads.get(file)!(done, total);
    },
  });
  const { config, adapter, device, chatTemplate } = model;
  const mine = model;
  model.lost.then(async () => {
    if (mine === model) await fail("run", new Error("the GPU device was lost"));
  });
  const about = describeModel(config);
  const info = {
    name: nameOf(from),
    about,
    adapter,
    why: device.why,
    bytes: model.gpuBytes,
    chat: chatTemplate !== null,
    unkept,
    odd,
  };
  post({ type: "loaded", model: info });
}

const shipped = () => new URL("model", scope.location.href);

function nameOf(from: Extract<ToWorker, { type: "load" }>["from"]): string {
  if (from.kind === "shipped") return "fable-2m";
  if (from.kind === "url") return from.url.replace(/[?#].*$/, "").replace(/\/+$/, "").split("/").at(-1) || from.url;
  return from.name;
}

/** Tells how far something is, at most once in 50 ms and at its end. */
function progress(what: string) {
  let told = 0; // ms
  return (done: number, total: number | null) => {
    if (performance.now() - told < 50 && done !== total) return;
    told = performance.now();
    post({ type: "progress", what, done, total });
  };
}

/** Makes the session of a run. */
function begin(settings: Settings) {
  if (!model) refuse("run", "a model must be loaded", words("none"), NOT_BEGUN);
  const { layers, kvHeads } = model.config;
  const asked = optionsOf(settings);
  checkRun(model, asked); // what cannot run leaves the run there is as it is
  close();
  const watch = new Watch(layers, kvHeads, model.tokenizer, post);
  // A link gives the same run everywhere, or says why not: the budget is what was asked for.
  // Watching makes every policy compute attention, also those that do not read it: the map shows it.
  const session = model.session({ ...asked.session, exactBudget: true, onStep: watch.onStep });
  watch.session = session;
  run = { session, watch, settings, begun: false };
  const { policy, score, scope, shared, window, pool } = session.options;
  const name = typeof score === "function" ? "own" : score;
  const rule = { rule: ruleName(session.options), evicts: presetOf(policy).evicts, score: name };
  post({ type: "began", run: { layers, kvHeads, ...rule, scope, shared, window, pool } });
}

async function take(turns: readonly Turn[]) {
  if (!run) refuse("go on", "a run must have begun", words("none"), NOT_BEGUN);
  stopper = new AbortController();
  try {
    for (const turn of turns) {
      await takeTurn(run, turn, stopper.signal);
      if (stopper.signal.aborted) break;
    }
  } finally {
    stopper = null;
  }
}

async function takeTurn(run: Run, { text, max }: Turn, signal: AbortSignal) {
  const { session, watch, settings } = run;
  const seed = run.begun || settings.seed === "" ? {} : { seed: Number(settings.seed) }; // later draws go on
  run.begun = true;
  const reading = progress("reading");
  const options = {
    ...optionsOf(settings).generate,
    ...seed,
    maxNewTokens: max,
    signal,
    onPrefill: (done: number, total: number) => {
      reading(done, total);
      if (done < total) watch.stepped(null); // the last chunk's id comes next
    },
    onToken: (id: number) => watch.stepped(id),
  };
  try {
    for await (const _ of answer(session, text, settings, options));
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    watch.stepped(null);
    watch.score();
    watch.flush();
  }
  post({ type: "report", report: { ...session.report(), ids: [] }, ended: true });
}

function answer(session: Session, text: string, { mode, system }: Settings, options: Parameters<Session["chat"]>[1]) {
  if (mode !== "chat") return session.generate(text, options);
  const first = session.conversation.length === 0 && system !== "";
  if (!first) return session.chat(text, options);
  return session.chat([{ role: "system", content: system }, { role: "user", content: text }], options);
}

function close() {
  run?.session.dispose();
  run = null;
}

async function fail(during: "load" | "run", error: unknown) {
  const lost = model !== null && model.failure !== null;
  const alive = run !== null;
  const told = toldOf(error);
  const adapter = told.code !== "device" || Boolean(await navigator.gpu?.requestAdapter());
  post({ type: "failed", alive, during, error: told, lost, webgpu: Boolean(navigator.gpu), adapter });
}

function sendScores(step: number) {
  const scores = run?.watch.scores.at(step) ?? null;
  const copy = scores && copyOf(scores);
  post({ type: "scores", scores: copy, recorded: true }, copy ? buffersOf(copy) : []);
}

function sendAccount() {
  if (!run) return;
  const { session, watch } = run;
  const outlook = session.outlook();
  const scores = session.laneViews().map(({ positions }, lane) => {
    const slots = [...positions.keys()].filter((slot) => positions[slot] >= 0);
    return slots.sort((a, b) => positions[a] - positions[b]).map((slot) => outlook[lane].scores[slot]);
  });
  const account = { step: watch.log.steps, seen: session.seen, live: session.livePositions(), scores };
  post({ type: "account", account });
}
