// K and V in f16 and q8 against f32: the recorded greedy ids stay, and texts are foreseen as well.
// The quick run takes two models of either kind, and one text of each small model.
import { KV_TYPES } from "../../src/engine/kv.ts";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { load, type Model } from "../../src/load.ts";
import { chosen } from "../support/depth.ts";
import { onEngine, whereAble } from "../support/engine.ts";
import { checkedCase, listGolden, modelFolder, readJson } from "../support/files.ts";

const IDS = 20; // compared
const CLOSE = 0.01; // a recorded gap between two logits that f16 may close
const WORSE = 0.01; // of f32's perplexity

interface Case {
  ids: number[];
  greedy: number[];
  lastGap?: number; // between the two largest logits at the first greedy id
  gaps?: number[]; // at each
  messages?: unknown[] | null;
}

type Golden = { model: string; file?: string | null; modelFile?: string } & (Case | { cases: Case[] });

/** @returns how many ids are as recorded before a gap that explains another one */
async function checkGreedy(model: Model, { ids, greedy, lastGap, gaps, messages }: Case): Promise<number> {
  const { eosIds } = model.config;
  const session = model.session({ policy: "full", kv: "f16" });
  const compared = greedy.slice(0, IDS);
  const options = { maxNewTokens: compared.length, stopAtEnd: false, banned: messages ? [] : eosIds };
  for await (const _ of session.generate(ids, options));
  const { ids: said } = session.report();
  session.dispose();
  const parted = compared.findIndex((id, i) => said[i] !== id);
  if (parted < 0) return compared.length;
  const gap = gaps?.[parted] ?? (parted === 0 ? lastGap : undefined) ?? await gapAt(model, { ids, greedy }, parted);
  assert.ok(gap < CLOSE, `id ${parted} is ${said[parted]} instead of ${compared[parted]}, gap ${gap}`);
  return parted;
}

/** The gap between the recorded id and the next, by the model with K and V in f32, which writes what is recorded. */
async function gapAt(model: Model, { ids, greedy }: Pick<Case, "ids" | "greedy">, at: number): Promise<number> {
  const session = model.session({ policy: "full", kv: "f32" });
  const banned = model.config.eosIds;
  let gap = Infinity;
  const onLogits = (logits: Float32Array) => {
    const others = logits.filter((_, id) => id !== greedy[at] && !banned.includes(id));
    gap = logits[greedy[at]] - others.reduce((a, b) => Math.max(a, b)); // of the last step
  };
  const options = { maxNewTokens: at + 1, stopAtEnd: false, banned, onLogits };
  for await (const _ of session.generate(ids, options));
  assert.equal(session.report().ids, greedy.slice(0, at + 1));
  session.dispose();
  return gap;
}

const test = suite("golden kv");
const run = await whereAble(test);
for (const kind of ["hf", "gguf"]) {
  const all = (await listGolden(kind)).filter(({ name }) => name !== "blocks");
  for (const { name, json } of chosen(all, ({ name }) => name.startsWith("smollm2") ? [] : kind, 2)) {
    run(`${kind} ${name}, K and V in f16`, async () => {
      const golden = await readJson<Golden>(json);
      const place = golden.file
        ? json.replace(/[^/]+$/, golden.file)
        : await modelFolder(golden.modelFile ?? golden.model);
      if (!place) return checkedCase(`kv ${name}: model absent, and there is nothing to check without it`);
      const model = await load(place, await onEngine());
      try {
        const counts = [];
        for (const one of "cases" in golden ? golden.cases : [golden]) counts.push(await checkGreedy(model, one));
        checkedCase(`kv ${kind} ${name}: f16 greedy ${counts.join(", ")}`);
      } finally {
        model.dispose();
      }
    });
  }
}

/** Recorded texts: the documents that a key is hidden in, and stories. */
async function texts(): Promise<[name: string, model: string, text: string | number[]][]> {
  const all: [string, string, string | number[]][] = [];
  for (const { name, json } of await listGolden("passkey")) {
    const { model, docs } = await readJson<{ model: string; docs: { text: string }[] }>(json);
    all.push([`passkey ${name}`, model, docs[0].text]);
  }
  const models = new Set<string>();
  for (const { name, json } of await listGolden("easykv")) {
    const { case: { modelName, modelFile }, promptIds } = await readJson(json);
    const model = modelFile ?? modelName;
    if (models.has(model) || promptIds.length < 100) continue;
    models.add(model);
    all.push([`easykv ${name}`, model, promptIds]);
  }
  return all;
}

for (const [name, modelName, text] of chosen(await texts(), ([, model]) => model.startsWith("smollm2") ? [] : model)) {
  run(`${name}, its perplexity`, async () => {
    const place = await modelFolder(modelName);
    if (!place) return checkedCase(`kv ${name}: model absent, and there is nothing to check without it`);
    const model = await load(place, await onEngine());
    try {
      const told: string[] = [];
      const capped = { policy: "roco", budget: { share: 0.5 }, stride: 16 } as const;
      for (
        const options of modelName === "fable-2m"
          ? [{ policy: "full" }, capped] as const
          : [{ policy: "full" }] as const
      ) {
        const { perplexity: exact } = await model.perplexity(text, { ...options, kv: "f32" });
        for (const kv of KV_TYPES.filter((kv) => kv !== "f32")) {
          const { perplexity } = await model.perplexity(text, { ...options, kv });
          const change = perplexity / exact - 1;
          told.push(`${options.policy} ${kv} ${(100 * change).toFixed(3)} %`);
          assert.ok(Math.abs(change) < WORSE, `${options.policy}, ${kv}: ${perplexity} instead of ${exact}`);
        }
      }
      checkedCase(`kv ${name}: perplexity ${told.join(", ")} from that of f32`);
    } finally {
      model.dispose();
    }
  });
}
test.run();
