/** Numbers within bounds as sets of texts: digit by digit, beside those of the bounds. */
import { explore, type Language } from "./language.ts";

/** What is asked of a number. */
export interface Bounds {
  readonly whole: boolean;
  readonly least: number; // -Infinity: no bound
  readonly most: number;
  /** Whether the bounds themselves are none of them. */
  readonly above: boolean;
  readonly below: boolean;
  /** A whole number that they are multiples of; 1: any. */
  readonly step: number;
}

/** Numbers have so many digits at most, so that different ones are different in 64 bits. */
export const MOST_DIGITS = 15;
/** A bound beyond it is beyond all numbers that are written. */
export const BEYOND = 1e15;

/** A bound, without its sign. */
interface Bound {
  readonly digits: string;
  readonly rest: string; // behind the point, without zeros at the end
  readonly open: boolean;
}

/** How far a number has been read. */
interface State {
  readonly sign: boolean | null; // whether there is a minus; null: nothing is there yet
  readonly count: number; // digits before the point, up to one more than any bound has
  readonly zero: boolean; // they are a 0
  readonly behind: number; // digits behind the point; -1: no point
  readonly compared: readonly number[]; // with the lower and the upper bound: -1 below, 0 as far as it is known equal, 1 above
  readonly left: number; // the remainder by `step`
}

/** The digits of a number, written without an exponent. */
function plain(value: number): [digits: string, rest: string] {
  const [, digits, rest = "", exponent = "0"] = /^(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value))!;
  const shift = Number(exponent);
  const all = digits + rest, point = digits.length + shift;
  const padded = point <= 0 ? "0".repeat(1 - point) + all : all.padEnd(point, "0");
  const at = Math.max(1, point);
  return [padded.slice(0, at), padded.slice(at).replace(/0+$/, "")];
}

/** @param full what is to be done where it would be too large */
export function numberLanguage({ whole, least, most, above, below, step }: Bounds, full: () => never): Language {
  const bound = (value: number, open: boolean): Bound => {
    const [digits, rest] = plain(Math.abs(value));
    return { digits, rest, open };
  };
  /** Of numbers with this sign: between which magnitudes; null: there are none. */
  const between = (minus: boolean): readonly (Bound | null)[] | null => {
    const [low, high] = minus ? [-most, -least] : [least, most];
    const [lowOpen, highOpen] = minus ? [below, above] : [above, below];
    if (high < 0 || high === 0 && highOpen) return null;
    const lower = low > 0 || low === 0 && lowOpen ? bound(low, lowOpen) : null;
    return [lower, high < BEYOND ? bound(high, highOpen) : null];
  };
  const bounds = { plus: between(false), minus: between(true) };
  const all = [...bounds.plus ?? [], ...bounds.minus ?? []].filter((one) => one !== null);
  const longest = all.reduce((most, { digits }) => Math.max(most, digits.length), 1);
  const capped = all.length === 0 || [bounds.plus, bounds.minus].some((pair) => pair && !pair[1]);
  const digits = capped ? MOST_DIGITS : longest; // before the point
  const finest = all.reduce((most, { rest }) => Math.max(most, rest.length), 0);
  const behind = whole || step > 1 ? 0 : Math.max(finest, Math.min(8, MOST_DIGITS - longest));

  const boundsOf = (state: State) => (state.sign ? bounds.minus : bounds.plus)!;
  const key = ({ sign, count, zero, behind, compared, left }: State) =>
    `${sign} ${count} ${zero} ${behind} ${compared} ${left}`;

  /** What comparing comes to once all digits before the point are there. */
  const settled = (state: State): number[] =>
    boundsOf(state).map((bound, i) =>
      !bound || state.count === bound.digits.length ? state.compared[i] : Math.sign(state.count - bound.digits.length)
    );

  const accepts = (state: State): boolean => {
    if (state.sign === null || state.count === 0 || state.behind === 0 || state.left !== 0) return false;
    const compared = state.behind < 0 ? settled(state) : state.compared;
    return boundsOf(state).every((bound, i) => {
      if (!bound) return true;
      const order = compared[i] === 0 && bound.rest.length > Math.max(0, state.behind) ? -1 : compared[i];
      return order === 0 ? !bound.open : i === 0 ? order > 0 : order < 0;
    });
  };

  const digit = (state: State, value: number): State | null => {
    if (state.behind < 0) {
      if (state.zero || state.count >= digits) return null;
      const compared = boundsOf(state).map((bound, i) => {
        if (!bound || state.compared[i] !== 0 || state.count >= bound.digits.length) return state.compared[i];
        return Math.sign(value - Number(bound.digits[state.count]));
      });
      const zero = state.count === 0 && value === 0;
      const left = step > 1 ? (10 * state.left + value) % step : 0;
      return { ...state, count: state.count + 1, zero, compared, left };
    }
    if (state.behind >= behind) return null;
    const compared = boundsOf(state).map((bound, i) =>
      !bound || state.compared[i] !== 0 ? state.compared[i] : Math.sign(value - Number(bound.rest[state.behind] ?? 0))
    );
    return { ...state, behind: state.behind + 1, compared };
  };

  const next = (state: State, letter: string): State | null => {
    if (letter === "-") return state.sign === null && bounds.minus ? { ...state, sign: true } : null;
    if (letter === ".") {
      if (state.sign === null || state.count === 0 || state.behind >= 0 || behind === 0) return null;
      return { ...state, behind: 0, compared: settled(state) };
    }
    if (state.sign === null && !bounds.plus) return null;
    return digit(state.sign === null ? { ...state, sign: false } : state, Number(letter));
  };

  const first: State = { sign: null, count: 0, zero: false, behind: -1, compared: [0, 0], left: 0 };
  const ways = (state: State) =>
    Array.from("-.0123456789").flatMap((letter) => {
      const to = next(state, letter), code = letter.charCodeAt(0);
      return to ? [{ low: code, high: code, to }] : [];
    });
  return explore({ first, key, accepts, ways }, full);
}
