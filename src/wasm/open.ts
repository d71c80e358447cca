/** Where the engine on the processor runs: on a page in a worker of its own, elsewhere where it is asked for. */
import type { Engine } from "../engine/engine.ts";
import { moduleFor } from "./compiled.ts";
import { openWasmEngine, type WasmOptions } from "./engine.ts";
import { openRemoteEngine } from "./remote.ts";

/** @throws as openWasmEngine and openRemoteEngine */
export async function openProcessor(options: WasmOptions): Promise<Engine> {
  const onPage = "document" in globalThis && typeof Worker === "function";
  return onPage ? await openRemoteEngine(options) : await openWasmEngine(options, moduleFor);
}
