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

for (const entry of ENTRIES) {
  const run = (await testDevice()) ? documentation : documentation.skip;
  run(`the example of ${entry} runs`, async () => {
    const source = await Deno.readTextFile(repoPath(entry));
    const example = /@example[^\n]*\n \* ```ts\n(.*?)\n \* ```/s.exec(source);
    assert.ok(example, "it has one");
    const code = example![1].replace(/^ \* ?/gm, "").replace(/from "kvcap(?:\/(\w+))?"/g, (_, name) => {
      const path = ENTRIES.find((path) => path === `src/${name ? `${name}/` : ""}index.ts`);
      return `from ${JSON.stringify(`file://${repoPath(path!)}`)}`;
    });
    const file = await Deno.makeTempFile({ suffix: ".ts" });
    try {
      await Deno.writeTextFile(file, code);
      const args = ["run", "-A", "--quiet", "--check", "--config", repoPath("deno.json"), file];
      const { code: ended, out, err } = await deno(args);
      assert.is(ended, 0, err);
      assert.ok(out.trim().length > 0, "it prints something");
    } finally {
      await Deno.remove(file);
    }
  });
}

documentation.run();
