// Does a capped cache still know what it read? Five digits hidden in filler, asked for at the end (the paper's point).
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { load } from "../src/model.ts";
import { policies, type PolicyName } from "../src/policies/index.ts";
import { testDevice } from "./device.ts";
import { checkedCase, listGolden, modelFolder, readJson } from "./files.ts";

const MOST_FILLER = 20; // lines
const STRIDE = 16; // queries
/** Documents, of 20, in which the key must (full, roco) or may at most (recency) be found at half the prompt. */
const LEAST: Partial<Record<PolicyName, number>> = { full: 19, roco: 19 };
const MOST: Partial<Record<PolicyName, number>> = { recency: 12 };

const test = suite("golden passkey");
for (const { name, json } of await listGolden("passkey")) {
  const run = (await testDevice()) ? test : test.skip;
  run(name, async () => {
    const golden = await readJson<{ model: string; docs: { fillerLines: number; key: string; text: string }[] }>(json);
    const folder = await modelFolder(golden.model);
    if (!folder) return checkedCase(`passkey ${name}: model absent, and there is nothing to check without it`);
    const docs = golden.docs.filter(({ fillerLines }) => fillerLines <= MOST_FILLER);
    const model = await load(folder, { device: (await testDevice())! });
    try {
      for (const share of [0.5, 0.25]) {
        for (const policy of Object.keys(policies) as PolicyName[]) {
          if (policy === "full" && share < 0.5) continue; // it has no budget
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
          checkedCase(`passkey ${name}: ${policy} at ${share * 100} % finds ${found} of ${docs.length}`);
          if (share !== 0.5) continue;
          const scale = docs.length / 20;
          assert.ok(found >= (LEAST[policy] ?? 0) * scale, `${policy} finds ${found}`);
          assert.ok(found <= (MOST[policy] ?? 20) * scale, `${policy} finds ${found}`);
        }
      }
    } finally {
      model.dispose();
    }
  });
}
test.run();
