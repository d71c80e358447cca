/** Which host runs the library: nobody else asks. */

/** A name of one; "page" are workers of pages, too, and hosts that nobody knows. */
export type Runtime = "deno" | "node" | "bun" | "page";

const scope = globalThis as { process?: { versions?: { node?: string } } };

/** The host. What stands in for a page in Node, for tests, has a document. */
export const runtime: Runtime = "Deno" in scope
  ? "deno"
  : "document" in scope || scope.process?.versions?.node === undefined
  ? "page"
  : "Bun" in scope
  ? "bun"
  : "node";

/** What the host calls itself. */
export const RUNTIMES: Readonly<Record<Runtime, string>> = { deno: "Deno", node: "Node", bun: "Bun", page: "the page" };

/** The host and its version, as "deno 2.9.5", "node 20.20.2", "chrome 156". */
export function runtimeVersion(): string {
  const { Deno, Bun, process, navigator } = globalThis as unknown as {
    Deno: { version: { deno: string } };
    Bun: { version: string };
    process: { versions: { node: string } };
    navigator?: { userAgent: string };
  };
  if (runtime === "deno") return `deno ${Deno.version.deno}`;
  if (runtime === "bun") return `bun ${Bun.version}`;
  if (runtime === "node") return `node ${process.versions.node}`;
  const [, name, major] = /(Firefox|Chrome|Safari)\/(\d+)/.exec(navigator?.userAgent ?? "") ?? [];
  return name === undefined ? "another host" : `${name.toLowerCase()} ${major}`;
}

/** A module of Node's, which Bun and Deno have, too, or a package that may be there. Bundlers are not to look for it. */
// deno-lint-ignore no-explicit-any
export const builtin = (name: `node:${string}` | "webgpu"): Promise<any> =>
  import(/* @vite-ignore */ /* webpackIgnore: true */ name);

/** How many threads the processor runs at a time. */
export async function processors(): Promise<number> {
  const told = globalThis.navigator?.hardwareConcurrency;
  return told ?? (runtime === "page" ? 1 : (await builtin("node:os")).availableParallelism());
}
