// Every row of the table of options: what breaks its rule is refused by its name, its default holds, and it goes into snapshots,
// recordings and links and comes back as it was.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { choicesOf, DEFAULTS, fromHash, type Name, NAMES, optionsOf, toHash } from "../../page/settings.ts";
import { Form } from "../../page/view/form.ts";
import type { Score } from "../../src/core/rule.ts";
import { KvcapError } from "../../src/errors.ts";
import { checkEmbed } from "../../src/options/embed.ts";
import { HELP } from "../../src/options/help.ts";
import { checkChat, checkGenerate, checkLoad, checkPerplexity, checkSession } from "../../src/options/index.ts";
import { copyOptions, keptOptions } from "../../src/options/kept.ts";
import type { Written } from "../../src/options/kinds.ts";
import { SCORED } from "../../src/options/parts.ts";
import { type AnyRow, type AnyTable, namesOf } from "../../src/options/row.ts";
import { SESSION } from "../../src/options/session.ts";
import { type Of, OPTIONS } from "../../src/options/table.ts";
import { readText } from "../../src/options/text.ts";
import { checkReplay, REPLAYABLE, type ReplayOptions } from "../../src/recording/options.ts";
import { toldOptions } from "../../src/recording/told.ts";
import type { Recording } from "../../src/recording/read.ts";
import { inBrowser, readText as readFile, repoPath } from "../support/files.ts";

const test = suite("table of options");

const CHECKS: Record<Of, (options: Record<string, unknown>) => unknown> = {
  load: checkLoad,
  session: checkSession,
  generate: (options) => checkGenerate(options, 100),
  chat: (options) => checkChat(options, 100),
  perplexity: checkPerplexity,
  embed: (options) => checkEmbed(options, 1024),
};
const TABLES = Object.entries(OPTIONS) as [Of, AnyTable][];

