// Does a capped cache still know what it read? Five digits hidden in filler, asked for at the end (the paper's point).
// The quick run takes three documents, half the prompt, the full cache, RoCo, crest and one policy more, drawn anew every day.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { load, type Model } from "../../src/load.ts";
import { corePolicies as policies } from "../../src/policies/core.ts";
import type { PolicyName } from "../../src/policies/index.ts";
import { chosen, full } from "../support/depth.ts";
import { checkedCase, listGolden, modelFolder, readJson } from "../support/files.ts";
import { engine, onEngine, whereAble } from "../support/engine.ts";

const MOST_FILLER = 20; // lines
const STRIDE = 16; // queries
type Counts = Partial<Record<PolicyName, number>>;

/** Documents, of 20, in which the key must be found, by share of the prompt; and may at most be, at half of it. */
const LEAST: Record<number, Counts> = {
  0.5: { full: 19, roco: 19, crest: 20 },
  0.25: { crest: 20 },
  0.1: { crest: 18 },
};
const MOST: Counts = { recency: 12 };

const SHARES = full ? [0.5, 0.25, 0.1] : [0.5]; // of the prompt
const kindOf = (policy: PolicyName) => LEAST[0.5][policy] ? policy : "other";

/** The policies at a share: at a tenth, which most find nothing at, two on one engine; at a half, on a GPU of software, four. */
function policiesAt(share: number): PolicyName[] {
  const fast = engine() === "wasm";
  if (share === 0.1) return fast ? ["roco", "crest"] : [];
  if (share === 0.5 && !fast && full) return ["roco", "crest", "snapkv", "full"];
  const all = chosen(Object.keys(policies) as PolicyName[], kindOf);
  return all.filter((policy) => policy !== "full" || share === 0.5); // it has no budget
}

interface Golden {
  model: string;
  docs: { fillerLines: number; key: string; text: string }[];
}

const test = suite("golden passkey");
const run = await whereAble(test);
for (const { name, json } of await listGolden("passkey")) {
  const golden = await readJson<Golden>(json);
  const docs = chosen(golden.docs.filter(({ fillerLines }) => fillerLines <= MOST_FILLER), () => "any", 3);
  const folder = await modelFolder(golden.model);
  if (!folder) run(name, () => checkedCase(`passkey ${name}: model absent, and there is nothing to check without it`));
  let loaded: Promise<Model> | undefined;
  for (const share of folder ? SHARES : []) {
    for (const policy of policiesAt(share)) {
      run(`${name}: ${policy} at ${share * 100} %`, async () => {
        const model = await (loaded ??= onEngine().then((options) => load(folder!, options)));
        const found = await keysFound(model, docs, policy, share);
        checkedCase(`passkey ${name}: ${policy} at ${share * 100} % finds ${found} of ${docs.length}`);
        const scale = docs.length / 20;
        assert.ok(found >= Math.floor((LEAST[share][policy] ?? 0) * scale), `${policy} finds ${found}`);
        if (full && share === 0.5) assert.ok(found <= (MOST[policy] ?? 20) * scale, `${policy} finds ${found}`); // of three it may find all
      });
    }
  }
  test.after(async () => (await loaded)?.dispose());
}
test.run();

async function keysFound(model: Model, docs: Golden["docs"], policy: PolicyName, share: number): Promise<number> {
  let found = 0;
  for (const { text, key } of docs) {
    const prompt = model.tokenizer.encode(text, { bos: true });
    const budget = policy === "full" ? undefined : Math.floor(prompt.length * share);
    const session = model.session({ policy, budget, stride: STRIDE });
    let answer = "";
    for await (const piece of session.generate(prompt, { maxNewTokens: key.length })) answer += piece;
    if (answer.trim() === key) found++;
    session.dispose();
  }
  return found;
}
