/** How texts become vectors: types, rows and checks. */
import { refuse } from "../errors.ts";
import { callback, flag, having, oneOf, whole } from "./kinds.ts";
import { checkAll, type Table } from "./row.ts";

/** What becomes of the hidden states of a text's tokens. */
export const POOLINGS = ["mean", "last", "none"] as const;
/** A name of POOLINGS. */
export type TextPooling = typeof POOLINGS[number];

/** How texts become vectors. */
export interface EmbedOptions {
  /** The mean of the hidden states of all tokens, begin-of-sequence among them; the last token's; or "none": all of them. Default "mean". */
  pooling?: TextPooling;
  /** Whether a vector is divided by its length; with "none" every token's. Default false. */
  normalize?: boolean;
  /**
   * Which hidden states, as transformers numbers them: 0 is the embeddings, i the output of layer i, that of the last layer behind the
   * final norm. Default: the last.
   */
  layer?: number;
  /** Hears how many tokens of all texts have been read. */
  onProgress?: (done: number, total: number) => void;
  /** Ends it at the next step with the signal's reason. */
  signal?: AbortSignal;
}

/** One row each. */
export const EMBED = {
  pooling: { kind: oneOf(POOLINGS), default: "mean" },
  normalize: { kind: flag, default: false },
  layer: { kind: whole(0, 1024) },
  onProgress: { kind: callback(), default: () => {} },
  signal: { kind: having("throwIfAborted", "an AbortSignal"), default: null },
} as const satisfies Table<EmbedOptions>;

/** The same with every default filled in. */
export interface CheckedEmbed extends Required<Omit<EmbedOptions, "signal">> {
  readonly signal: AbortSignal | null;
}

/** Fills in the defaults. @param layers of the model @throws KvcapRangeError */
export function checkEmbed(options: EmbedOptions, layers: number): CheckedEmbed {
  const action = "embed";
  const checked = checkAll(EMBED, options, { action }) as unknown as CheckedEmbed;
  const { layer = layers } = checked;
  if (layer > layers) refuse(action, `layer must be at most the model's ${layers}`, layer, { option: "layer" });
  return { ...checked, layer };
}