function refusalOf(use: () => unknown): KvcapError {
  try {
    use();
  } catch (error) {
    if (error instanceof KvcapError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

for (const [of, table] of TABLES) {
  for (const name of namesOf(table)) {
    test(`${of}, ${name}`, () => {
      const check = CHECKS[of];
      const row = table[name];
      if (name !== "hub") { // which is an address, read where it is used
        const refusal = refusalOf(() => check({ [name]: Symbol.for("wrong") }));
        assert.equal([refusal.code, refusal.option], ["bad-option", name], refusal.message);
        if (!["a stop", "a banned"].some((other) => refusal.rule.startsWith(other))) {
          assert.ok(refusal.rule.startsWith(`${name} `), refusal.message); // the command line puts its flag there
        }
      }
      const misspelt = refusalOf(() => check({ [`${name}s`]: 1 }));
      assert.equal([misspelt.code, misspelt.option], ["unknown-option", `${name}s`]);
      if (of !== "chat") assert.is(misspelt.meant, name);
      const { default: usual } = row;
      const scope = of === "session" ? SCOPED[name] : undefined;
      const under = scope ? { scope } : {};
      if (usual !== undefined && usual !== null) assert.equal(check({ ...under, [name]: usual }), check(under));
      assert.equal(check({ [name]: undefined }), check({}));
      for (const choice of row.kind.names ?? []) {
        const beside = name === "pool"
          ? { policy: "snapkv" }
          : name === "ropeScaling" && choice !== "none"
          ? { ropeFactor: 2 }
          : {};
        if (choice !== "adaptive") check({ ...beside, [name]: choice }); // which goes with few scores
        const near = refusalOf(() => check({ ...beside, [name]: `${choice}x` }));
        assert.equal([near.option, near.meant], [name, choice]);
      }
    });
  }
}

test("words: every value of a list is named, and every default", () => {
  for (const [of, table] of TABLES) {
    const words = HELP[of] as Record<string, { words: string; default?: string; cli?: string }>;
    for (const name of namesOf(table)) {
      const { kind, default: usual } = table[name];
      for (const told of kind.names ? [words[name].words, words[name].cli] : []) {
        if (told !== undefined) assert.ok(told.includes("{names}"), `${of}, ${name}`);
      }
      const told = words[name].default;
      if (told !== undefined && (typeof usual === "number" || typeof usual === "string")) {
        assert.ok(told.includes(String(usual)), `${of}, ${name}: ${told}`);
      }
    }
  }
});

/** A value of each kind that can be written, and how it is. */
const WRITTEN: Record<Exclude<Written, "name" | "flag">, [text: string, value: unknown]> = {
  number: ["3", 3],
  count: ["10%", { share: 0.1 }],
  budget: ["25%", { share: 0.25 }],
  bytes: ["5MB", 5e6],
  spans: ["1:3", [1, 3]],
  biases: ["42:-2.5", [42, -2.5]],
  texts: ["a", "a"],
  text: ["a", "a"],
};

/** The scores that have parts of their own. */
const PARTED = [...new Set(Object.values(SCORED).flatMap((scores) => Object.keys(scores)))] as Score[];

/** The scopes that leave some out, by the option that says how many. */
const SCOPED: Record<string, string> = { unsettled: "low-spread", peaks: "peak" };

/**
 * A session's options with something for every row, which go together: of the parts of some scores, those of this one, under each
 * scope with half of them.
 */
function everything(score = PARTED[0]): Record<string, unknown> {
  const scope = Object.values(SCOPED)[PARTED.indexOf(score) % 2];
  const value = (name: string, { kind, default: usual }: AnyRow) => {
    if (name === "policy") return "snapkv";
    if (name === "scope") return scope;
    if (kind.names) return name === "score" ? score : kind.names.find((name) => name !== usual && name !== "none");
    if (kind.written === null) return () => {};
    if (kind.written === "flag") return usual !== true;
    const [text, value] = WRITTEN[kind.written as "number"];
    assert.equal(readText(kind, text), value, name);
    return kind.written === "spans" ? [[1, 3]] : value;
  };
  const goes = (name: string) =>
    (SCORED[name as keyof typeof SCORED]?.[score] !== undefined || !(name in SCORED)) &&
    (SCOPED[name] ?? scope) === scope;
  const rows = Object.entries(SESSION as AnyTable).filter(([name]) => goes(name));
  return Object.fromEntries(rows.map(([name, row]) => [name, value(name, row)]));
}

test("snapshots keep all that can be written; copies of options are apart from them", () => {
  const asked = Object.assign({}, ...PARTED.map((score) => everything(score))) as Record<string, unknown>;
  const kept = JSON.parse(JSON.stringify(keptOptions(asked)));
  const held = namesOf(SESSION).filter((name) => SESSION[name].kind.written !== null);
  assert.equal(Object.keys(kept).toSorted(), held.toSorted());
  for (const name of held) assert.equal(kept[name], asked[name], name);
  const copy = copyOptions(asked);
  assert.equal(copy, asked);
  (asked.pin as number[][])[0][1] = 9;
  assert.equal(copy.pin, [[1, 3]]);
});

test("every row is among everything", () => {
  const names = new Set(PARTED.flatMap((score) => Object.keys(everything(score))));
  assert.equal(namesOf(SESSION).filter((name) => !names.has(name)), []);
});

for (const score of PARTED) {
  test(`recordings tell all that can be written, and a replay takes what its rows say: ${score}`, () =>
    recorded(score));
}

function recorded(score: Score) {
  const options = checkSession({ ...everything(score), budget: 40, evict: "always", countFrom: "start" });
  const told = JSON.parse(JSON.stringify(toldOptions(options)));
  for (const name of namesOf(SESSION)) {
    if (SESSION[name].kind.written === null) assert.not(name in told, name);
    else assert.equal(told[name], options[name], name);
  }
  const recording = { options: told, tokens: 90, longest: 90, stride: 4, passes: 1 } as unknown as Recording;
  const { options: again, asRecorded } = checkReplay(recording);
  assert.ok(asRecorded);
  for (const other of [{ evict: "prompt" }, { countFrom: "eviction" }]) { // what no replay does
    const it = { ...recording, options: { ...told, ...other } } as unknown as Recording;
    assert.not.ok(checkReplay(it).asRecorded);
  }
  const all = everything(score);
  for (const name of namesOf(SESSION).filter((name) => name in all)) {
    const asked = { [name]: name === "budget" ? 30 : all[name] } as ReplayOptions;
    if (!REPLAYABLE.includes(name)) {
      assert.equal(refusalOf(() => checkReplay(recording, asked)).code, "unknown-option", name);
      continue;
    }
    const same = JSON.stringify(checkReplay(recording, asked).options[name]) === JSON.stringify(again[name]);
    assert.is(checkReplay(recording, asked).asRecorded, same, name);
  }
}

/** How a setting is written in a link, and what it then is. */
function settingOf(name: Name): [text: string, value: unknown] {
  if (name === "system") return ["be kind", undefined];
  const choices = choicesOf(name);
  if (choices) return [choices[0], choices.includes("yes") ? true : choices[0]];
  return WRITTEN[({ ...OPTIONS.session, ...OPTIONS.generate } as AnyTable)[name].kind.written as "number"];
}

test("a link gives back every setting, as the option that it is", () => {
  for (const name of NAMES) {
    const [text, value] = settingOf(name);
    const settings = { ...DEFAULTS, [name]: text };
    const link = fromHash(toHash({ settings, turns: [], model: "" }))!;
    assert.equal([link.bad, link.settings], [[], settings]);
    const options: Record<string, object> = { ...optionsOf(settings) };
    if (name === "system" || name === "mode") continue;
    const mine = name === "device" ? "load" : name in OPTIONS.session ? "session" : "generate";
    assert.equal((options[mine] as Record<string, unknown>)[name], value, name);
    for (const other of ["load", "session", "generate"]) {
      if (other !== mine) assert.not(name in options[other], name);
    }
  }
});

const pageText = () => readFile(repoPath("page/index.html"));

test("the form's fields are settings, and its lists name values that there are", async () => {
  const page = await pageText();
  const form = page.slice(page.indexOf('<section class="settings"'), page.indexOf("</form>"));
  const fields = [...form.matchAll(/<(input|select|textarea) name="(\w+)"([^]*?)<\/(?:label|select)>/g)];
  assert.ok(fields.length > 20);
  for (const [, tag, name, rest] of fields) {
    assert.ok(NAMES.includes(name as Name), name);
    const choices = choicesOf(name as Name);
    assert.is(tag === "select", choices !== undefined, name);
    if (!choices) continue;
    for (const [, value, text] of rest.matchAll(/<option(?: value="([^"]*)")?>([^<]*)/g)) {
      if (value !== "") assert.ok(choices.includes(value ?? text), `${name}: ${value ?? text}`);
    }
  }
});

if (inBrowser) {
  test("a setting that the page has no place for gets one, with all that it may be", async () => {
    const page = new DOMParser().parseFromString(await pageText(), "text/html");
    for (const name of ["stride", "allocation"]) page.querySelector(`#form [name=${name}]`)!.remove();
    const element = document.importNode(page.querySelector<HTMLFormElement>("#form")!, true);
    const form = new Form(element, document.createElement("p"), () => {});
    const values = (name: string) =>
      [...(element.elements.namedItem(name) as HTMLSelectElement).options].map(({ value }) => value);
    assert.equal(values("allocation"), ["", "pyramid", "adaptive"]);
    assert.equal(values("policy"), SESSION.policy.kind.names);
    assert.equal(values("score"), ["", ...SESSION.score.kind.names!]);
    assert.equal(values("pinPrompt"), ["", "yes"]);
    for (const name of NAMES) {
      const [text] = settingOf(name);
      form.settings = { ...DEFAULTS, [name]: text };
      assert.equal(form.settings, { ...DEFAULTS, [name]: text });
    }
  });
}

test.run();
