// What `npm start` lets the program write: what its arguments name, and nothing beside it.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { permissions } from "../../build/permissions.mjs";
import { repoPath } from "../support/files.ts";

const test = suite("permissions");
const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "kvcap-may-" }));
test.after(() => Deno.remove(folder, { recursive: true }));

const HOME = { HOME: `${folder}/home` };

/** Runs the command line as `npm start` does. */
async function run(args: string[], cwd: string) {
  const { flags, env } = permissions(args, { cwd, env: HOME, deno: Deno.execPath() });
  const program = ["--config", repoPath("deno.json"), repoPath("src/cli/main.ts")];
  const command = new Deno.Command(Deno.execPath(), { args: ["run", ...flags, ...program, ...args], cwd, env });
  const { code, stdout, stderr } = await command.output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, out, err };
}

const names = (path: string) => [...Deno.readDirSync(path)].map(({ name }) => name).sort();
const SHORT = ["generate", "A fox", "--device", "wasm", "--budget", "24", "--max-new-tokens", "2"];

test("files that arguments name are written, through links and odd names, and others cannot be", async () => {
  const [odd, other] = [`${folder}/a,b c`, `${folder}/other`];
  for (const path of [odd, other]) await Deno.mkdir(path);
  await Deno.symlink(odd, `${folder}/to`);
  await Deno.symlink("../other/there", `${odd}/link`);
  const policy = `
    const write = (path) => { try { Deno.writeTextFileSync(path, "x"); return "could"; } catch (error) { return error.name; } };
    export default { name: "spy", score: "sum" };
    console.error("TRIED", ...["./mine", "./s.partial", ${JSON.stringify(`${folder}/elsewhere`)}].map(write).join());`;
  await Deno.writeTextFile(`${odd}/spy.ts`, policy);
  const kept = ["--save", "link", `--record=${folder}/to/r,ec`];
  const { code, err } = await run([...SHORT, "--policy", "./spy.ts", ...kept], odd);
  assert.is(code, 0, err);
  assert.match(err.replaceAll(" ", ""), "TRIEDNotCapable,NotCapable,NotCapable");
  assert.equal([names(odd), names(other), names(folder)], [["link", "r,ec", "spy.ts"], ["there"], [
    "a,b c",
    "other",
    "to",
  ]]);
  const both = ["--out", "results.jsonl", "--report", "../other/report.html"];
  const plan = ["eval", "--tasks", "passkey", "--documents", "1", "--length", "96", "--device", "wasm"];
  for (let i = 0; i < 2; i++) {
    const measured = await run([...plan, "--policies", "full", ...both], odd);
    assert.is(measured.code, 0, measured.err);
  }
  assert.equal([names(odd), names(other)], [["link", "r,ec", "results.jsonl", "spy.ts"], ["report.html", "there"]]);
});

test("a model may be named by a letter, a variable or kvcap.json", async () => {
  const flags = (args: string[], env = {}, cwd = folder) =>
    permissions(args, { cwd, env: { ...HOME, ...env }, deno: "deno" }).flags;
  const expected = flags(["generate", "x", "--model", "smollm2-135m"]);
  assert.ok(expected.includes("--allow-net"));
  assert.equal(flags(["generate", "x", "-m", "smollm2-135m"]), expected);
  assert.equal(flags(["generate", "x", "-msmollm2-135m"]), expected);
  assert.equal(flags(["generate", "x", "-m=smollm2-135m"]), expected);
  assert.equal(flags(["generate", "x"], { KVCAP_MODEL: "smollm2-135m" }), expected);
  const cwd = await Deno.makeTempDir();
  await Deno.writeTextFile(`${cwd}/kvcap.json`, `{ "model": "smollm2-135m" }`);
  assert.equal(flags(["generate", "x"], {}, cwd), expected);
  assert.equal(flags(["generate", "x"], { KVCAP_MODEL: "" }, cwd), expected); // which says nothing
  await Deno.remove(cwd, { recursive: true });
});

test("nobody writes who is not asked to; what comes over the network goes to the cache", () => {
  const flags = (...args: string[]) => permissions(args, { cwd: folder, env: HOME, deno: "deno" }).flags.join(" ");
  for (const args of [[], ["generate", "x"], ["replay", "file"], ["models"], ["perplexity", "x"], ["fit", "x"]]) {
    assert.is(flags(...args), "--quiet --no-prompt --allow-read --allow-env");
  }
  const cache = `${HOME.HOME}/.cache/kvcap`;
  assert.match(flags("pull", "hf:a/b"), `--allow-net --allow-write=${cache}`);
  assert.not.match(flags("pull", "hf:a/b"), "--allow-run");
  assert.match(flags("pull", "smollm2-135m"), `--allow-run=pip,pip3,python3,python,py --allow-write=${cache}`);
  assert.match(flags("eval", "--models", "hf:a/b"), `--allow-net --allow-write=${cache}`);
  for (const args of [["chat"], ["sweep", "plan.yaml", "--out", "x"], ["sweep", "--queue", "redis://x"]]) {
    assert.not.match(flags(...args), /--allow-write(?!=)/);
  }
  assert.match(flags("chat", "--resume", "/some/where/s"), `--allow-write=${folder},/some/where`);
});

test.run();
