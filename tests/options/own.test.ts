// Policies of one's own are checked wherever one is named, in one sentence.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { checkSession, type SessionOptions } from "../../src/options/index.ts";
import { checkPolicyAgain } from "../../src/options/kept.ts";
import { definePolicy } from "../../src/options/own.ts";
import { PARTS } from "../../src/options/parts.ts";
import { namesOf } from "../../src/options/row.ts";
import { ruleName } from "../../src/eviction/rule.ts";
import { SCORES } from "../../src/core/rule.ts";
import { refusal } from "../support/spies.ts";

const test = suite("policies of one's own");
const score = () => {};

test("its parts are a session's, where the session says nothing else", () => {
  const fading = definePolicy({ name: "fading", score, scope: "low-spread", shared: true });
  const parts = (options: SessionOptions) => {
    const { score, scope, shared, window } = checkSession(options);
    return [score, scope, shared, window];
  };
  assert.equal(parts({ policy: fading }), [score, "low-spread", true, 0]);
  assert.equal(parts({ policy: { name: "plain", score } }), [score, "all", false, 0]);
  assert.equal(parts({ policy: fading, scope: "all", score: "sum" }), ["sum", "all", true, 0]);
  const wide = definePolicy({ name: "wide", score: "windowed", window: 9, pool: "mean" });
  const { window, pool, width } = checkSession({ policy: wide });
  assert.equal([window, pool, width], [9, "mean", 7]);
  const based = definePolicy({ name: "based", score, basis: "windowed", window: 5 });
  const { window: rows, width: neighbours } = checkSession({ policy: based });
  assert.equal([rows, neighbours, ruleName(checkSession({ policy: based }))], [5, 1, "based"]);
  assert.is(ruleName(checkSession({ policy: fading })), "fading");
  assert.is(ruleName(checkSession({ policy: fading, scope: "all" })), "fading, scope all");
  assert.is(ruleName(checkSession({ policy: fading, score: () => {} })), "fading, score of its own");
  assert.ok(Object.isFrozen(fading));
});

const WRONG: [Record<string, unknown>, string][] = [
  [
    { name: "roco", score },
    'the name of a policy of its own must be letters, digits and dashes, and none that there is, got "roco"',
  ],
  [{ name: "no spaces", score }, 'got "no spaces"'],
  [{ name: "", score }, 'got ""'],
  [{ score }, "got nothing"],
  [{ name: "mine" }, "the policy mine must have a score, a function or one by name, got nothing"],
  [
    { name: "mine", score: "best" },
    `score must be one of ${SCORES.join(", ")} or a function, got "best"`,
  ],
  [{ name: "mine", score, scope: "some" }, 'scope must be one of all, low-spread, peak, got "some"'],
  [{ name: "mine", score, shared: 1 }, "shared must be true or false, got 1"],
  [
    { name: "mine", score, budget: 3 },
    `options are name, ${namesOf(PARTS).join(", ")}, basis, readsVectors, readsQueries, got "budget"`,
  ],
  [
    { name: "mine", score, basis: "best" },
    `the basis of the policy mine must be one of ${SCORES.join(", ")}, got "best"`,
  ],
  [{ name: "mine", score, readsVectors: 1 }, "readsVectors of the policy mine must be true or false, got 1"],
  [{ name: "mine", score: "sum", basis: "mean" }, 'basis goes with policies whose score is a function, got "mean"'],
  [
    { name: "mine", score: "sum", readsVectors: true },
    "readsVectors goes with policies whose score is a function, got true",
  ],
];
for (const [policy, words] of WRONG) {
  test(`refused: ${words}`, () => {
    assert.is(refusal(() => definePolicy(policy as never)).slice(-words.length), words);
    assert.match(refusal(() => definePolicy(policy as never)), /^Cannot define a policy: /);
    const asked = refusal(() => checkSession({ policy: policy as never }));
    assert.match(asked, /^Cannot create session: /);
    assert.is(asked.slice(-words.length), words);
  });
}

test("what does not go together is refused as with any other policy", () => {
  const refused = (options: SessionOptions, words: string) => assert.match(refusal(() => checkSession(options)), words);
  refused(
    { policy: { name: "mine", score }, window: 3 },
    "window goes with the scores windowed, persistence and fading only",
  );
  refused({ policy: { name: "mine", score }, allocation: "adaptive" }, "allocation adaptive needs a score by name");
});

test("it must be given again, it and no other", () => {
  const again = (kept: SessionOptions["policy"], given: SessionOptions["policy"]) =>
    refusal(() => checkPolicyAgain("restore session", { policy: kept }, given));
  const mine = { name: "mine", score };
  assert.is(again(mine, mine), "nothing was thrown");
  assert.is(again("roco", undefined), "nothing was thrown");
  assert.is(
    again(mine, undefined),
    "Cannot restore session: the session's own policy, mine, must be given again, got none",
  );
  assert.match(again(mine, { name: "other", score }), "must be given again, got other");
  assert.match(again(mine, "roco"), "must be given again, got roco");
  assert.match(again("roco", mine), "policy must be left out, the session has none of its own, got mine");
});
test.run();
