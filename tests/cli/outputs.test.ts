// Files that commands write: whole or not at all, in nobody's way, and for their user alone. The quick run does a few.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { kvcap, spawn } from "../support/command.ts";
import { fewOf } from "../support/depth.ts";

const test = fewOf(suite("command line: outputs"), ["what stands there", "each signal"]);
let folder: string;
test.before.each(async () => void (folder = await Deno.makeTempDir({ prefix: "kvcap-out-" })));
test.after.each(() => Deno.remove(folder, { recursive: true }));

const SHORT = ["generate", "A fox", "--device", "wasm", "--budget", "24", "--max-new-tokens", "2"];
const names = () => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
const modeOf = async (name: string) => (await Deno.stat(`${folder}/${name}`)).mode! & 0o7777;
const put = async (name: string, text: string, mode = 0o644) => {
  await Deno.writeTextFile(`${folder}/${name}`, text);
  await Deno.chmod(`${folder}/${name}`, mode);
};
const read = (name: string) => Deno.readTextFileSync(`${folder}/${name}`);
const both = () => ["--save", `${folder}/s`, "--record", `${folder}/r`];

test("what stands there is replaced where it is of its kind, or by force; nothing else is touched", async () => {
  for (const name of ["s.partial", "r.partial", "s~", ".s"]) await put(name, "mine");
  await put("s", "kvcapses and more", 0o640);
  await put("r", "");
  const first = await kvcap([...SHORT, ...both()]);
  assert.is(first.code, 0, first.stderr);
  assert.equal(names(), [".s", "r", "r.partial", "s", "s.partial", "s~"]);
  for (const name of ["s.partial", "r.partial", "s~", ".s"]) assert.is(read(name), "mine");
  assert.ok(read("s").startsWith("kvcapses") && read("s").length > 1000 && read("r").startsWith("kvcaprec"));
  assert.equal([await modeOf("s"), await modeOf("r")], [0o640, 0o644]);
  for (const [flag, what] of [["save", "a session"], ["record", "a recording"]]) {
    await put("other", "a letter", 0o644);
    const args = [...SHORT, `--${flag}`, `${folder}/other`];
    const refused = await kvcap(args);
    assert.equal([refused.code, refused.stdout, read("other")], [1, "", "a letter"]);
    assert.match(refused.stderr, `other must be a new file or ${what} (--force replaces any), got another file`);
    const forced = await kvcap([...args, "--force"]);
    assert.equal([forced.code, read("other").slice(0, 5)], [0, "kvcap"], forced.stderr);
    assert.is(await modeOf("other"), 0o644);
  }
});

test("a new file is its user's alone, whatever the mask", async () => {
  const { code, stderr } = await kvcap([...SHORT, ...both()]);
  assert.is(code, 0, stderr);
  assert.equal([await modeOf("s"), await modeOf("r")], [0o600, 0o600]);
  const plan = ["eval", "--tasks", "passkey", "--documents", "1", "--length", "96", "--device", "wasm"];
  const files = ["--out", `${folder}/results`, "--report", `${folder}/report`];
  const measured = await kvcap([...plan, "--policies", "full", ...files]);
  assert.is(measured.code, 0, measured.stderr);
  assert.equal([await modeOf("results"), await modeOf("report")], [0o600, 0o600]);
  assert.equal(names(), ["r", "report", "results", "s"]);
});

test("links stay links, and what they lead to is replaced, or made", async () => {
  await Deno.mkdir(`${folder}/in`);
  await put("in/session", "kvcapses");
  await Deno.symlink("in/session", `${folder}/one`);
  await Deno.symlink("one", `${folder}/two`);
  await Deno.symlink("in/none", `${folder}/new`);
  for (const name of ["two", "new"]) {
    const { code, stderr } = await kvcap([...SHORT, "--save", `${folder}/${name}`]);
    assert.is(code, 0, stderr);
  }
  assert.equal(["one", "two", "new"].map((name) => Deno.readLinkSync(`${folder}/${name}`)), [
    ...["in/session", "one", "in/none"],
  ]);
  assert.ok(read("in/session").length > 1000 && read("in/none").length > 1000);
  assert.equal([...Deno.readDirSync(`${folder}/in`)].length, 2);
});

