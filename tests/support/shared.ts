// What several files of a run need and that takes long to make: made once, by the first that asks.

/** The run's folder, which tests/support/run.ts makes and removes; that of a file which runs alone goes with its process. */
function runFolder(): string {
  const named = Deno.env.get("KVCAP_RUN");
  if (named) return named;
  const own = Deno.makeTempDirSync({ prefix: "kvcap-run-" });
  Deno.env.set("KVCAP_RUN", own);
  globalThis.addEventListener("unload", () => Deno.removeSync(own, { recursive: true }));
  return own;
}

/** A folder of this name that `make` has filled, now or for a file before, and what it said of it, as JSON has it. */
export async function shared<T>(
  name: string,
  make: (folder: string) => Promise<T>,
): Promise<{ folder: string; made: T }> {
  const folder = `${runFolder()}/${name}`, told = `${folder}.json`;
  using lock = await Deno.open(`${folder}.lock`, { write: true, create: true });
  await lock.lock(true); // others wait until it is made
  const said = await Deno.readTextFile(told).catch(() => null);
  if (said !== null) return { folder, made: JSON.parse(said) };
  await Deno.mkdir(folder, { recursive: true });
  const made = await make(folder);
  await Deno.writeTextFile(told, JSON.stringify(made));
  return { folder, made };
}
