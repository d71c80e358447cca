// Tools of users' that the package is tried with: other bundlers, older compilers. They are no packages of the project's; in exact
// versions they go into build/out/tools at the first run.
import { repoPath } from "./files.ts";

const LISTED = repoPath("tests/build/tools");
const FOLDER = repoPath("build/out/tools");

const read = async (path: string) => JSON.parse(await Deno.readTextFile(path));

/** Installs those of tests/build/tools/package.json where they are not there. @returns their node_modules @throws Error with what npm said */
export async function tools(): Promise<string> {
  const lock = await Deno.open(repoPath("build/out/tools.lock"), { write: true, create: true });
  await lock.lock(true); // another process may want them too
  return await install().finally(() => lock.close());
}

async function install(): Promise<string> {
  const packages = `${FOLDER}/node_modules`;
  const { devDependencies } = await read(`${LISTED}/package.json`);
  const there = await Promise.all(
    Object.entries<string>(devDependencies).map(async ([name, wanted]) => {
      const { version } = await read(`${packages}/${name}/package.json`).catch(() => ({}));
      return version === wanted.split("@").at(-1);
    }),
  );
  if (there.every(Boolean)) return packages;
  console.error(`kvcap: installing ${Object.keys(devDependencies).join(", ")} into build/out/tools (npm, 600 MB)`);
  await Deno.mkdir(FOLDER, { recursive: true });
  for (const file of ["package.json", "package-lock.json"]) {
    await Deno.copyFile(`${LISTED}/${file}`, `${FOLDER}/${file}`);
  }
  // Not `npm ci`, which wants builds for all systems in the lock.
  const args = ["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const { code, stderr } = await new Deno.Command("npm", { args, cwd: FOLDER, stdin: "null" }).output();
  if (code) throw new Error(`npm ${args.join(" ")}: exit code ${code}\n${new TextDecoder().decode(stderr)}`);
  return packages;
}
