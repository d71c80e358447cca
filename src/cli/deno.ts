/** How a worker is started in Deno: TypeScript as it is, and what it may do. */
import process from "node:process";
import { fileURLToPath } from "node:url";
import { cacheFolder } from "../files/cache/folder.ts";

/** Arguments of Deno before the program. What this process may do, its workers may, but that they write to the cache alone. */
export async function denoArguments(): Promise<string[]> {
  const own = import.meta.url.endsWith(".ts"); // not the package, whose programs are JavaScript
  const config = own ? ["--config", fileURLToPath(new URL("../../deno.json", import.meta.url))] : [];
  const names = ["read", "env", "net", "sys"] as const;
  const granted = await Promise.all(
    names.map(async (name) => (await Deno.permissions.query({ name })).state === "granted"),
  );
  const folders = [cacheFolder(Deno.build.os), process.env.TMPDIR].filter((path) => typeof path === "string");
  const asked = await Promise.all(folders.map((path) => Deno.permissions.query({ name: "write", path })));
  const written = folders.filter((_, i) => asked[i].state === "granted").map((path) => path.replaceAll(",", ",,"));
  const pip = await Deno.permissions.query({ name: "run", command: "pip" });
  const flags = [...names.filter((_, i) => granted[i]).map((name) => `--allow-${name}`)];
  if (written.length > 0) flags.push(`--allow-write=${written}`);
  if (pip.state === "granted") flags.push("--allow-run=pip,pip3,python3,python,py");
  return ["run", "--quiet", "--no-prompt", "--no-check", ...config, ...flags];
}
