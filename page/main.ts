/** The page: what the visitor asks for, what the worker answers, and the address that says it all. */
import { explain, explainUnkept, type Failed, type Way, WAYS } from "./failures.ts";
import type { From, FromWorker, ModelInfo, ToWorker, Turn } from "./protocol.ts";
import { DEFAULTS, FIRST, fromHash, MOST_TOKENS, type Settings, toHash } from "./settings.ts";
import { Stage } from "./stage.ts";
import { Turns } from "./turns.ts";
import { Form } from "./view/form.ts";
import { loader } from "./view/loader.ts";
import type { Theme } from "./view/colour.ts";
import { bytes } from "./view/numbers.ts";
import { ThemeSwitch } from "./view/theme.ts";
import { TroubleView } from "./view/trouble.ts";
import { Views } from "./views.ts";

const by = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const [prompt, max, go, stop, again, reset] = ["prompt", "max", "go", "stop", "again", "reset"].map((id) => by(id)) as [
  HTMLTextAreaElement,
  HTMLInputElement,
  ...HTMLButtonElement[],
];

let worker: Worker;
let from: From = { kind: "shipped" };
let model: ModelInfo | null = null;
let busy = true; // the worker loads or runs
let running = false;
let comparing = false; // what was given to do last is a comparison
let pending = 0; // of what the worker was given to do; it says "idle" after each
let alive = false; // there is a session
let waiting = fromHash(location.hash); // a run that the address asks for, until its model is there

const turns = new Turns();
const ask = (message: ToWorker) => {
  if (!["stop", "scores", "books"].includes(message.type)) pending++;
  worker.postMessage(message);
};
const stage = new Stage(ask);
const form = new Form(by<HTMLFormElement>("form"), by("policy-about"), refresh);
const dialog = loader(load);
const trouble = new TroubleView();
const views = new Views({
  work(message) {
    busy = running = comparing = true;
    trouble.hide();
    ask(message);
    refresh();
  },
  stop: () => ask({ type: "stop" }),
  trouble: (text) => trouble.show({ text }),
  address,
  watchAddress: runAddress,
});
const theme = new ThemeSwitch(by("theme"), show);

function show(theme: Theme) {
  stage.theme(theme);
  views.theme(theme);
}

function startWorker() {
  worker?.terminate();
  pending = 0;
  worker = new Worker("worker.js", { type: "module" });
  worker.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => hear(data));
  worker.addEventListener("error", (event) => {
    event.preventDefault();
    const message = event.message || "the page’s worker could not be started";
    hear({ type: "failed", during: "run", name: "Error", message, lost: true, webgpu: true });
  });
}

function hear(message: FromWorker) {
  switch (message.type) {
    case "progress": {
      const { what, done, total } = message;
      by<HTMLProgressElement>("progress").value = total ? done / total : 0;
      return say(`${what}: ${bytes(done)}${total ? ` of ${bytes(total)}` : ""}`);
    }
    case "loaded":
      return loaded(message.model);
    case "began":
      alive = true;
      return stage.begin(message.run);
    case "forgot":
      return stage.clear();
    case "steps":
      return stage.steps(message.records, message.shown);
    case "scores":
      return stage.scores(message.scores, message.recorded);
    case "report": {
      stage.report(message.report);
      if (!message.ended) return;
      const unread = turns.turned(message.report);
      if (unread !== null) {
        ask({ type: "reset" });
        alive = false;
        if (prompt.value === "") prompt.value = unread;
      }
      return writeAddress();
    }
    case "compared":
      return views.hear(message.told);
    case "failed":
      return fail(message);
    case "idle": {
      by("progress").hidden = true;
      if (--pending > 0) return; // a link's run was asked for when its model came
      busy = running = false;
      if (turns.ended && model) say(ENDS[turns.ended] ?? "");
      return refresh();
    }
  }
}

const ENDS: Record<string, string> = {
  length: "all new tokens are there: it can go on",
  end: "the model ended the text",
  caller: "stopped: it can go on",
  reading: "stopped while it read: ask again",
};

const say = (text: string) => by("status").textContent = text;

// ---- models ------------------------------------------------------------------------------------------------------

function load(chosen: From) {
  from = chosen;
  busy = true;
  running = false; // what ran goes with its worker
  model = null;
  giveBack();
  trouble.hide();
  by<HTMLProgressElement>("progress").value = 0;
  by("progress").hidden = false;
  by("model-name").textContent = "loading";
  say("loading the model");
  startWorker(); // a fresh one: nothing of another model is left, not even a lost GPU
  ask({ type: "load", from });
  refresh();
}

function loaded(info: ModelInfo) {
  model = info;
  by("model-name").textContent = info.name;
  by("open").title = `${info.about}; ${bytes(info.bytes)} on ${info.adapter}`;
  form.chat(info.chat);
  say(`${info.about}, ${bytes(info.bytes)}, on ${info.adapter}`);
  const next = waiting;
  waiting = null;
  if (next) run(next.settings, [...next.turns]);
  if (info.warning) trouble.show({ text: explainUnkept(info.warning) });
}

/** What the address calls the model: a file has no address, only a name. */
function address(): string {
  return from.kind === "url" ? from.url : from.kind === "files" ? `file:${model?.name ?? ""}` : "";
}

// ---- runs --------------------------------------------------------------------------------------------------------

