// Several sessions that take turns: a block of steps of each, then again, so that whatever the machine does meets all of them.
import type { Model, SessionOptions } from "../../src/index.ts";
import { median } from "./numbers.ts";

const STEPS = 32; // of a block that are timed
const SKIPPED = 2; // steps of a block before them

/** One who takes turns: the options of its session, and the prompt it begins with. */
export interface Player {
  name: string;
  model: Model;
  options: SessionOptions;
  prompt: number[];
}

/** Milliseconds of every timed step, one list per player. */
export async function takeTurns(players: Player[], rounds: number): Promise<number[][]> {
  const bases = [];
  for (const { model, options, prompt } of players) {
    const session = model.session(options);
    for await (const _ of session.generate(prompt, { maxNewTokens: 1, temperature: 0, banned: model.config.eosIds }));
    bases.push(session);
  }
  const times: number[][] = players.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, base] of bases.entries()) {
      // A fork, so that every block is at the same extent.
      const session = await base.fork();
      times[i].push(...await block(session, players[i].model.config.eosIds));
      session.dispose();
    }
  }
  for (const session of bases) session.dispose();
  return times;
}

/** The steps of one block. */
async function block(session: ReturnType<Model["session"]>, banned: number[]): Promise<number[]> {
  const times: number[] = [];
  const onToken = () => times.push(performance.now());
  for await (const _ of session.generate("", { maxNewTokens: STEPS + SKIPPED + 1, temperature: 0, banned, onToken }));
  return times.slice(1).map((time, i) => time - times[i]).slice(SKIPPED);
}

/** Medians of each player's steps. */
export const medians = (times: number[][]): number[] => times.map(median);

/** Means of each player's steps. */
export const means = (times: number[][]): number[] =>
  times.map((all) => all.reduce((sum, ms) => sum + ms, 0) / all.length);
