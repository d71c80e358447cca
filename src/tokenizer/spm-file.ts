/** tokenizer.model: what SentencePiece writes (sentencepiece_model.proto). */
import { words } from "../errors.ts";
import { refuseFile } from "../files/checks.ts";
import { type Field, fieldsOf } from "../formats/protobuf.ts";

/** Kinds of pieces. */
export const NORMAL = 1, CONTROL = 3, USER = 4;

export interface Piece {
  readonly text: string;
  readonly score: number;
  readonly kind: number;
}

export interface SpmFile {
  readonly pieces: readonly Piece[];
  readonly kind: "BPE" | "Unigram";
  readonly byteFallback: boolean;
  readonly unkId: number;
  /** Of pieces that there are, `null` where there is none. */
  readonly names: {
    readonly bos_token: string | null;
    readonly eos_token: string | null;
    readonly unk_token: string | null;
  };
  readonly unkPiece: string;
  readonly charsmap: Uint8Array;
  readonly dummyPrefix: boolean;
  readonly removesSpaces: boolean;
  readonly escapesSpaces: boolean;
}

const NAME = "tokenizer.model";
const KINDS: Readonly<Record<number, SpmFile["kind"]>> = { 1: "Unigram", 2: "BPE" };

/** @throws RangeError for what is no such file, or one of another kind of tokens */
export function readSpm(bytes: Uint8Array<ArrayBuffer>): SpmFile {
  const pieces: Piece[] = [];
  let trainer = new Map<number, Field["value"]>(), normalizer = trainer;
  for (const { number, value } of fieldsOf(bytes, NAME)) {
    if (number > 3) continue;
    if (typeof value === "number") refuseFile(`${NAME} must be SentencePiece's`, words(`${number}: ${value}`));
    const fields = new Map([...fieldsOf(value, NAME)].map((field) => [field.number, field.value]));
    if (number === 1) pieces.push(pieceOf(fields));
    else if (number === 2) trainer = fields;
    else normalizer = fields;
  }
  if (pieces.length === 0) refuseFile(`${NAME} must be SentencePiece's, with pieces`, words("none"));
  if (new Set(pieces.map(({ text }) => text)).size !== pieces.length) {
    refuseFile(`${NAME} must have every piece once`, words(`${pieces.length} pieces`));
  }
  const integer = (number: number, absent: number) => {
    const value = trainer.get(number);
    return typeof value === "number" ? value : absent;
  };
  const kind = KINDS[integer(3, 1)];
  if (!kind) refuseFile(`${NAME} must be a BPE or Unigram model`, integer(3, 1), { code: "unsupported" });
  const named = (number: number, absent: string) => textOf(trainer.get(number)) || absent;
  const [unk, bos, eos] = [named(45, "<unk>"), named(46, "<s>"), named(47, "</s>")];
  const flag = (number: number) => normalizer.get(number) !== 0;
  const charsmap = normalizer.get(2);
  return {
    ...{ pieces, kind, byteFallback: integer(35, 0) !== 0, unkId: integer(40, 0), unkPiece: unk },
    names: {
      bos_token: integer(41, 1) < 0 ? null : bos,
      eos_token: integer(42, 2) < 0 ? null : eos,
      unk_token: integer(40, 0) < 0 ? null : unk,
    },
    charsmap: charsmap instanceof Uint8Array ? charsmap : new Uint8Array(0),
    ...{ dummyPrefix: flag(3), removesSpaces: flag(4), escapesSpaces: flag(5) },
  };
}

function pieceOf(fields: ReadonlyMap<number, Field["value"]>): Piece {
  const text = textOf(fields.get(1)), score = fields.get(2), kind = fields.get(3) ?? NORMAL;
  if (typeof kind !== "number" || typeof score === "number" || (score && score.length !== 4)) {
    refuseFile(`a piece of ${NAME} must have a text, a score and a kind`, text);
  }
  return { text, score: score ? new DataView(score.slice().buffer).getFloat32(0, true) : 0, kind };
}

function textOf(value: Field["value"] | undefined): string {
  if (value === undefined) return "";
  if (typeof value === "number") refuseFile(`a text of ${NAME} must be bytes`, value);
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(value);
}
