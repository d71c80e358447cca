/** The page: what the visitor asks for, what the worker answers, and the address that says it all. */
import { Engine } from "./engine.ts";
import { DEAF, explain, explainUnkept, type Failed, type Way, WAYS } from "./failures.ts";
import { Links } from "./links.ts";
import type { From, FromWorker, ModelInfo, ToWorker } from "./protocol.ts";
import { addPolicy, DEFAULTS, deviceOf, FIRST, MOST_TOKENS, type Settings, toHash, type Turn } from "./settings.ts";
import { Stage } from "./stage.ts";
import { Turns } from "./turns.ts";
import { Form } from "./view/form.ts";
import { loader } from "./view/loader.ts";
import type { Theme } from "./view/colour.ts";
import { bytes } from "./view/numbers.ts";
import { ThemeSwitch } from "./view/theme.ts";
import { say, sayEnd, sayLoading, sayReading } from "./view/status.ts";
import { TroubleView } from "./view/trouble.ts";
import { Views } from "./views.ts";

const by = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const [prompt, max, go, stop, again, reset] = ["prompt", "max", "go", "stop", "again", "reset"].map((id) => by(id)) as [
  HTMLTextAreaElement,
  HTMLInputElement,
  ...HTMLButtonElement[],
];

let comparing = false; // what was given to do last is a comparison
let alive = false; // there is a session

const turns = new Turns();
const engine = new Engine(hear);
const stage = new Stage((message) => engine.ask(message));
const form = new Form(by<HTMLFormElement>("form"), by("policy-about"), refresh);
const dialog = loader(load);
const trouble = new TroubleView();
const views = new Views({
  work(message) {
    comparing = true;
    trouble.hide();
    engine.run(message);
    refresh();
  },
  stop: () => engine.stop(),
  trouble: (text) => trouble.show({ text }),
  model: () => engine.address,
});
const links = new Links({ engine, views, trouble, load, device: form.device, choose: dialog.open, fill, run });
const theme = new ThemeSwitch(by("theme"), show);

function show(theme: Theme) {
  stage.theme(theme);
  views.theme(theme);
}

function hear(message: FromWorker) {
  switch (message.type) {
    case "progress":
      return (engine.model ? sayReading : sayLoading)(message.what, message.done, message.total);
    case "loaded":
      return loaded(message.model);
    case "began":
      turns.began();
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
        engine.ask({ type: "reset" });
        alive = false;
        if (prompt.value === "") prompt.value = unread;
      }
      return writeAddress();
    }
    case "compared":
      return views.hear(message.told);
    case "policy":
      if (!message.chosen) return; // it came with another model
      if (engine.keepPolicy(message.name, message.code) && alive) { // what runs is under the one of before
        engine.ask({ type: "reset" });
        giveBack();
        writeAddress();
      }
      addPolicy(message.name);
      return form.policy(message.name);
    case "noPolicy":
      return trouble.show({ text: message.error.message });
    case "failed":
      return fail(message);
    case "idle": {
      by("progress").hidden = true;
      if (!engine.idle()) return; // a link's run was asked for when its model came
      if (turns.ended && engine.model) sayEnd(turns.ended);
      return refresh();
    }
  }
}

// ---- models ------------------------------------------------------------------------------------------------------

function load(from: From) {
  giveBack();
  writeAddress();
  trouble.hide();
  by("progress").hidden = false;
  by("model-name").textContent = "loading";
  sayLoading("loading the model", 0, null);
  engine.load(from, deviceOf(form.settings));
  refresh();
}

function loaded(model: ModelInfo) {
  engine.model = model;
  by("model-name").textContent = model.name;
  by("open").title = `${model.about}; ${bytes(model.bytes)} on ${model.adapter}: ${model.why}`;
  form.chat(model.chat);
  say(`${model.about}, ${bytes(model.bytes)}, on ${model.adapter}: ${model.why}`);
  refresh();
  const begun = links.loaded(); // a run that begins takes away what was said before
  const { unkept, odd } = model;
  const text = unkept ? explainUnkept(unkept) : odd;
  if (text) begun.then(() => trouble.show({ text }));
}

// ---- runs --------------------------------------------------------------------------------------------------------

function run(settings: Settings, which: readonly Turn[]): void {
  form.settings = settings;
  if (deviceOf(settings) !== engine.device) { // its model comes first
    return links.wait(() => {
      prompt.value = "";
      run(settings, which);
    });
  }
  begin(turns.run(form.settings, which));
}

function begin(message: ToWorker) {
  comparing = false;
  trouble.hide();
  say("running");
  engine.run(message);
  writeAddress();
  refresh();
}

/** There is no run any more; its prompt may be asked again. */
function giveBack() {
  const [first] = turns.list;
  if (first && prompt.value === "") prompt.value = first.text;
  turns.clear();
  alive = false;
  stage.clear();
}