test("folders, devices, pipes, read-only files and what has no folder are refused before a word is written", async () => {
  await put("fixed", "kvcapses", 0o444);
  await new Deno.Command("mkfifo", { args: [`${folder}/pipe`] }).output();
  await Deno.symlink("round", `${folder}/round`);
  const cases: [string, string][] = [
    [folder, "a folder"],
    ["/dev/null", "a device or a pipe"],
    [`${folder}/pipe`, "a device or a pipe"],
    [`${folder}/fixed`, "a read-only file"],
    [`${folder}/no/x`, "no such folder"],
    [`${folder}/round`, "a link to itself"],
  ];
  const before = names();
  for (const [path, what] of cases) {
    for (const [flag, action] of [["save", "save the session"], ["record", "record"]]) {
      const { code, stdout, stderr } = await kvcap([...SHORT, `--${flag}`, path]);
      assert.equal([code, stdout, stderr], [1, "", `Cannot ${action}: ${path} must be a file to write, got ${what}\n`]);
    }
  }
  assert.equal([names(), read("fixed")], [before, "kvcapses"]);
});

test("one file for two things, no name, and options that would be refused are faults of usage, and nothing is made", async () => {
  await Deno.symlink("x", `${folder}/link`);
  const x = `${folder}/x`;
  const cases: [string[], string][] = [
    [["--save", x, "--record", x], "--record must be another file than --save"],
    [["--save", x, "--record", `${folder}/./x`], "--record must be another file than --save"],
    [["--save", x, "--record", `${folder}/link`], "--record must be another file than --save"],
    [["--save="], "--save must name a file"],
    [["--record="], "--record must name a file"],
    [["--record", x, "--count-from", "eviction"], "must be start where attention is recorded"],
    [["--save", x, "--record", x, "--budget", "-1"], ""],
  ];
  for (const [args, words] of cases) {
    const { code, stdout, stderr } = await kvcap([...SHORT, ...args]);
    assert.equal([code, stdout], [2, ""], stderr);
    assert.match(stderr, words);
    assert.match(stderr, /^Cannot [^\n]+\n$/);
    assert.equal(names(), ["link"]);
  }
});

test("each signal stops the text and keeps what was asked for; exit codes are 128 and its number", async () => {
  for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129]] as const) {
    const endless = ["--max-new-tokens", "100000", "--ignore-eos", "--positions", "cache"];
    const child = spawn([...SHORT, ...endless, ...both()]);
    const reader = child.stdout.getReader();
    for (let read = 0; read < 300;) read += (await reader.read()).value!.length;
    child.kill(signal);
    while (!(await reader.read()).done);
    const stderr = await new Response(child.stderr).text();
    assert.is((await child.status).code, code, stderr);
    assert.match(stderr, "live slots  24 per lane");
    assert.equal(names(), ["r", "s"]);
    const on = await kvcap(["generate", "--resume", `${folder}/s`, "--max-new-tokens", "2", "--device", "wasm"]);
    assert.is(on.code, 0, on.stderr);
    assert.is((await kvcap(["replay", `${folder}/r`, "--json"])).code, 0);
  }
});

test("a reader who goes away loses no session", async () => {
  const endless = ["--max-new-tokens", "100000", "--ignore-eos", "--positions", "cache"];
  const child = spawn([...SHORT, ...endless, ...both()]);
  const reader = child.stdout.getReader();
  await reader.read();
  await reader.cancel();
  assert.is(await new Response(child.stderr).text(), "");
  assert.is((await child.status).code, 0);
  assert.equal(names(), ["r", "s"]);
  assert.is((await kvcap(["generate", "--resume", `${folder}/s`, "--max-new-tokens", "2"])).code, 0);
});

test("who is ended while measuring leaves no part of a recording", async () => {
  for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
    await put("text", "The fox went up the hill, and then down again. ".repeat(30_000));
    const text = `@${folder}/text`;
    const child = spawn(["perplexity", text, "--budget", "24", "--device", "wasm", "--record", `${folder}/r`]);
    while (names().length === 1) await new Promise((resolve) => setTimeout(resolve, 50));
    child.kill(signal);
    assert.is((await child.output()).code, code);
    assert.equal(names(), ["text"]);
  }
});

test.run();
