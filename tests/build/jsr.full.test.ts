// What goes to JSR is made, and taken by `deno publish` as far as that goes without its owner.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { repoPath } from "../support/files.ts";
import { alone, ran } from "../support/installed.ts";

const test = suite("package for JSR");
const node = (...args: string[]) => ran("node", args, repoPath(""));

test("is made of what npm packs, and passes a dry run", async () => {
  await alone(() => node("build/start.mjs", "jsr"));
  const folder = repoPath("build/out/jsr");
  const { version, exports } = JSON.parse(await Deno.readTextFile(`${folder}/deno.json`));
  assert.is(version, JSON.parse(await Deno.readTextFile(repoPath("package.json"))).version);
  assert.equal(Object.keys(exports), [".", "./core", "./eval", "./openai", "./worker", "./service-worker", "./ai"]);
  const args = ["publish", "--dry-run", "--allow-dirty", "--no-provenance"];
  const { code, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: folder, env: { NO_COLOR: "1" } })
    .output();
  const said = new TextDecoder().decode(stderr);
  assert.is(code, 0, said);
  assert.equal(said.match(/^(error|warning)\[.*?\]/gm), ["warning[unanalyzable-dynamic-import]"], said);
});

test("runs in Deno from there", async () => {
  const program = `import { load } from ${JSON.stringify(`file://${repoPath("build/out/jsr/build/out/kvcap.js")}`)};
    using model = await load("fable-2m", { device: "wasm" });
    using session = model.session();
    for await (const piece of session.generate("Once upon a time", { maxNewTokens: 20 })) console.log(piece);`;
  const folder = await Deno.makeTempDir({ prefix: "kvcap-jsr-" });
  await Deno.writeTextFile(`${folder}/story.ts`, program);
  const text = await ran(Deno.execPath(), ["run", "--check", "--no-prompt", "--allow-read", "story.ts"], folder);
  assert.ok(text.match(/[a-z]{2,}/gi)!.length >= 5, text);
  await Deno.remove(folder, { recursive: true });
});
test.run();