/** The address is that of the run there is, or the page's; while a link waits for its model it is the link. */
function writeAddress() {
  if (links.waiting) return;
  const { settings, list } = turns;
  const hash = settings && list.length > 0 ? toHash({ settings, turns: list, model: engine.address }) : "";
  views.at("watch", hash || location.pathname + location.search);
}

/** What the prompt box and its number ask for; null where the number is none. @param before new tokens of the run so far */
function asked(before: number): Turn | null {
  const count = Number(max.value);
  if (Number.isInteger(count) && count > 0 && before + count <= MOST_TOKENS) return { text: prompt.value, max: count };
  trouble.show({ text: `New tokens must be a whole number, at most ${MOST_TOKENS} in all.` });
  return null;
}

const empty = () => prompt.value.trim() === "";

by("form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (engine.busy || go.disabled) return;
  const { list, tokens } = turns;
  const anew = turns.differ(form.settings);
  if (anew && empty()) return run(form.settings, list);
  const turn = asked(anew ? 0 : tokens);
  if (!turn) return;
  prompt.value = "";
  if (anew) run(form.settings, [turn]);
  else if (alive && list.length > 0) begin(turns.more(turn));
  else run(form.settings, [...list, turn]);
});
prompt.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  by<HTMLFormElement>("form").requestSubmit();
});
stop.addEventListener("click", () => engine.stop());
again.addEventListener("click", () => run(form.settings, turns.list));
reset.addEventListener("click", () => {
  engine.ask({ type: "reset" });
  prompt.value = "";
  giveBack();
  writeAddress();
  say("");
  refresh();
});
by<HTMLInputElement>("own").addEventListener("change", async ({ target }) => {
  const input = target as HTMLInputElement;
  trouble.hide();
  const code = await input.files?.[0]?.text();
  input.value = ""; // the same file may be chosen again, once it is mended
  if (code === undefined) return;
  if (!engine.model) return trouble.show({ text: "A policy of your own needs a model that is loaded." });
  engine.run({ type: "policy", code, chosen: true }); // it runs code of the visitor's: it can be stopped
  refresh();
});
by("link").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(location.href);
    say(engine.from.kind === "files" ? "copied: whoever opens it needs the model’s file, too" : "copied");
  } catch {
    say("the address of this page is the link");
  }
});

/** Puts settings and a turn into the form, to be asked for. */
function fill(settings: Settings, turn?: Turn) {
  form.settings = settings;
  if (turn) [prompt.value, max.value] = [turn.text, String(turn.max)];
  refresh();
}

/** Shows what can be done now. */
function refresh() {
  const { model, busy, running } = engine;
  const { settings } = form;
  const chat = settings.mode === "chat";
  const begun = turns.list.length > 0;
  const anew = turns.differ(settings);
  const on = begun && !anew;
  go.textContent = anew ? empty() ? "Run again" : "New run" : chat ? "Send" : begun ? "Continue" : "Generate";
  by("prompt-label").textContent = chat ? "Message" : on ? "More to read" : "Prompt";
  prompt.placeholder = anew ? "Nothing: the run begins again" : on && !chat ? "Nothing: the text goes on" : "";
  go.disabled = busy || !model || (!begun || on && chat) && empty();
  go.hidden = running;
  stop.hidden = !running;
  again.disabled = busy || !begun;
  reset.disabled = busy || !begun;
  by<HTMLButtonElement>("link").disabled = !begun;
  by("hint").textContent = anew ? "Settings changed: they hold from the next run on." : "";
  views.refresh(model, busy);
}

// ---- trouble -----------------------------------------------------------------------------------------------------

function fail(failed: Failed & { alive: boolean }) {
  if (failed.error.name === DEAF) load(engine.from);
  if (failed.during === "load") {
    engine.model = null;
    by("model-name").textContent = "no model";
  }
  alive = failed.alive;
  const text = turns.failed(alive);
  if (!alive) stage.clear();
  if (prompt.value === "") prompt.value = text;
  writeAddress();
  say("");
  const found = explain(failed);
  const ways: Record<Way, () => void> = {
    retry: () => load(engine.from),
    model: dialog.open,
    settings: () => {
      const place = comparing ? "compare" : "watch"; // whatever has been looked at since
      views.go(place);
      (comparing ? views : form).focus(failed.error.option);
    },
  };
  trouble.show(found, WAYS[found.way], ways[found.way]);
}

// ---- the beginning -----------------------------------------------------------------------------------------------

by<HTMLAnchorElement>("skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address stays the run's
  by(by<HTMLAnchorElement>("skip").hash.slice(1)).focus();
});
fill(DEFAULTS, FIRST);
prompt.addEventListener("input", refresh);
show(theme.theme);
links.open(true);
refresh();
