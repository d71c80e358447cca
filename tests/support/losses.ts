// What a model makes of a text, token by token.
import type { Model } from "../../src/load.ts";
import { checkSession, type SessionOptions } from "../../src/options/index.ts";
import { Stepper } from "../../src/session/stepper.ts";
import { inside } from "./inside.ts";

/** -ln p of every token of `ids` but the first, read in chunks. */
export async function losses(model: Model, ids: number[], options: SessionOptions): Promise<number[]> {
  const checked = checkSession(options);
  const stepper = new Stepper(inside(model), checked, { slots: checked.budget + checked.stride, every: true });
  const all: number[] = [];
  for (let begin = 0; begin < ids.length - 1; begin += checked.stride) {
    const count = Math.min(checked.stride, ids.length - 1 - begin);
    await stepper.step({ ids, begin, count }, "losses");
    all.push(...stepper.context.losses.subarray(0, count));
  }
  stepper.release();
  return all;
}
