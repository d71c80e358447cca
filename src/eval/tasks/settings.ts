/** What tasks can be set to. */
import { refuse } from "../../errors.ts";
import { between, type Kind, whole } from "../../options/kinds.ts";
import type { Table } from "../../options/row.ts";

/** Settings of a task, those that it has. */
export interface Settings {
  /** Documents of a seed; of each cell where a task has lengths and depths. */
  readonly documents?: number;
  /** Tokens of a document. */
  readonly length?: number;
  /** Lengths of documents, tokens. */
  readonly lengths?: readonly number[];
  /** Where the needle is, 0 to 1 of the document. */
  readonly depths?: readonly number[];
  /** Tokens that are written. */
  readonly newTokens?: number;
  /** Tokens that the capped cache writes ahead of a check. */
  readonly draft?: number;
}

/** The name of a setting. */
export type SettingName = keyof Settings;

/** Lists of a kind, in which nothing is said twice. */
const listOf = (kind: Kind<number>): Kind<readonly number[]> => ({
  written: null,
  check: (value, name, at) => {
    const list = Array.isArray(value) ? value : [value];
    if (list.length === 0) refuse(at.action, `${name} must be a list that is not empty`, value, { option: name });
    return [...new Set(list.map((one) => kind.check(one, name, at) as number))];
  },
});

const tokens = whole(16, 1 << 20);

/** One row each. */
export const SETTINGS = {
  documents: { kind: whole(1, 4096) },
  length: { kind: tokens },
  lengths: { kind: listOf(tokens) },
  depths: { kind: listOf(between(0, 1)) },
  newTokens: { kind: whole(1, 4096) },
  draft: { kind: whole(1, 64) },
} as const satisfies Table<Settings>;

/** Their names. */
export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[];
