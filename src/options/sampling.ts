/** How a generation goes where its options do not say: as its model's files have it. */

/** What a model's files say of sampling: options of a generation where they are not as kvcap has them by itself. */
export interface Sampling {
  /** Above 0: it is drawn. */
  readonly temperature?: number;
  /** Only so many of the likeliest. */
  readonly topK?: number;
  /** Share of the probability. */
  readonly topP?: number;
  /** Part of the likeliest one's probability. */
  readonly minP?: number;
  /** Share of what surprises as is to be expected. */
  readonly typicalP?: number;
  /** What recent ids' logits are divided by, or multiplied. */
  readonly repetitionPenalty?: number;
  /** How many tokens back ids are recent. */
  readonly penaltyWindow?: number;
}

/** What they are called in a report. */
const SAMPLING = {
  temperature: "temperature",
  topK: "top-k",
  topP: "top-p",
  minP: "min-p",
  typicalP: "typical-p",
  repetitionPenalty: "repetition penalty",
  penaltyWindow: "penalty window",
} as const satisfies Record<keyof Sampling, string>;

/** The same, and which file says it. */
export interface ModelSampling {
  readonly from: string;
  readonly options: Sampling;
}

/** What a report says of. */
type Choosing = { readonly [K in keyof typeof WORDS]?: number };

const NAMES = Object.keys(SAMPLING) as (keyof Sampling)[];
const is = (value: unknown) => value !== undefined && value !== null;

/**
 * Options over what the model's files say. A temperature of 0 is greedy, and takes nothing of them; a repetition penalty that is given
 * takes no window of theirs.
 */
export function overModels<T extends Sampling>(options: T, model: ModelSampling | null): T {
  if (model === null || typeof options !== "object" || options === null || options.temperature === 0) return options;
  const taken = NAMES.filter((name) =>
    !is(options[name]) && !(name === "penaltyWindow" && is(options.repetitionPenalty)) && is(model.options[name])
  );
  return { ...options, ...Object.fromEntries(taken.map((name) => [name, model.options[name]])) };
}

const PENALTIES = { presencePenalty: "presence penalty", frequencyPenalty: "frequency penalty" } as const;
const WORDS = { ...SAMPLING, ...PENALTIES };
const PLAIN: Readonly<Record<keyof typeof WORDS, number>> = {
  ...{ temperature: 0, topK: 0, topP: 1, minP: 0, typicalP: 1 },
  ...{ repetitionPenalty: 1, presencePenalty: 0, frequencyPenalty: 0, penaltyWindow: 64 },
};
const OF_A_DRAW: readonly string[] = ["topK", "topP", "minP", "typicalP"];

/** "temperature 0.9; top-p 0.95 from generation_config.json". @param given as the caller has it @param checked what became of it */
export function samplingWords(
  given: Choosing,
  checked: Required<Choosing>,
  model: ModelSampling | null,
): string {
  const greedy = checked.temperature === 0;
  const penalises = checked.repetitionPenalty !== 1 || checked.presencePenalty !== 0 || checked.frequencyPenalty !== 0;
  const said = (Object.keys(WORDS) as (keyof typeof WORDS)[]).filter((name) =>
    checked[name] !== PLAIN[name] && !(greedy && OF_A_DRAW.includes(name)) && (name !== "penaltyWindow" || penalises)
  );
  const parts = (names: typeof said) => names.map((name) => `${WORDS[name]} ${Number(checked[name].toPrecision(6))}`); // of an f32
  const own = [...greedy ? ["greedy"] : [], ...parts(said.filter((name) => is(given[name])))];
  const models = parts(said.filter((name) => !is(given[name])));
  return [own.join(", "), models.length > 0 ? `${models.join(", ")} from ${model!.from}` : ""]
    .filter((part) => part !== "").join("; ");
}
