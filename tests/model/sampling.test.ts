// What a model's files say of sampling: as transformers goes by generation_config.json, beneath what a caller says.
import * as assert from "uvu/assert";
import { load } from "../../src/load.ts";
import { folderSampling } from "../../src/model/sampling.ts";
import type { GenerateOptions, LoadOptions } from "../../src/options/index.ts";
import { engineSuite, onEngine } from "../support/engine.ts";
import { changed, F32, openBytes, STRING, type Typed, U32 } from "../support/gguf.ts";
import { json, modelFiles } from "../support/model-files.ts";

const test = await engineSuite("sampling of a model's files");
const FROM = "generation_config.json";

const opened = async (generation: Record<string, unknown>, options: LoadOptions = {}) => {
  const told: string[] = [];
  const change = json((value) => {
    for (const name of Object.keys(value)) if (!/_token_id$/.test(name)) delete value[name];
    Object.assign(value, generation);
  });
  const files = await modelFiles("tests/golden/models/tiny-llama3", { [FROM]: change });
  const onWarning = (line: string) => void told.push(line);
  return { told, model: await load(files, { ...await onEngine(), sampling: "model", onWarning, ...options }) };
};

/** What transformers 5.24 makes of such files (`_prepare_generation_config`, `_get_logits_processor`). */
const CASES: [file: Record<string, unknown>, options: Record<string, number> | null][] = [
  [{ do_sample: true, temperature: 0.6, top_k: 20, top_p: 0.95 }, { temperature: 0.6, topK: 20, topP: 0.95 }],
  [{ do_sample: true, temperature: 0.6, top_p: 0.9 }, { temperature: 0.6, topK: 50, topP: 0.9 }],
  [
    { do_sample: true, repetition_penalty: 1.05, temperature: 0.7, top_p: 0.8, top_k: 20 },
    { temperature: 0.7, topK: 20, topP: 0.8, repetitionPenalty: 1.05, penaltyWindow: 4096 },
  ],
  [{ do_sample: false, max_new_tokens: 2048 }, null],
  [{ temperature: 0.7, top_p: 0.9 }, null],
  [{ do_sample: true }, { temperature: 1, topK: 50 }],
  [{ do_sample: true, top_k: null, min_p: 0.1 }, { temperature: 1, topK: 50, minP: 0.1 }],
  [{ do_sample: true, top_k: 0, typical_p: 0.5 }, { temperature: 1, typicalP: 0.5 }],
  [{ repetition_penalty: 1.2 }, { repetitionPenalty: 1.2, penaltyWindow: 4096 }],
];

test("generation_config.json is taken as transformers takes it", () => {
  for (const [file, options] of CASES) {
    const notes: string[] = [];
    assert.equal(folderSampling(file, notes), options && { from: FROM, options }, JSON.stringify(file));
    assert.equal(notes, []);
  }
});

test("what makes no sense is said once, and nothing is taken", async () => {
  const wrong: [Record<string, unknown>, string][] = [
    [{ do_sample: true, temperature: "hot", top_p: 7 }, 'temperature must be a number from 0 to 100, got "hot"'],
    [{ do_sample: true, top_p: 0 }, "top_p must be a number above 0 and at most 1, got 0"],
    [{ do_sample: true, top_k: -1 }, "top_k must be a whole number from 0 to 16777216, got -1"],
    [{ do_sample: "yes", temperature: 0.5 }, 'do_sample must be true or false, got "yes"'],
    [{ repetition_penalty: 0 }, "repetition_penalty must be a number above 0 and at most 100, got 0"],
  ];
  for (const [file, said] of wrong) {
    const notes: string[] = [];
    assert.is(folderSampling(file, notes), null);
    assert.equal(notes, [`${FROM}: ${said}: nothing that it says of sampling is taken`]);
  }
  const { model, told } = await opened({ do_sample: true, min_p: 2 });
  assert.equal([told.length, { ...model.sampling }], [1, {}]);
  model.dispose();
});

test("it holds beneath what a caller says, and the report says what held", async () => {
  const { model } = await opened(CASES[2][0]);
  assert.equal({ ...model.sampling }, CASES[2][1]);
  assert.ok(Object.isFrozen(model.sampling));
  const written = async (options: GenerateOptions) => {
    const session = model.session({ budget: 64 });
    for await (const _ of session.generate([1, 2, 3], { maxNewTokens: 24, stopAtEnd: false, ...options }));
    const { ids, sampling } = session.report();
    session.dispose();
    return { ids, sampling };
  };
  const all = { temperature: 0.7, topK: 20, topP: 0.8, repetitionPenalty: 1.05, penaltyWindow: 4096 };
  const [own, explicit, greedy] = [await written({}), await written(all), await written({ temperature: 0 })];
  assert.equal(own.ids, explicit.ids);
  assert.is.not(own.ids.join(), greedy.ids.join());
  const file = `top-k 20, top-p 0.8, repetition penalty 1.05, penalty window 4096`;
  assert.is(own.sampling, `temperature 0.7, ${file} from ${FROM}`);
  assert.is(explicit.sampling, `temperature 0.7, ${file}`);
  assert.is(greedy.sampling, "greedy");
  assert.equal(await written({ temperature: 0.9, topK: 5, repetitionPenalty: 1 }), {
    ids: (await written({ temperature: 0.9, topK: 5, topP: 0.8, repetitionPenalty: 1 })).ids,
    sampling: `temperature 0.9, top-k 5; top-p 0.8 from ${FROM}`,
  });
  const free = await opened(CASES[2][0], { sampling: "greedy" });
  const session = free.model.session({ budget: 64 });
  for await (const _ of session.generate([1, 2, 3], { maxNewTokens: 24, stopAtEnd: false }));
  assert.equal([session.report().ids, session.report().sampling], [greedy.ids, "greedy"]);
  model.dispose();
  free.model.dispose();
});

test("a GGUF file says it by llama.cpp's keys", async () => {
  const of = async (keys: Record<string, Typed>) => {
    const named = Object.entries(keys).map(([key, value]) => [`general.sampling.${key}`, value]);
    const { sampling, notes } = await openBytes(changed(Object.fromEntries(named)));
    return { options: sampling && { ...sampling.options }, notes };
  };
  const drawn = { temp: [F32, 0.5], top_k: [U32, 20], top_p: [F32, 0.75], min_p: [F32, 0.25] } as Record<string, Typed>;
  const options = { temperature: 0.5, topK: 20, topP: 0.75, minP: 0.25 };
  assert.equal(await of({}), { options: null, notes: [] });
  assert.equal(await of(drawn), { options, notes: [] });
  assert.equal(await of({ top_k: [U32, 20] }), { options: null, notes: [] });
  const penalty: Record<string, Typed> = { penalty_repeat: [F32, 1.5], penalty_last_n: [U32, 128] };
  assert.equal((await of(penalty)).options, { repetitionPenalty: 1.5, penaltyWindow: 128 });
  assert.equal((await of({ ...drawn, ...penalty })).options, {
    ...options,
    repetitionPenalty: 1.5,
    penaltyWindow: 128,
  });
  assert.equal(await of({ temp: [STRING, "hot"] }), {
    options: null,
    notes: [
      'the file\'s general.sampling: temp must be a number from 0 to 100, got "hot": nothing that it says of sampling is taken',
    ],
  });
});
test.run();