function run(settings: Settings, which: readonly Turn[]) {
  form.settings = settings;
  alive = false;
  begin(turns.run(settings, which));
}

function begin(message: ToWorker) {
  busy = running = true;
  comparing = false;
  trouble.hide();
  say("running");
  writeAddress();
  ask(message);
  refresh();
}

/** There is no run any more; its prompt may be asked again. */
function giveBack() {
  const [first] = turns.list;
  if (first && prompt.value === "") prompt.value = first.text;
  turns.clear();
  alive = false;
}

/** The address of the run there is, or of the page. */
function runAddress(): string {
  const { settings, list } = turns;
  const hash = settings && list.length > 0 ? toHash({ settings, turns: list, model: address() }) : "";
  return hash || location.pathname + location.search;
}

function writeAddress() {
  if (views.current === "watch") history.replaceState(null, "", runAddress());
}

/** What the prompt box and its number ask for; null where the number is none. */
function asked(): Turn | null {
  const count = Number(max.value);
  if (Number.isInteger(count) && count > 0 && turns.tokens + count <= MOST_TOKENS) {
    return { text: prompt.value, max: count };
  }
  trouble.show({ text: `New tokens must be a whole number, at most ${MOST_TOKENS} in all.` });
  return null;
}

by("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const turn = asked();
  if (!turn || busy || !model || go.disabled) return;
  prompt.value = "";
  if (!alive || turns.list.length === 0) return run(form.settings, [...turns.list, turn]);
  begin(turns.more(turn));
});
prompt.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  by<HTMLFormElement>("form").requestSubmit();
});
stop.addEventListener("click", () => ask({ type: "stop" }));
again.addEventListener("click", () => run(form.settings, turns.list));
reset.addEventListener("click", () => {
  ask({ type: "reset" });
  prompt.value = "";
  giveBack();
  writeAddress();
  stage.clear();
  say("");
  refresh();
});
by("link").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(location.href);
    say(from.kind === "files" ? "copied: whoever opens it needs the model’s file, too" : "copied");
  } catch {
    say("the address of this page is the link");
  }
});

/** Shows what can be done now. */
function refresh() {
  const settings = form.settings;
  const chat = (turns.settings ?? settings).mode === "chat";
  const begun = turns.list.length > 0;
  go.textContent = chat ? "Send" : begun ? "Continue" : "Generate";
  by("prompt-label").textContent = chat ? "Message" : begun ? "More to read" : "Prompt";
  prompt.placeholder = begun && !chat ? "Nothing: the text goes on" : "";
  go.disabled = busy || !model || (!begun || chat) && prompt.value.trim() === "";
  go.hidden = running;
  stop.hidden = !running;
  again.disabled = busy || !begun;
  reset.disabled = busy || !begun;
  by<HTMLButtonElement>("link").disabled = !begun;
  const changed = turns.settings !== null && JSON.stringify(settings) !== JSON.stringify(turns.settings);
  again.classList.toggle("primary", changed && !busy);
  by("hint").textContent = changed ? "Settings changed: they hold from the next run on." : "";
  views.refresh(model, busy);
}

// ---- trouble -----------------------------------------------------------------------------------------------------

function fail(failed: Failed) {
  if (failed.during === "load") {
    model = null;
    by("model-name").textContent = "no model";
  }
  const text = turns.failed(alive);
  if (prompt.value === "") prompt.value = text;
  writeAddress();
  say("");
  const found = explain(failed);
  const ways: Record<Way, () => void> = {
    retry: () => load(from),
    model: dialog.open,
    settings: () => {
      const place = comparing ? "compare" : "watch"; // whatever has been looked at since
      if (views.current !== place) by(`view-${place}`).click();
      (comparing ? views : form).focus(found.text);
    },
    none: () => {},
  };
  trouble.show(found, WAYS[found.way], ways[found.way]);
}

// ---- the beginning -----------------------------------------------------------------------------------------------

by<HTMLAnchorElement>("skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address stays the run's
  by(by<HTMLAnchorElement>("skip").hash.slice(1)).focus();
});
form.settings = waiting?.settings ?? DEFAULTS;
prompt.value = waiting ? "" : FIRST.text;
max.value = String(waiting?.turns.at(-1)?.max ?? FIRST.max);
prompt.addEventListener("input", refresh);
show(theme.theme);
views.open(location.hash);
globalThis.addEventListener("hashchange", () => {
  const compared = Views.modelOf(location.hash);
  if (compared !== null && (compared !== address() || !model || busy)) return location.reload();
  if (views.open(location.hash)) return;
  const next = fromHash(location.hash);
  if (!next) return;
  views.show("watch");
  if (next.model === address() && model && !busy) return run(next.settings, [...next.turns]);
  location.reload();
});
const wanted = waiting?.model ?? Views.modelOf(location.hash);
if (!wanted) load(from);
else {
  // Nothing is fetched from elsewhere, and no file read, before the visitor says so.
  busy = false;
  const file = wanted.startsWith("file:");
  const text = file
    ? `This run had the model ${wanted.slice(5)}, from a file: choose it, or drop it here, and the run begins.`
    : `This run has a model from ${wanted}.`;
  if (file) trouble.show({ text }, WAYS.model, dialog.open);
  else trouble.show({ text }, "Load it from there", () => load({ kind: "url", url: wanted }));
}
refresh();
