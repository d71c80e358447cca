// Set-up and the start script, in a copy of the project with a stub for a program and one for the Wasm core.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { repoPath } from "../support/files.ts";

const root = await Deno.makeTempDir({ prefix: "kvcap-setup-" });

/** Prints its arguments and standard input, then ends as its first argument says. */
const program = `import wasm from "../../build/out/core.wasm" with { type: "bytes" };
console.log(JSON.stringify({ args: Deno.args, wasm: wasm.length > 0, input: await new Response(Deno.stdin.readable).text() }));
if (Deno.args[0] === "wait") {
  const ended = setTimeout(() => Deno.exit(9), 600_000);
  Deno.addSignalListener("SIGINT", () => (clearTimeout(ended), console.log("interrupted"), Deno.exit(7)));
  console.log("waiting");
} else Deno.exit(Number(Deno.args[0] ?? 0));
`;

interface Answer {
  code: number;
  out: string;
  err: string;
}

/** A folder with these programs alone; a link for a path, a shell script for anything else. */
async function programs(name: string, list: Record<string, string>): Promise<string> {
  const folder = `${root}/bin-${name}`;
  await Deno.mkdir(folder);
  for (const [program, what] of Object.entries(list)) {
    if (what.startsWith("/")) await Deno.symlink(what, `${folder}/${program}`);
    else await Deno.writeTextFile(`${folder}/${program}`, `#!/bin/sh\n${what}\n`, { mode: 0o755 });
  }
  return folder;
}

