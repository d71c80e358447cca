// A Python with packages of users' that the server is tried with: a virtual environment of its own in build/out, made at the first run.
import { ran } from "./installed.ts";
import { repoPath } from "./files.ts";

/** The Python, with what a file of requirements lists; null, and why is said: there is none here, or pip does not bring it. */
export async function pythonWith(requirements: string): Promise<string | null> {
  return await made(requirements).catch((error) => {
    console.error(`kvcap: clients in Python are not asked: ${error.message.slice(0, 500)}`);
    return null;
  });
}

async function made(requirements: string): Promise<string> {
  const folder = repoPath("build/out/clients"), python = `${folder}/bin/python`, listed = `${folder}/listed`;
  const lock = await Deno.open(repoPath("build/out/clients.lock"), { write: true, create: true });
  await lock.lock(true); // another process may want it too
  try {
    const wanted = await Deno.readTextFile(requirements);
    if (await Deno.readTextFile(listed).catch(() => "") === wanted) return python;
    console.error(`kvcap: installing ${wanted.trim().replaceAll("\n", ", ")} into build/out/clients (pip, 800 MB)`);
    await ran("python3", ["-m", "venv", folder], repoPath(""));
    await ran(python, ["-m", "pip", "install", "--quiet", "-r", requirements], repoPath(""));
    await Deno.writeTextFile(listed, wanted);
    return python;
  } finally {
    lock.close();
  }
}
