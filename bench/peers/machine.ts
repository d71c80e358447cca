// The machine, in words, and the bytes of a program's own files.
import { cpus } from "node:os";
import { gzipSync } from "node:zlib";
import { bundles, packages } from "./install.ts";
import type { Host } from "./child.ts";

export interface Machine {
  processor: string;
  processors: number;
  system: string;
  deno: string;
}

export const machine = (): Machine => ({
  processor: cpus()[0]?.model ?? "an unknown processor",
  processors: navigator.hardwareConcurrency,
  system: `${Deno.build.os} ${Deno.osRelease()}, ${Deno.build.arch}`,
  deno: Deno.version.deno,
});

/** Threads that kvcap takes by itself: as many as the machine has processors, at most 8. */
export const mostThreads = (): number => Math.min(8, navigator.hardwareConcurrency);

/**
 * Bytes, gzipped, of what runs a model outside a page, Deno and Node themselves not counted: kvcap's bundle, or the native
 * build of node-llama-cpp for this system, all processors' kinds.
 */
export function runtimeBytes(host: Host): number {
  if (host === "Chromium") return 0; // it counts what it sends
  if (host === "Deno") {
    return gzipSync(Deno.readFileSync(`${bundles}/kvcap/peer.js`)).length;
  }
  const names: Record<string, string> = { linux: "linux", darwin: "mac", windows: "win" };
  const arch = Deno.build.arch === "aarch64" ? "arm64" : "x64";
  const folder = `${packages}/@node-llama-cpp/${names[Deno.build.os]}-${arch}`;
  try {
    return bytesUnder(folder);
  } catch {
    return 0;
  }
}

function bytesUnder(folder: string): number {
  return [...Deno.readDirSync(folder)].reduce((sum, { name, isDirectory }) => {
    const path = `${folder}/${name}`;
    return sum +
      (isDirectory ? bytesUnder(path) : gzipSync(Deno.readFileSync(path)).length);
  }, 0);
}
