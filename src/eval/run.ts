/** Measuring one unit. */
import { onConsole } from "../errors.ts";
import { exp } from "../engine/elementary.ts";
import type { SessionOptions } from "../options/index.ts";
import type { Model } from "../session/model.ts";
import type { PlainOptions } from "./plan.ts";
import { meansOf } from "./statistics.ts";
import type { Bench, Cost, Measured, Values } from "./tasks/task.ts";
import { taskOf } from "./tasks/index.ts";
import type { Unit } from "./units.ts";

/** What a unit is measured with. */
export interface Means {
  readonly model: Model;
  readonly text: string;
  /** The policy of the unit: a name, or one of the user's own. */
  readonly policy: NonNullable<SessionOptions["policy"]>;
  readonly once: Bench["once"];
  /** Hears how many documents are done. */
  readonly onProgress?: (done: number, total: number) => void;
}

export type { Cost };

/** What was found with a unit. */
export interface Found {
  /** Means over the documents. */
  readonly metrics: Values;
  /** Means of what it took. */
  readonly cost: Cost;
  /** Of each document, what distinguishes it from others, and what was measured. */
  readonly documents: readonly { readonly told: Values; readonly values: Values }[];
}

/** Keeps what was made once for the units of one name, and forgets it with the next. */
export function onceFor(): (name: string) => Bench["once"] {
  let [current, made] = ["", new Map<string, Promise<unknown>>()];
  return (name) => {
    if (name !== current) [current, made] = [name, new Map()];
    const kept = made;
    return <T>(name: string, make: () => Promise<T>) => {
      if (!kept.has(name)) kept.set(name, make());
      return kept.get(name) as Promise<T>;
    };
  };
}

/** What a plan asks for is meant: only the device may surprise. */
const onWarning: NonNullable<SessionOptions["onWarning"]> = (line, about) => {
  if (about === "memory") onConsole(line);
};

/** @throws as sessions and tasks do */
export async function runUnit(unit: Unit, { model, text, policy, once, onProgress }: Means): Promise<Found> {
  const { tokenizer } = model;
  const task = taskOf(unit.task);
  const documents = task.documents({
    ...{ seed: unit.seed, settings: unit.settings, text },
    tokens: (text) => tokenizer.encode(text),
    prompt: (text) => tokenizer.encode(text, { bos: true }),
    decode: (ids) => tokenizer.decode(ids),
  });
  const session = { seed: unit.seed, ...sessionOf(unit), policy, onWarning };
  const found: Measured[] = [];
  for (const [done, document] of documents.entries()) {
    onProgress?.(done, documents.length);
    found.push(await task.measure({ model, session, apart: unit.mode !== "both", once }, document, unit.settings));
  }
  const metrics = meansOf(found.map(({ values }) => values));
  return {
    metrics: metrics.loss === undefined ? metrics : { ...metrics, perplexity: exp(metrics.loss) },
    cost: meansOf(found.map(({ cost }) => cost as unknown as Values)) as unknown as Cost,
    documents: found.map(({ values }, i) => ({ told: documents[i].told, values })),
  };
}

/** The options of a unit's sessions, its policy aside. */
function sessionOf({ budget, stride, session, mode }: Unit): SessionOptions {
  const plain: PlainOptions = { ...session, ...stride ? { stride } : {} };
  if (budget === undefined) return plain as SessionOptions;
  if (mode === "decode") return { ...plain, budget: { generated: budget as number } } as SessionOptions;
  return { ...plain, budget, ...mode === "prompt" ? { evict: "prompt" } : {} } as SessionOptions;
}