function child(args: string[], env: Record<string, string>) {
  const { npm_execpath: _, npm_lifecycle_event: __, KVCAP_CHROMIUM: ___, ...inherited } = Deno.env.toObject();
  return new Deno.Command("node", {
    args: ["build/start.mjs", ...args],
    cwd: root,
    clearEnv: true,
    env: { ...inherited, ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function start(args: string[], env: Record<string, string> = {}, input = ""): Promise<Answer> {
  const process = child(args, env);
  const writer = process.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input)).then(() => writer.close()).catch(() => {});
  const { code, stdout, stderr } = await process.output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, out, err };
}

const node = (await new Deno.Command("sh", { args: ["-c", "command -v node"] }).output()).stdout;
const bare = { node: new TextDecoder().decode(node).trim() };
const noAdapter = { VK_DRIVER_FILES: "/nonexistent", DENO_WEBGPU_BACKEND: "vulkan" };

const setup = suite("set-up");
setup.before(async () => {
  for (const folder of ["build", "assembly", "src/cli", "src/wasm"]) {
    await Deno.mkdir(`${root}/${folder}`, { recursive: true });
  }
  const files = [
    "build/permissions.mjs",
    "build/start.mjs",
    "build/setup.mjs",
    "build/compile.mjs",
    "build/watch.mjs",
    "build/worker.mjs",
    "package.json",
    "package-lock.json",
    "deno.json",
    "asconfig.json",
  ];
  for (const file of files) await Deno.copyFile(repoPath(file), `${root}/${file}`);
  await Deno.symlink(repoPath("node_modules"), `${root}/node_modules`);
  await Deno.writeTextFile(`${root}/src/cli/main.ts`, program);
  await Deno.writeTextFile(`${root}/src/wasm/worker.ts`, 'import { one } from "./one.ts";\npostMessage(one);\n');
  await Deno.writeTextFile(`${root}/src/wasm/one.ts`, "export const one = 1;\n");
  await Deno.mkdir(`${root}/assembly/forward`);
  await Deno.writeTextFile(`${root}/assembly/forward/index.ts`, "export function one(): i32 {\n  return 1;\n}\n");
  await Deno.writeTextFile(`${root}/assembly/index.ts`, "export function one(): i32 {\n  return 1;\n}\n");
});
setup.after(() => Deno.remove(root, { recursive: true }));

setup("does what is needed and says so on standard error; the program gets arguments and input", async () => {
  const { code, out, err } = await start(["run", "0", "--json", "a b"], {}, "hello");
  assert.is(code, 0, err);
  assert.equal(JSON.parse(out), { args: ["0", "--json", "a b"], wasm: true, input: "hello" });
  for (const file of ["core.wasm", "core.scalar.wasm", "core.debug.wasm"]) {
    assert.match(err, `compiling build/out/${file}`);
  }
});

setup("does nothing twice", async () => {
  const { code, err } = await start(["run"]);
  assert.is(code, 0);
  assert.is(err, "");
});

setup("compiles again what changed, and fails where it cannot", async () => {
  const source = `${root}/assembly/index.ts`;
  await Deno.writeTextFile(source, "export function two(): i32 {\n  return nothing;\n}\n");
  const broken = await start(["run"]);
  assert.is(broken.code, 1);
  assert.is(broken.out, "");
  assert.match(broken.err, "set-up failed");
  await Deno.writeTextFile(source, "export function two(): i32 {\n  return 2;\n}\n");
  const mended = await start(["run"]);
  assert.is(mended.code, 0);
  assert.match(mended.err, "compiling");
  assert.is((await start(["run"])).err, "");
});

setup("bundles a page's worker again where a file that it is made of changed", async () => {
  const script = () => Deno.readTextFile(`${root}/build/out/worker.txt`);
  const before = await script();
  await Deno.writeTextFile(`${root}/src/wasm/one.ts`, 'export { two as one } from "./two.ts";\n');
  await Deno.writeTextFile(`${root}/src/wasm/two.ts`, "export const two = 2222;\n");
  assert.is((await start(["run"])).err, "kvcap: bundling build/out/worker.txt\n");
  assert.not.match(before, "2222");
  assert.match(await script(), "2222");
  await Deno.writeTextFile(`${root}/src/wasm/two.ts`, "export const two = 3333;\n");
  await start(["run"]);
  assert.match(await script(), "3333");
  assert.is((await start(["run"])).err, "");
});

setup("returns the program's exit code, and 2 where the command is unknown", async () => {
  assert.is((await start(["run", "3"])).code, 3);
  const unknown = await start(["fly"]);
  assert.is(unknown.code, 2);
  assert.match(unknown.err, /^usage: /);
});

setup("a signal reaches the program, which ends in its own way", async () => {
  const process = child(["run", "wait"], {});
  await process.stdin.close();
  let out = "";
  for await (const piece of process.stdout.pipeThrough(new TextDecoderStream())) {
    out += piece;
    if (piece.includes("waiting")) process.kill("SIGINT");
  }
  await process.stderr.cancel();
  assert.is((await process.status).code, 7);
  assert.match(out, /interrupted\n$/);
});

setup("installs the packages again where the lock file changed", async () => {
  const lock = await Deno.readTextFile(`${root}/package-lock.json`);
  await Deno.writeTextFile(
    `${root}/package-lock.json`,
    lock.replace(/("node_modules\/uvu": \{\s*"version": ")/, "$10"),
  );
  const path = await programs("npm", { ...bare, npm: 'echo "npm $@" >&2; exit 1' });
  const { code, err } = await start(["run"], { PATH: path });
  await Deno.writeTextFile(`${root}/package-lock.json`, lock);
  assert.is(code, 1);
  assert.match(err, /npm ci /);
});

setup("says in a line what is missing where it cannot install it", async () => {
  const PATH = await programs("bare", bare);
  const { code, out, err } = await start(["run", "0", "--device", "webgpu"], { ...noAdapter, PATH });
  assert.is(code, 0);
  assert.is(JSON.parse(out).wasm, true);
  if (Deno.build.os === "linux") assert.is(err, "kvcap: Deno finds no WebGPU adapter; it needs a Vulkan driver\n");
});

setup("installs what is missing where it can", async () => {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return;
  const log = `${root}/apt.log`;
  const PATH = await programs("apt", { ...bare, "apt-get": `echo "$@" >> ${log}` });
  await start(["run", "0", "--device=webgpu"], { ...noAdapter, PATH });
  assert.match(await Deno.readTextFile(log), /^update .*\ninstall .*mesa-vulkan-drivers\n$/);
});

setup.run();
