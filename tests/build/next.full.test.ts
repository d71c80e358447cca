// The package under Next.js, built by either of its bundlers: a page that is rendered on the server, where kvcap is only imported, and a
// part of it that runs the model in Chromium.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { policies } from "../../src/policies/index.ts";
import { listGolden, readJson } from "../support/files.ts";
import { Installed } from "../support/installed.ts";
import { printed } from "../support/printed.ts";
import { tools } from "../support/tools.ts";

const packages = await tools();
const installed = await Installed.make(`${packages}/..`); // Next follows no link, and finds its packages in the folder above
const { folder } = installed;
const next = `${packages}/next/dist/bin/next`;
const { json } = (await listGolden("hf")).find(({ name }) => name === "fable-2m")!;
const { cases: [{ ids, greedy }] } = await readJson<{ cases: { ids: number[]; greedy: number[] }[] }>(json);

const PROGRAM: Record<string, string> = {
  "app/layout.js":
    `export default ({ children }) => <html><head><link rel="icon" href="data:," /></head><body>{children}</body></html>;`,
  "app/page.js": `import { policies } from "kvcap";
import Model from "./model.js";
export const dynamic = "force-dynamic"; // rendered when it is asked for
export default function Page() {
  return <main><p id="policies">{Object.keys(policies).join()}</p><Model /></main>;
}`,
  "app/model.js": `"use client";
import { load } from "kvcap";
import { useEffect, useState } from "react";
async function greedy() {
  const model = await load("/fable-2m", { device: "wasm", sampling: "greedy" });
  const session = model.session({ policy: "full", kv: "f32" });
  const prompt = ${JSON.stringify(ids)};
  for await (const _ of session.generate(prompt, { maxNewTokens: ${greedy.length}, banned: model.config.eosIds }));
  return JSON.stringify([...session.report().ids]);
}
export default function Model() {
  const [text, setText] = useState("waits");
  useEffect(() => void greedy().catch((error) => error.message).then((text) => (setText(text), console.log(text))), []);
  return <p>{text}</p>;
}`,
};
await Deno.mkdir(`${folder}/app`);
await Deno.mkdir(`${folder}/public`);
for (const [name, text] of Object.entries(PROGRAM)) await installed.write(name, text);
await installed.run("cp", "-r", "node_modules/kvcap/models/fable-2m", "public/fable-2m");

const env = { NEXT_TELEMETRY_DISABLED: "1", NO_COLOR: "1" };
const told = Object.entries(env).map(([name, value]) => `${name}=${value}`);

/** Runs the server that was built while `use` has its address. */
async function served(use: (url: string) => Promise<void>): Promise<void> {
  const args = [next, "start", "--hostname", "127.0.0.1", "--port", "0"];
  const child = new Deno.Command("node", { args, cwd: folder, env, stdout: "piped", stderr: "null" }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  try {
    let said = "";
    while (!/http:\/\/127[^\s]+\s[^]*Ready/.test(said)) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`Next.js ended: ${said}`);
      said += value;
    }
    await use(/http:\/\/127[^\s]+/.exec(said)![0]);
  } finally {
    child.kill();
    await reader.cancel();
    await child.status;
  }
}

const test = suite("package under Next.js");
const run = Deno.env.get("KVCAP_CHROMIUM") ? test : test.skip;

for (const bundler of ["turbopack", "webpack"]) {
  run(`${bundler} builds what a server renders and a page runs`, async () => {
    await installed.run("rm", "-rf", ".next");
    const said = await installed.run("env", ...told, "node", next, "build", `--${bundler}`);
    assert.match(said, /Compiled successfully/);
    assert.not.match(said, /warn/i);
    await served(async (url) => {
      const page = await (await fetch(url)).text();
      assert.is(/id="policies">([^<]*)/.exec(page)?.[1], Object.keys(policies).join());
      assert.is((await printed(url)).text, JSON.stringify(greedy));
    });
  });
}
test.after(() => installed.remove());
test.run();
