// What is taken up again: sessions that were saved, and policies of one's own, given anew. The quick run does one.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { corePolicies as policies } from "../../src/policies/core.ts";
import { kvcap } from "../support/command.ts";
import { fewOf } from "../support/depth.ts";

import { repoPath } from "../support/files.ts";

const test = fewOf(suite("command line: kept"), 1);

test("a session is saved, and resumed exactly", async () => {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/session.kvcap`;
  const capped = ["--budget", "24", "--stride", "8", "--temperature", "1", "--ignore-eos", "--json"];
  const prompt = "Once upon a time there was a fox";
  const text = (stdout: string) => JSON.parse(stdout).ids as number[];
  const whole = await kvcap(["generate", prompt, ...capped, "--max-new-tokens", "24"]);
  const first = await kvcap(["generate", prompt, ...capped, "--max-new-tokens", "12", "--save", file]);
  const second = await kvcap(["generate", ...capped.slice(4), "--max-new-tokens", "12", "--resume", file]);
  assert.equal([first.code, second.code], [0, 0], second.stderr);
  assert.equal([...text(first.stdout), ...text(second.stdout)], text(whole.stdout));
  const changed = await kvcap(["generate", "--resume", file, "--budget", "30"]);
  assert.equal([changed.code, changed.stderr.trim()], [
    2,
    'Cannot read the command line: --budget cannot be changed with --resume, got "30"',
  ]);
  const foreign = await kvcap(["generate", "--resume", repoPath("package.json")]);
  assert.is(foreign.code, 1);
  assert.match(foreign.stderr, "Cannot restore session: a snapshot must begin with kvcapses, got other bytes");
  for (
    const [path, what] of [[folder, "a folder"], ["/dev/null", "a device or a pipe"], [
      `${folder}/no/x`,
      "no such folder",
    ]]
  ) {
    const { code, stdout, stderr } = await kvcap(["generate", prompt, ...capped, "--save", path]);
    assert.equal([code, stdout, stderr.trim()], [
      1,
      "",
      `Cannot save the session: ${path} must be a file to write, got ${what}`,
    ]);
  }
  assert.equal([...Deno.readDirSync(folder)].map(({ name }) => name), ["session.kvcap"]);
  await Deno.remove(folder, { recursive: true });
});

test("a policy of one's own is a module, and must be one", async () => {
  const folder = await Deno.makeTempDir();
  const mine = repoPath("examples/own-policy.ts");
  const [kept, recorded] = [`${folder}/kept`, `${folder}/recorded`];
  const capped = ["--budget", "20", "--stride", "4", "--ignore-eos", "--json", "--max-new-tokens", "20"];
  const text = ["generate", "Once upon a time there was a fox", ...capped, "--policy", mine];
  const first = await kvcap([...text, "--save", kept, "--record", recorded]);
  assert.is(first.code, 0, first.stderr);
  assert.is(JSON.parse(first.stdout).policy, "fading");
  const second = await kvcap(["generate", "--json", "--max-new-tokens", "5", "--resume", kept, "--policy", mine]);
  assert.is(second.code, 0, second.stderr);
  assert.is(JSON.parse(second.stdout).policy, "fading");
  const replayed = await kvcap(["replay", recorded, "--policy", mine, "--policy", "h2o", "--json"]);
  const { replays } = JSON.parse(replayed.stdout);
  assert.equal(replays.map(({ policy, reproduced }: Record<string, unknown>) => [policy, reproduced]), [
    ["fading", true],
    ["h2o", null],
  ]);
  const others = await kvcap(["replay", recorded]);
  assert.is(
    others.stdout.trimEnd().split("\n").length,
    1 + Object.keys(policies).length - 1,
    "all but the recorded one and full",
  );
  const measured = await kvcap(["perplexity", "Once upon a time there was a fox", "--policy", mine, "--json"]);
  assert.is(JSON.parse(measured.stdout).policy, "fading");
  const module = async (name: string, code: string) => {
    await Deno.writeTextFile(`${folder}/${name}`, code);
    return `${folder}/${name}`;
  };
  const cases: [string, string][] = [
    [`${folder}/none.ts`, "must be a file to read, got no such file"],
    [await module("empty.ts", "export const a = 1;"), "must export a policy as its default, got nothing"],
    [await module("throws.ts", 'throw new Error("my own\\nfault");'), "must be a module that runs, got my own fault"],
    [await module("wrong.ts", "export default { name: 'mine', score: 3 };"), "score must be one of mean, sum, "],
    [
      await module("full.ts", "export default { name: 'full', score: 'sum' };"),
      "the name of a policy of its own must be",
    ],
  ];
  for (const [path, words] of cases) {
    const { code, stdout, stderr } = await kvcap(["generate", "x", "--policy", path]);
    assert.equal([code, stdout], [1, ""]);
    assert.match(stderr, /^Cannot read the policy: [^\n]+\n$/);
    assert.ok(stderr.includes(words), stderr);
  }
  const without = await kvcap(["generate", "--resume", kept]);
  assert.match(
    without.stderr,
    "Cannot restore session: the session's own policy, fading, must be given again, got none",
  );
  const named = await kvcap(["generate", "--resume", kept, "--policy", "h2o"]);
  assert.match(named.stderr, '--policy cannot be changed with --resume, got "h2o"');
  await Deno.remove(folder, { recursive: true });
});

test.run();
