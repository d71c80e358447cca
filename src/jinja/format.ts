/** `"%s" % x` and `"{}".format(x)`. */
import { plain } from "./disguise.ts";
import { cannot, fail, made, room } from "./error.ts";
import { fixed, floatText, scientific } from "./numbers.ts";
import { defined, int, intOf, iterate, numberOf } from "./operators.ts";
import { ascii, repr, str } from "./print.ts";
import { lengthOf } from "./text.ts";
import { type Call, Dict, Tuple, typeName, Undefined, type Value } from "./values.ts";

/** How one value is written: what both ways of saying it come to. */
interface Spec {
  fill: string;
  align: string; // "<", ">", "^", "=" (behind the sign), "": as the type has it
  sign: string; // "+", " ", "-": what a number above 0 begins with
  alternate: boolean;
  width: number;
  group: string; // "," or "_" between digits
  precision: number | null;
  type: string;
}

const PERCENT = /%(?:\(([^)]*)\))?([-+ #0]*)(\*|\d+)?(?:\.(\*|\d*))?[hlL]?([^])/g;

/** The operator on a string. */
export function percent(format: string, given: Value): string {
  const values = given instanceof Tuple ? [...given.items] : [given];
  const next = () => values.length > 0 ? values.shift()! : fail("not enough arguments for format string");
  if (/%(?:\([^)]*\))?[-+ #0]*(?:\*|\d+)?(?:\.(?:\*|\d*))?[hlL]?$/.test(format.replaceAll("%%", ""))) {
    fail("incomplete format");
  }
  const text = format.replace(PERCENT, (_, key?: string, flags = "", width = "", precision?: string, type = "") => {
    if (type === "%") return "%";
    let wide = width === "*" ? intOf(next()) : Number(width);
    const left = flags.includes("-") || wide < 0;
    wide = Math.abs(wide);
    const digits = precision === undefined ? null : precision === "*" ? intOf(next()) : Number(precision);
    if (key !== undefined && !(given instanceof Dict)) fail("format requires a mapping");
    const value = key === undefined ? next() : (given as Dict).get(key);
    if (value === undefined) fail(key!);
    const spec: Spec = {
      ...{ fill: " ", align: left ? "<" : ">", sign: /[+]/.test(flags) ? "+" : / /.test(flags) ? " " : "-" },
      ...{ alternate: flags.includes("#"), width: wide, group: "", precision: digits, type },
    };
    if ("sra".includes(type)) {
      const whole = type === "s" ? str(value) : type === "r" ? repr(value) : ascii(value);
      return padded(digits === null ? whole : [...whole].slice(0, digits).join(""), spec);
    }
    if (type === "c") cannot("%c");
    const number = numberOf(value) ??
      fail(`%${type} format: a real number is required, not ${typeName(defined(value))}`);
    if (flags.includes("0") && !left) Object.assign(spec, { fill: "0", align: "=" });
    if ("diu".includes(type)) return whole(int(Math.trunc(number)), { ...spec, type: "d" });
    if ("xXo".includes(type)) return whole(intOf(value), spec);
    if ("eEfFgG".includes(type)) return floating(number, { ...spec, precision: digits ?? 6 });
    return fail(`unsupported format character '${type}'`);
  });
  // Python takes a mapping or a list that nothing was asked of.
  const mapping = given instanceof Dict || given instanceof Undefined || Array.isArray(given);
  if (values.length > 0 && !mapping) fail("not all arguments converted during string formatting");
  return made(text);
}

/** Fills up to the width. @param lead how many characters are sign and prefix, which "=" fills behind */
function padded(text: string, { fill, align, width }: Spec, lead = 0): string {
  room(width);
  const missing = Math.max(0, width - lengthOf(text));
  if (missing === 0) return text;
  if (align === "=") return text.slice(0, lead) + fill.repeat(missing) + text.slice(lead);
  const before = align === ">" ? missing : align === "^" ? missing >> 1 : 0;
  return fill.repeat(before) + text + fill.repeat(missing - before);
}

function signed(negative: boolean, { sign }: Spec): string {
  return negative ? "-" : sign === "-" ? "" : sign;
}

function whole(value: number, spec: Spec): string {
  const { type, alternate, precision } = spec;
  const base = { x: 16, X: 16, o: 8, b: 2 }[type] ?? 10;
  let digits = Math.abs(value).toString(base);
  if (type === "X") digits = digits.toUpperCase();
  if (precision !== null) {
    room(precision);
    digits = digits.padStart(precision, "0");
  }
  const lead = signed(value < 0, spec) + (alternate && base !== 10 ? `0${type}` : "");
  return padded(lead + grouped(digits, spec, base === 10 ? 3 : 4, lead.length), spec, lead.length);
}

/** Digits with a sign between every few, filled up with noughts where the width asks for it. */
function grouped(digits: string, { group, fill, align, width }: Spec, size: number, lead: number): string {
  if (group === "") return digits;
  const point = digits.search(/[.e]/), end = point < 0 ? digits.length : point, tail = digits.slice(end);
  if (fill === "0" && align === "=") {
    let most = end;
    while (lead + most + Math.floor((most - 1) / size) + tail.length < width) most++;
    digits = digits.slice(0, end).padStart(most, "0");
  } else digits = digits.slice(0, end);
  return digits.replace(new RegExp(`\\B(?=(?:[^]{${size}})+$)`, "g"), group) + tail;
}

function floating(value: number, spec: Spec): string {
  const { type, precision, alternate } = spec;
  const size = Math.abs(value), digits = precision ?? 6;
  let text: string;
  if (!Number.isFinite(value)) text = Number.isNaN(value) ? "nan" : "inf";
  else if (/[fF%]/.test(type)) text = fixed(type === "%" ? size * 100 : size, digits);
  else if (/[eE]/.test(type)) text = scientific(size, digits);
  else text = general(size, digits || 1, alternate);
  if (alternate && /^\d+$/.test(text)) text += ".";
  if (type === "%") text += "%";
  if (/[EFG]/.test(type)) text = text.toUpperCase();
  const lead = signed(value < 0 || Object.is(value, -0), spec);
  const filling = Number.isFinite(value) ? spec : { ...spec, group: "" };
  return padded(lead + grouped(text, filling, 3, lead.length), spec, lead.length);
}

/** `g`: so many digits in all, as a number or with an exponent. */
function general(size: number, digits: number, alternate: boolean): string {
  if (size === 0) return alternate ? fixed(0, digits - 1) : "0";
  const exact = scientific(size, digits - 1);
  const power = Number(exact.slice(exact.indexOf("e") + 1));
  const bare = (text: string) => alternate || !text.includes(".") ? text : text.replace(/\.?0+$/, "");
  if (power >= -4 && power < digits) return bare(fixed(size, digits - 1 - power));
  const [head, exponent] = exact.split("e");
  return `${bare(head)}e${exponent}`;
}

const SPEC = /^(?:([^])?([<>=^]))?([-+ ])?(z)?(#)?(0)?(\d+)?([,_])?(?:\.(\d+))?([a-zA-Z%])?$/u;

/** `format(value, text)`. */
export function formatted(value: Value, text: string): string {
  if (text === "") return str(value);
  const match = SPEC.exec(text) ?? fail("Invalid format specifier");
  const [, fill = " ", align = "", sign = "-", z, alternate, zero, width = "0", group = "", precision, type = ""] =
    match;
  if (z || /[nc]/.test(type)) cannot(`${z ?? type} in a format`);
  const spec: Spec = {
    ...{ fill: zero && !align ? "0" : fill, align, sign, alternate: !!alternate, width: Number(width), group },
    ...{ precision: precision === undefined ? null : Number(precision), type },
  };
  if (typeof value === "string") {
    if (type !== "" && type !== "s" || match[3] || group || alternate || align === "=") {
      fail("Invalid format specifier");
    }
    const whole = spec.precision === null ? value : [...value].slice(0, spec.precision).join("");
    return padded(whole, { ...spec, align: align || "<" });
  }
  const number = numberOf(value) ?? fail(`unsupported format string passed to ${typeName(defined(value))}.__format__`);
  if (typeof value === "boolean") cannot("a format of a bool");
  Object.assign(spec, { align: align || (zero ? "=" : ">") });
  if (typeof value === "number" && "dxXob".includes(type || "d")) {
    if (spec.precision !== null) fail("Precision not allowed in integer format specifier");
    return whole(number, { ...spec, type: type || "d" });
  }
  if (!/^[eEfFgG%]?$/.test(type)) fail(`Unknown format code '${type}'`);
  if (type !== "") return floating(number, spec);
  if (spec.precision !== null) cannot("a precision without a type in a format");
  const plain = floatText(Math.abs(number)), lead = signed(number < 0, spec);
  return padded(lead + grouped(plain, spec, 3, lead.length), spec, lead.length);
}

/** How a field reaches into a value. */
export interface Access {
  readonly attribute: (of: Value, name: string) => Value;
  readonly item: (of: Value, at: Value) => Value;
}

/** `text.format(…)`. */
export function format(text: string, { args, named }: Call, { attribute, item }: Access): string {
  let automatic = 0; // fields that name nothing are numbered; -1: fields are numbered by hand
  const one = (field: string, depth: number): string => {
    const [, name, path, conversion = "", spec = ""] =
      /^([^.[!:{}]*)((?:\.[^.[!:{}]+|\[[^\]]+\])*)(?:!([^:]))?(?::([^]*))?$/.exec(field) ?? fail("bad format field");
    let value: Value | undefined;
    if (/^\d*$/.test(name)) {
      if (name === "" ? automatic < 0 : automatic > 0) {
        fail("cannot switch between manual and automatic field numbering");
      }
      value = args[name === "" ? automatic++ : Number(name)];
      if (name !== "") automatic = -1;
    } else value = named.get(name);
    if (value === undefined) fail(`no replacement for the field '${name}'`);
    for (const [, dot, bracket] of path.matchAll(/\.([^.[]+)|\[([^\]]+)\]/g)) {
      value = dot !== undefined
        ? attribute(value, dot)
        : item(value, /^\d+$/.test(bracket) ? Number(bracket) : bracket);
      if (value instanceof Undefined) cannot("an attribute that is missing, in a format");
    }
    const show = { s: str, r: repr, a: ascii }[conversion];
    if (conversion !== "" && !show) fail("Unknown conversion specifier");
    return formatted(show ? show(value) : value, depth > 0 ? fields(spec, depth - 1) : spec);
  };
  const fields = (text: string, depth: number): string =>
    text.replace(/\{\{|\}\}|\{((?:[^{}]|\{[^{}]*\})*)\}|[{}]/g, (match, field?: string) => {
      if (field !== undefined) return made(one(field, depth));
      return match.length === 2 ? match[0] : fail(`Single '${match}' encountered in format string`);
    });
  return made(fields(text, 1));
}

/** What a mapping's names stand for, for `format_map`. */
export function namesOf(mapping: Value): Map<string, Value> {
  if (!(mapping instanceof Dict)) cannot("format_map of anything but a dict");
  return new Map(
    [...iterate(mapping)].filter((key) => typeof key === "string").map((key) => [plain(key), mapping.get(key)!]),
  );
}
