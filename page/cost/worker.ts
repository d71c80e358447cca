/** Measures what eviction costs here: the core, the same in good JavaScript, and a naive version, policy by policy. */
import { benchPolicy, type CoreTime } from "../../bench/core-times.ts";
import { Core } from "../../src/core/core.ts";
import { corePolicies as policies } from "../../src/policies/core.ts";

const SAMPLES = 11; // of which the median counts
const [LAYERS, SLOTS] = [8, 1024]; // of 8 KV heads; slots per lane

export type CostTold =
  | { type: "measuring"; policy: string; done: number; total: number }
  | { type: "measured"; time: CoreTime }
  | { type: "ended" }
  | { type: "failed"; message: string };

const scope = globalThis as unknown as { postMessage(message: CostTold): void };

async function measureAll() {
  await Core.ready();
  const list = Object.values(policies).filter(({ evicts }) => evicts);
  benchPolicy(list[0], LAYERS, SLOTS, 3); // until the browser has compiled what is hot
  for (const [done, policy] of list.entries()) {
    scope.postMessage({ type: "measuring", policy: policy.name, done, total: list.length });
    scope.postMessage({ type: "measured", time: benchPolicy(policy, LAYERS, SLOTS, SAMPLES) });
  }
  scope.postMessage({ type: "ended" });
}

measureAll().catch((error) => scope.postMessage({ type: "failed", message: String(error?.message ?? error) }));
