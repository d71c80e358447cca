// Files that are not the commands' own: what --out and --report are given by mistake stays as it is.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { kvcap } from "../support/command.ts";

const folder = await Deno.makeTempDir({ prefix: "kvcap-kept-" });
const SMALL = [
  "eval",
  "--tasks",
  "passkey",
  "--documents",
  "1",
  "--length",
  "96",
  "--device",
  "wasm",
  "--policies",
  "full",
];

const test = suite("command line: files of others");

/** Runs `args` with a file of others in it. @returns what was said */
async function kept(text: string, wanted: number, ...args: string[]): Promise<string> {
  const file = `${folder}/notes`;
  await Deno.writeTextFile(file, text);
  const { code, stdout, stderr } = await kvcap([...args, file]);
  assert.equal([code, stdout], [wanted, ""], stderr);
  assert.is(await Deno.readTextFile(file), text);
  return stderr.replace(file, "FILE");
}

test("a file that holds no results is no --out, with an end of line or without", async () => {
  const said = "Cannot read the results: FILE must be a file of results, got another text in line 1\n";
  for (const text of ["a secret", "a secret\n"]) assert.is(await kept(text, 1, ...SMALL, "--out"), said);
  const { code, stderr } = await kvcap([...SMALL, "--out", folder]);
  assert.is(code, 1);
  assert.match(stderr, /^Cannot read the results: .* must be a plain file, got a folder\n$/);
});

test("a recording that is refused leaves what stood in its file", async () => {
  const args = [
    "generate",
    "A fox",
    "--count-from",
    "eviction",
    "--device",
    "wasm",
    "--max-new-tokens",
    "2",
    "--record",
  ];
  assert.match(await kept("kvcaprec", 2, ...args), /^Cannot create session: --count-from must be start where /);
});

test("a torn beginning of a line of results is cut off, and a link to results stays one", async () => {
  await Deno.writeTextFile(`${folder}/there.jsonl`, '{"i');
  await Deno.symlink(`${folder}/there.jsonl`, `${folder}/link.jsonl`);
  const { code, stderr } = await kvcap([...SMALL, "--out", `${folder}/link.jsonl`]);
  assert.is(code, 0, stderr);
  assert.ok((await Deno.lstat(`${folder}/link.jsonl`)).isSymlink);
  assert.match(await Deno.readTextFile(`${folder}/there.jsonl`), /^\{"id":"[^\n]+\n$/);
});

test("a report overwrites a report, and no other file: said before anything is measured", async () => {
  const said =
    "Cannot write the report: FILE must be a new file or a report (--force replaces any), got another file\n";
  assert.is(await kept("<p>a page", 1, ...SMALL, "--report"), said);
  const report = `${folder}/report.html`;
  const both = await kvcap([...SMALL, "--out", report, "--report", report]);
  assert.equal([both.code, both.stdout], [2, ""]);
  assert.match(both.stderr, /--report must be another file than --out, got /);
  for (let i = 0; i < 2; i++) assert.is((await kvcap([...SMALL, "--report", report])).code, 0);
  assert.match(await Deno.readTextFile(report), "What eviction costs");
});

test.after(() => Deno.remove(folder, { recursive: true }));
test.run();
