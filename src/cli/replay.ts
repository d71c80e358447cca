/** The command `replay`: what other policies would have kept of a recorded run, by the core alone. */
import { policies, type PolicyName } from "../policies/index.ts";
import { presetOf } from "../policies/own.ts";
import { checkReplay, REPLAYABLE, type ReplayOptions } from "../recording/options.ts";
import { readRecording, type Recording } from "../recording/read.ts";
import { type Replay, replay as replayOne } from "../recording/replay.ts";
import { recordingPage } from "../eval/report/recording.ts";
import { overlapOf, spreadOf } from "../recording/figures.ts";
import type { Command } from "./command.ts";
import { checkReport, writeReport } from "./tell.ts";
import { note, print, printJson } from "./terminal.ts";
import { readFile } from "./input.ts";
import { flagName } from "./flags.ts";
import { namedPolicy } from "./policy.ts";
import { type Arguments, checked } from "./usage.ts";

const FLAGS = REPLAYABLE.map(flagName);

async function replay(args: Arguments): Promise<number> {
  const file = args.word("replay", "file");
  const asked: ReplayOptions = args.options("session", "replay");
  checkReport(args);
  const recording = readRecording(await readFile("recording", file));
  const named = args.list("policy");
  const policies = named ? await Promise.all(named.map(namedPolicy)) : usual(recording, asked);
  const runs = policies.map((policy): ReplayOptions => ({ ...asked, policy }));
  checked(() => runs.forEach((run) => checkReplay(recording, run)));
  const found = runs.map((run) => replayOne(recording, run));
  writeReport(args, () => {
    const overlaps = runs.map((run) => overlapOf(recording, run));
    return recordingPage(recording, overlaps, spreadOf(recording));
  });
  if (args.has("json")) {
    const { model, layers, kvHeads, passes, tokens, options } = recording;
    printJson({ recording: { model, layers, kvHeads, passes, tokens, options }, replays: found });
  } else {
    print(`${table(found)}\n`);
    note(`\n${describe(recording, found)}`);
  }
  return 0;
}

/** The recorded policy, where it evicts and is none of the caller's own, and every other one that the flags suit. */
function usual(recording: Recording, asked: ReplayOptions): PolicyName[] {
  const { policy: recorded, ownPolicy } = recording.options;
  const names = Object.keys(policies) as PolicyName[];
  const suits = (policy: PolicyName) => {
    try {
      return Boolean(checkReplay(recording, { ...asked, policy }));
    } catch {
      return false;
    }
  };
  const others = names.filter((name) => name !== recorded && name !== "full" && suits(name));
  const again = recorded !== "full" && ownPolicy !== true && !presetOf(recorded as PolicyName).readsVectors;
  if (again) return [recorded as PolicyName, ...others];
  return others.length > 0 ? others : ["roco"]; // whose refusal says why
}

function table(found: Replay[]): string {
  const percent = (share: number) => `${(100 * share).toFixed(2)} %`;
  const head = ["policy", "budget", "evictions", "mean share", "least share", "unknown", "as recorded"];
  const rows = found.map((one) => [
    ...[one.policy, `${one.budget}`, Number(one.evictions.toFixed(2)).toString()],
    ...[percent(one.meanShare), percent(one.leastShare), percent(one.unknown)],
    one.reproduced === null ? "-" : one.reproduced ? "yes" : "NO",
  ]);
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i].length)));
  const line = (cells: string[]) =>
    cells.map((cell, i) => i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])).join("  ");
  return [head, ...rows].map(line).join("\n");
}

function describe({ model, passes, tokens, options }: Recording, found: Replay[]): string {
  const lines = [
    `recorded    ${tokens} tokens in ${passes} passes under the policy ${options.policy}; ${model}`,
    "share       of a pass's recorded attention that went to tokens still held, per lane",
    "unknown     share of the tokens held that the recorded run had lost: their attention counts as none",
  ];
  const lost = found.some(({ unknown }) => unknown > 0);
  return lost
    ? [...lines, "To compare policies, record with --policy full: it loses nothing."].join("\n")
    : lines.join("\n");
}

export const replayCommand: Command = {
  run: replay,
  takes: "FILE",
  about: "what other policies would have kept of a recorded run",
  flags: [...FLAGS, "report", "force"],
  examples: [
    [
      "replay story.recording --policy crest --policy h2o --budget 25%",
      "two policies on a recorded run, without a model",
    ],
  ],
};
