// The lab's links: an address gives back its run, and what is bad in one is refused.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { comparisonFrom } from "../../page/compare/comparison.ts";
import { DEFAULTS, fromHash, toHash } from "../../page/settings.ts";

const test = suite("lab links");

test("an address gives back the run, whatever is in its text", () => {
  const settings = { ...DEFAULTS, system: "be #brief & kind", budget: "25%", sinks: "10%" };
  const turns = [{ text: "a=b&c #d\n“e” %41 +", max: 7 }, { text: "", max: 19_993 }];
  for (const model of ["", "https://example.org/a b.gguf?x=1#y", "file:mine.gguf"]) {
    assert.equal(fromHash(toHash({ settings, turns, model })), { settings, turns, model, bad: [] });
  }
  for (const hash of ["", "#", "#view=cost", "#view=compare"]) assert.is(fromHash(hash), null);
  const { settings: few, turns: none } = fromHash("#shared=no")!;
  assert.equal([few.mode, few.policy, few.shared, none], ["text", "crest", "no", []]);
});

test("what is bad in a link is refused in a sentence that names it, and the rest is read", () => {
  const refused = (hash: string) =>
    fromHash(hash)!.bad.map((text) => /^Cannot open the link: (.*)$/.exec(text)![1].replace(/ must be .*, got/, ":"));
  const wrong = [
    "mode=song",
    "policy=best",
    "positions=both",
    "kv=f8",
    "score=me",
    "scope=none",
    "pool=min",
    "shared=banana",
  ];
  const numbers = [
    "temperature=hot",
    "topP=x",
    "seed=-",
    "stride=4a",
    "budget=some",
    "window=w",
    "sinks=5 %%",
    "newest=x%",
  ];
  const rest = ["allocation=mine", "stopAtEnd=1", "aggregate=sum", "pinPrompt=true", "view=map"];
  for (const part of [...wrong, ...numbers, ...rest]) {
    const [name, value] = part.split("=");
    const label = { topP: "top-p", pinPrompt: "the pinned prompt" }[name] ?? name;
    const link = fromHash(`#width=3&${part}&turn=2:a`)!;
    assert.equal([refused(`#${part}`), link.settings.width, link.turns], [[`${label}: ${value}`], "3", [{
      text: "a",
      max: 2,
    }]]);
    if (name !== "view") assert.is(link.settings[name as "mode"], { mode: "text", policy: "crest" }[name] ?? "");
  }
  assert.equal(refused("#turn=0:a&turn=20001:b&turn=19998:c&turn=3:d&turn=x:y"), [
    ...["turn: 0:a", "turn: 20001:b", "turn: 3:d", "turn: x:y"], // the page shows every token: no more than it can
  ]);
  for (
    const part of ["mode=chat", "positions=absolute", "kv=q8", "pool=mean", "shared=no", "budget=2 MiB", "sinks=5%"]
  ) {
    assert.equal(refused(`#${part}`), []);
  }
  const { comparison, bad } = comparisonFrom(
    "#view=compare&run=best,25%25&run=h2o,x,cache&run=full,,,f8&run=roco&run=roco&max=0&seed=y&prompt=a",
  )!;
  assert.equal(bad.map((text) => text.replace(/^Cannot open the link: | must be .*, got/g, "")), [
    ...["seed y", "policy best", "budget x", "kv f8", "run 5", "max 0"],
  ]);
  assert.equal(comparison.runs.map(({ policy, budget, positions, kv }) => [policy, budget, positions, kv].join()), [
    ...["crest,25%,,", "h2o,,cache,", "full,,,", "roco,,,"],
  ]);
  assert.equal([comparison.prompt, comparison.max, comparison.seed], ["a", 100, ""]);
});

test("what a link does not have, has twice or too much of is refused, too", () => {
  const refused = (bad: readonly string[]) => bad.map((text) => text.replace("Cannot open the link: ", ""));
  assert.equal(refused(fromHash("#polcy=h2o&seed=1&seed=2&turn=2:a&turn=3:b&model=x")!.bad), [
    "a name must be one that such links have, got polcy; did you mean policy?",
    "seed must be there once, got 2",
  ]);
  for (const name of ["sinks", "newest", "unsettled"]) {
    const rule = `${name} must be tokens or a share of the budget below 100%, got 200%`;
    assert.equal(refused(fromHash(`#${name}=200%25`)!.bad), [rule]);
  }
  const { comparison, bad } = comparisonFrom("#view=compare&prompt=abc&policy=h2o")!;
  assert.equal([comparison.prompt, comparison.runs.length], ["abc", 4]);
  assert.equal(refused(bad), [
    "a name must be one that such links have, got policy",
    "run must be there 1 to 4 times, got 0",
  ]);
  assert.equal(refused(comparisonFrom("#view=compare&run=roco,9,cache,q8,2")!.bad), [
    "run must be policy,budget,positions,kv, got roco,9,cache,q8,2",
  ]);
});
test.run();
