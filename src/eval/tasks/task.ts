/** What a task is: documents that follow from a seed, and what is measured of a model on each. */
import type { SessionOptions } from "../../options/index.ts";
import type { Model } from "../../session/model.ts";
import type { Settings } from "./settings.ts";

/** Numbers by name. */
export type Values = Readonly<Record<string, number>>;

/** One document of a task. */
export interface Document {
  /** What the model reads, its begin-of-sequence included. */
  readonly ids: readonly number[];
  /** The same before it was cut into tokens, where a chat is to be made of it. */
  readonly text?: string;
  /** What an answer must hold. */
  readonly answers: readonly string[];
  /** What distinguishes this document from others of the task: its length, the depth of a needle. */
  readonly told: Values;
}

/** What documents follow from. */
export interface Asked {
  readonly seed: number;
  readonly settings: Settings;
  /** The text that documents are cut from. */
  readonly text: string;
  /** Ids of a text, nothing before them. */
  tokens(text: string): number[];
  /** Ids of a text as a prompt. */
  prompt(text: string): number[];
  decode(ids: readonly number[]): string;
}

/** A model under a policy and a budget. */
export interface Bench {
  readonly model: Model;
  readonly session: SessionOptions;
  /** Whether tokens go in a text's prompt only, or behind it only. */
  readonly apart: boolean;
  /** Makes what all policies are compared with, once. */
  once<T>(name: string, make: () => Promise<T>): Promise<T>;
}

/** What a document took. */
export interface Cost {
  /** Slots per lane that were allowed. */
  readonly budget: number;
  /** Bytes of K and V held. */
  readonly kvBytes: number;
}

/** What was found with one document. */
export interface Measured {
  readonly values: Values;
  readonly cost: Cost;
}

/** A score of a task. */
export interface Score {
  /** Its name among the values. */
  readonly name: string;
  /** Whether more of it is better. */
  readonly higher: boolean;
}

/** A task. */
export interface Task {
  /** What it asks, in a few words. */
  readonly words: string;
  /** What it can be set to, and what holds where nothing is said. */
  readonly settings: Settings;
  /** Whether documents are cut from the text. */
  readonly usesText: boolean;
  /** What is compared, the first above all. */
  readonly scores: readonly Score[];
  documents(asked: Asked): Document[];
  /** @param index the document's number, `settings` those of the unit */
  measure(bench: Bench, document: Document, settings: Settings): Promise<Measured>;
}

/** Both parts of a measurement that a session's report gives. */
export function costOf({ budget, kvBytes }: Cost): Cost {
  return { budget, kvBytes };
}
