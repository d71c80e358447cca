// What the package says of itself: every export of its entries has a comment, and the example of each entry runs.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { testDevice } from "./support/device.ts";
import { repoPath } from "./support/files.ts";

const ENTRIES = ["src/index.ts", "src/core/index.ts", "src/eval/index.ts"];
const documentation = suite("documentation");

async function deno(args: string[], cwd = repoPath("")): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd,
    stdout: "piped",
    stderr: "piped",
  })
    .output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

documentation("deno doc --lint finds nothing", async () => {
  const { code, err } = await deno(["doc", "--lint", ...ENTRIES]);
  assert.is(code, 0, err);
});

const folder = await Deno.makeTempDir({ prefix: "kvcap-examples-" });
documentation.after(() => Deno.remove(folder, { recursive: true }));
const CONFIG = ["--quiet", "--config", repoPath("deno.json")];
const fileOf = (entry: string) => `${folder}/${entry.replaceAll("/", "-")}`;

documentation("each has an example, whose types fit", async () => {
  for (const entry of ENTRIES) {
    const source = await Deno.readTextFile(repoPath(entry));
    const example = /@example[^\n]*\n \* ```ts\n(.*?)\n \* ```/s.exec(source);
    assert.ok(example, "it has one");
    const code = example![1].replace(/^ \* ?/gm, "").replace(/from "kvcap(?:\/(\w+))?"/g, (_, name) => {
      const path = ENTRIES.find((path) => path === `src/${name ? `${name}/` : ""}index.ts`);
      return `from ${JSON.stringify(`file://${repoPath(path!)}`)}`;
    });
    await Deno.writeTextFile(fileOf(entry), code);
  }
  const { code, err } = await deno(["check", ...CONFIG, ...ENTRIES.map(fileOf)]);
  assert.is(code, 0, err);
});

for (const entry of ENTRIES) {
  const run = (await testDevice()) ? documentation : documentation.skip;
  run(`the example of ${entry} runs`, async () => {
    const { code, out, err } = await deno(["run", "-A", "--no-check", ...CONFIG, fileOf(entry)]);
    assert.is(code, 0, err);
    assert.ok(out.trim().length > 0, "it prints something");
  });
}

documentation.run();
