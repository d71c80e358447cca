// The licences of bundled packages: of those that are in it, wherever node_modules is.
import * as esbuild from "esbuild";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { repoPath } from "../support/files.ts";

const PACKAGES = ["plain", "@scope/scoped", "unused"];
const folder = await Deno.makeTempDir({ prefix: "kvcap-licences-" });

/** A folder with the program and what is bundled, all but node_modules. */
async function place(name: string): Promise<string> {
  const root = `${folder}/${name}`;
  await Deno.mkdir(`${root}/build`, { recursive: true });
  for (const file of ["build/licences.mjs", "build/setup.mjs"]) await Deno.copyFile(repoPath(file), `${root}/${file}`);
  await Deno.writeTextFile(`${root}/main.js`, `export * from "plain"; export * from "@scope/scoped";`);
  return root;
}

/** What it says of a bundle made there. */
async function licences(root: string): Promise<string> {
  const { licencesOf } = await import(`file://${root}/build/licences.mjs`);
  const { metafile } = await esbuild.build({
    ...{ absWorkingDir: root, entryPoints: ["main.js"], bundle: true, format: "esm", write: false, metafile: true },
  });
  return licencesOf(metafile, "main.js");
}

const test = suite("licences");
test.after(async () => {
  await esbuild.stop();
  await Deno.remove(folder, { recursive: true });
});

test("are of the packages bundled, and the same where node_modules or the whole folder is a link", async () => {
  const root = await place("there");
  for (const name of PACKAGES) {
    const at = `${root}/node_modules/${name}`;
    await Deno.mkdir(at, { recursive: true });
    await Deno.writeTextFile(`${at}/package.json`, JSON.stringify({ name, version: "1.2.3", license: "MIT" }));
    await Deno.writeTextFile(`${at}/index.js`, `export const ${name.replace(/\W/g, "_")} = 1;`);
    await Deno.writeTextFile(`${at}/LICENSE`, `All may use ${name}.`);
  }
  const scoped = "@scope/scoped 1.2.3 (MIT)\n\nAll may use @scope/scoped.";
  const whole = `main.js contains code of these packages.\n\n${scoped}\n\nplain 1.2.3 (MIT)\n\nAll may use plain.`;
  assert.is(await licences(root), whole);
  const beside = await place("beside");
  await Deno.symlink(`${root}/node_modules`, `${beside}/node_modules`);
  assert.is(await licences(beside), whole);
  await Deno.symlink(root, `${folder}/linked`);
  assert.is(await licences(`${folder}/linked`), whole);
});

test.run();
