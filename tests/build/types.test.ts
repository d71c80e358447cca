// The package's types under TypeScript as users have it: old and new, strict, with every library looked at, and nothing installed
// besides. The quick run takes the project's own.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { depth } from "../support/depth.ts";
import { repoPath } from "../support/files.ts";
import { Installed } from "../support/installed.ts";
import { tools } from "../support/tools.ts";

const installed = await Installed.make();

/** A user's program that touches what the types need most care for. A line behind @ts-expect-error must be refused. */
await installed.write(
  "program.ts",
  `import { type Core as Books, KvcapError, load, type LoadOptions, type Model, policies, type Session } from "kvcap";
import { Core, ruleFor } from "kvcap/core";
import { evaluate, type PlanOptions, type Result } from "kvcap/eval";
import { type ChatChunk, type Client, openai, RequestError } from "kvcap/openai";
import { answerFetches } from "kvcap/service-worker";
import { connect, host } from "kvcap/worker";

export async function said2(model: Model, scope: DedicatedWorker, worker: Worker): Promise<string> {
  const client: Client = openai({ one: model }, { session: { budget: 64 }, parallel: 2 });
  host(scope, client);
  answerFetches({ addEventListener() {} }, () => client);
  const remote: Client = connect(worker);
  const chunks: ChatChunk[] = [];
  for await (const chunk of await remote.chat.completions.create({ messages: [], stream: true })) chunks.push(chunk);
  const { choices, usage } = await client.completions.create({ prompt: "x", budget: 32 }).catch((error) => {
    throw error instanceof RequestError ? error.status : error;
  });
  // @ts-expect-error: an option that there is not
  openai(model, { budget: 3 });
  return choices[0].text + usage?.kvcap.evicted + chunks[0]?.choices[0]?.delta.content;
}
type DedicatedWorker = { addEventListener(type: string, listener: (event: MessageEvent) => void): void };

export async function story(options: LoadOptions): Promise<string> {
  using model: Model = await load("models/x", { ...options, signal: AbortSignal.timeout(1000), device: "wasm" });
  using session: Session = model.session({ budget: { share: 0.25 }, policy: "roco", onStep: ({ victims }) => victims[0].position });
  const reader: ReadableStreamDefaultReader<string> = session.stream("Once", { maxNewTokens: 3 }).getReader();
  await reader.cancel();
  let text = "";
  for await (const piece of session.chat([{ role: "user", content: "Hello" }], { topP: 0.9 })) text += piece;
  const bytes = await session.snapshot();
  using again = await model.restore(bytes, {});
  text += new Blob([bytes]).size + again.report().liveSlots;
  const plan: PlanOptions = { tasks: "passkey", budgets: ["25%", 8] };
  const found: Result[] = [];
  for await (const one of evaluate(plan, { models: { model } })) found.push(one);
  const core: Books = Core.create({ layers: 1, kvHeads: 1, capacity: 9 }, ruleFor(policies.h2o, 8));
  core.restore(core.snapshot());
  // @ts-expect-error: a score that there is not
  core.setRule({ ...ruleFor(policies.h2o, 8), score: "best" });
  // @ts-expect-error: a policy that there is not
  model.session({ policy: "best" });
  // @ts-expect-error: a task that there is not
  evaluate({ tasks: "speed" }, { models: {} });
  // @ts-expect-error: a model comes from a folder or URL
  await load({ nothing: true });
  // @ts-expect-error: a device is a name or has pipelines
  await load("x", { device: {} });
  // @ts-expect-error: sessions are made by models
  new Session();
  return text;
}
export const said = (error: unknown): string => error instanceof KvcapError ? error.code : "";
`,
);

const OWN = "7";
const versions = depth([OWN], ["5.4", "5.9", OWN]);
const compiler = async (version: string) =>
  version === OWN ? repoPath("node_modules/typescript/bin/tsc") : `${await tools()}/typescript-${version}/bin/tsc`;
const KINDS = {
  bundler: ["--module", "esnext", "--moduleResolution", "bundler", "--isolatedModules", "--verbatimModuleSyntax"],
  nodenext: ["--module", "nodenext", "--moduleResolution", "nodenext", "--exactOptionalPropertyTypes"],
};

const test = suite("types of the package");
for (const version of versions) {
  for (const [kind, options] of Object.entries(KINDS)) {
    test(`compile under TypeScript ${version}, ${kind}`, async () => {
      const strict = ["--noEmit", "--strict", "--target", "es2022", "--lib", "es2022,dom"];
      await installed.run("node", await compiler(version), ...strict, ...options, "program.ts");
    });
  }
}

test("say nothing that users cannot name", async () => {
  for (const entry of ["kvcap", "core", "eval", "openai", "worker", "service-worker", "ai"]) {
    const text = await Deno.readTextFile(`${installed.folder}/node_modules/kvcap/build/out/${entry}.d.ts`);
    const [, list] = /^export \{ (.*) \};$/m.exec(text)!;
    const exported = new Set(list.split(", ").map((name) => name.replace("type ", "")));
    const declared = [...text.matchAll(/^(?:declare )?(?:class|interface|type|const|function|let) (\w+)/gm)];
    assert.ok(declared.length > 1);
    assert.equal(declared.map(([, name]) => name).filter((name) => !exported.has(name)), [], entry);
  }
});

test.after(() => installed.remove());
test.run();
