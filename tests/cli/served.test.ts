// The models that `serve` has, each with what --set says of it and what flags say of all.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { loaded, placesOf } from "../../src/cli/served.ts";
import { Arguments } from "../../src/cli/usage.ts";
import { Service } from "../../src/openai/service.ts";
import { LIMITS } from "../support/api.ts";
import { repoPath } from "../support/files.ts";

const test = suite("serve: models");
const FABLE = repoPath("models/fable-2m");
const MODELS = ["serve", "--device", "wasm", "--threads", "1", "--models", `a=${FABLE},b.2=${FABLE}`];

test("flags say what holds for all, --set what holds for one", async () => {
  const args = ["--budget", "64", "--policy", "h2o", "--max-new-tokens", "50"];
  const set = ["a.budget=25%", "a.pin-prompt=true", "b.2.policy=roco", "b.2.maxNewTokens=300", "b.2.top-k=3"];
  const places = await placesOf(new Arguments([...MODELS, ...args, ...set.flatMap((one) => ["--set", one])]));
  assert.equal(places.map(({ name, session, generate }) => [name, session, generate]), [
    ["a", { budget: { share: 0.25 }, policy: "h2o", pinPrompt: true }, { maxNewTokens: 50 }],
    ["b.2", { budget: 64, policy: "roco" }, { maxNewTokens: 300, topK: 3 }],
  ]);
  const models = await loaded(places, LIMITS), service = new Service(models, LIMITS);
  const asked = (model: string, maxNewTokens?: number) => {
    const generate = maxNewTokens === undefined ? {} : { maxNewTokens };
    return service.asked({ model, stream: false, usage: false, n: 1, session: {}, generate }).generate.maxNewTokens;
  };
  assert.equal([asked("a"), asked("a", 49), asked("b.2"), asked("b.2", 299)], [50, 49, 300, 299]);
  assert.throws(() => asked("a", 51), /max_tokens must be at most 50, got 51/);
  service.close();
  for (const { model } of models) model.dispose();
});

test("what is wrong is refused, and whose it is", async () => {
  for (
    const [set, rule] of [
      [["a"], /--set must be NAME\.OPTION=VALUE, as smollm2\.budget=256, got "a"/],
      [["c.budget=3"], /--set must name one of a, b\.2, got c/],
      [["a.budjet=3"], /--set must name an option .* got budjet; did you mean budget\?/],
      [["a.store=x"], /--set must name an option .* got store/],
      [["a.budget=x"], /--set a\.budget: --budget must be slots/],
      [["b.2.budget=-3"], /Cannot serve b\.2: budget must be a whole number/],
      [["a.pin-prompt=maybe"], /--set a\.pin-prompt: pin-prompt must be true or false, got "maybe"/],
      [["a.budget=3", "a.budget=4"], /--set a\.budget may be given once only/],
      [["a.policy=roko"], /Cannot serve a: policy must be one of .* did you mean roco\?/],
      [["a.temperature=-1"], /Cannot serve a: temperature must be a number/],
    ] as [string[], RegExp][]
  ) {
    const args = new Arguments([...MODELS, ...set.flatMap((one) => ["--set", one])]);
    const error = await placesOf(args).catch((error) => error);
    assert.match(error.message, rule);
  }
});

test.run();
