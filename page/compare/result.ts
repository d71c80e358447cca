/** What a comparison has found so far: told by the worker in parts, shown by the view, exported. */
import type { Perplexity } from "../../src/session/perplexity.ts";
import type { Overlap, Spread } from "../../src/recording/figures.ts";
import type { Report } from "../../src/session/report.ts";
import type { Comparison } from "./comparison.ts";

/** What the worker is at. */
export type Phase = "reading" | "writing" | "agreement" | "perplexity";

/** A part of what was found. `run`: which of the comparison's. */
export type Told =
  | { of: "began" } // it can run: what was found before goes
  | { of: "phase"; phase: Phase; done: number; total: number } // tokens
  | { of: "tokens"; run: number; tokens: Token[] }
  | { of: "report"; run: number; report: Report }
  | { of: "agreement"; steps: Step[] }
  | { of: "figures"; figures: Figures }
  | { of: "perplexity"; run: number; perplexity: Perplexity }
  | { of: "refused"; run: number; refused: string } // why it has no perplexity
  | { of: "whole" }; // all that was asked has been told

/** A token that a run has written. */
export interface Token {
  readonly id: number;
  readonly text: string; // empty where its character is not complete yet
  readonly kvBytes: number; // K and V of the tokens live after it was chosen
  readonly ms: number | null; // of the step that led to it; null: the prompt's
}

/** One step over the reference's text. */
export interface Step {
  readonly id: number; // that the reference chose
  readonly same: readonly boolean[]; // [runs]: the likeliest token is the reference's likeliest
  readonly kl: readonly number[]; // [runs]: KL(reference ‖ run) in nats
}

/** The paper's two, of the reference's text. */
export interface Figures {
  readonly overlaps: readonly (Overlap | null)[]; // [runs]; null: of a policy that reads more than attention
  readonly spreads: readonly Spread[];
}

export interface RunResult {
  tokens: Token[];
  report: Report | null; // once the run has ended
  perplexity: Perplexity | null; // of the comparison's text
  refused: string | null; // or why there is none, in a sentence
}

export class Result {
  readonly asked: Comparison;
  readonly model: string;
  readonly adapter: string;
  readonly runs: RunResult[];
  readonly steps: Step[] = [];
  figures: Figures | null = null; // null: not yet, or the recording was too large
  whole = false; // nothing was left out

  constructor(asked: Comparison, model: string, adapter: string) {
    this.asked = asked;
    this.model = model;
    this.adapter = adapter;
    this.runs = asked.runs.map(() => ({ tokens: [], report: null, perplexity: null, refused: null }));
  }

  take(told: Told): void {
    switch (told.of) {
      case "tokens":
        return void this.runs[told.run].tokens.push(...told.tokens);
      case "report": { // the token that ends the text is not part of it
        const run = this.runs[told.run];
        run.report = told.report;
        run.tokens.length = Math.min(run.tokens.length, told.report.newTokens);
        return;
      }
      case "agreement":
        return void this.steps.push(...told.steps);
      case "figures":
        this.figures = told.figures;
        return;
      case "perplexity":
        this.runs[told.run].perplexity = told.perplexity;
        return;
      case "refused":
        this.runs[told.run].refused = told.refused;
        return;
      case "whole":
        this.whole = true;
    }
  }

  /** The first token at which a run's text is not the first run's; −1: none is known. */
  parted(run: number): number {
    const [first, other] = [this.runs[0].tokens, this.runs[run].tokens];
    const both = Math.min(first.length, other.length);
    for (let at = 0; at < both; at++) if (first[at].id !== other[at].id) return at;
    return -1;
  }

  /** Whether a run's text says what it should; null where that is nothing, or not known yet. */
  found(run: number): boolean | null {
    const { tokens, report } = this.runs[run];
    if (this.asked.answer === "" || !report) return null;
    return tokens.map(({ text }) => text).join("").includes(this.asked.answer);
  }

  /** Of the steps so far: the share with the same likeliest token, and the mean KL; null before the first. */
  agreement(run: number): { same: number; kl: number } | null {
    const { steps } = this;
    if (steps.length === 0) return null;
    const sum = (value: (step: Step) => number) => steps.reduce((sum, step) => sum + value(step), 0);
    return { same: sum(({ same }) => Number(same[run])) / steps.length, kl: sum(({ kl }) => kl[run]) / steps.length };
  }
}
