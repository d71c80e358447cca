/** Methods of strings that few chat templates call. */
import { changed, plain } from "./disguise.ts";
import { cannot, fail, made, room, work } from "./error.ts";
import { type Method, text } from "./methods.ts";
import { intOf } from "./operators.ts";
import { CASED, cut, lengthOf, points, strip, titleCase } from "./text.ts";
import { Tuple } from "./values.ts";

const justified = (side: "left" | "right" | "center"): Method<string> => [
  "/width fill?",
  (self, [width, fill = " "]) => {
    const char = text(fill);
    if (lengthOf(char) !== 1) fail("The fill character must be exactly one character long");
    const missing = Math.max(0, intOf(width!) - lengthOf(self));
    room(self.length + missing * char.length);
    const odd = missing & (intOf(width!)) & 1; // as CPython centres
    const before = side === "left" ? 0 : side === "right" ? missing : (missing >> 1) + odd;
    return char.repeat(before) + self + char.repeat(missing - before);
  },
];

/** Whether there are characters, and all are of a kind. */
const every = (kind: RegExp): Method<string> => ["/", (self) => {
  work(self.length / 8);
  return kind.test(plain(self));
}];
const parted = (last: boolean): Method<string> => ["/sep", (self, [given]) => {
  const separator = plain(text(given)), bare = plain(self);
  if (separator === "") fail("empty separator");
  const at = last ? bare.lastIndexOf(separator) : bare.indexOf(separator);
  if (at < 0) return new Tuple(last ? ["", "", self] : [self, "", ""]);
  const end = at + separator.length;
  return new Tuple([self.slice(0, at), text(given), self.slice(end)]);
}];

const swapped = (text: string) =>
  points(text).map((char) => /\p{Lu}/u.test(char) ? char.toLowerCase() : char.toUpperCase()).join("");

/** By name. */
export const RARE_TEXT: Readonly<Record<string, Method<string>>> = {
  center: justified("center"),
  isalnum: every(/^[\p{L}\p{N}]+$/u),
  isalpha: every(/^\p{L}+$/u),
  isascii: ["/", (self) => /^[\0-\x7f]*$/.test(plain(self))],
  isdecimal: every(/^\p{Nd}+$/u),
  isdigit: every(/^[\p{Nd}²³¹⁰⁴-⁹₀-₉①-⑨⑴-⑼⒈-⒐⓪⓵-⓽⓿❶-❾➀-➈➊-➒]+$/u),
  isnumeric: every(/^\p{N}+$/u),
  isprintable: ["/", (self) => !/(?! )[\p{C}\p{Z}]/u.test(plain(self))],
  isspace: ["/", (self) => self !== "" && strip(self, null, 0) === ""],
  istitle: ["/", (self) => CASED.test(plain(self)) && titleCase(plain(self)) === plain(self)],
  ljust: justified("left"),
  partition: parted(false),
  rjust: justified("right"),
  rpartition: parted(true),
  swapcase: [
    "/",
    (self) => /Σ/.test(self) ? cannot("swapcase of a Σ") : made(changed(self, swapped)),
  ],
  zfill: ["/width", (self, [width]) => {
    const missing = Math.max(0, intOf(width!) - lengthOf(self));
    room(self.length + missing);
    const sign = /^[+-]/.test(plain(self)) ? self[0] : "";
    return sign + "0".repeat(missing) + cut(self, sign.length, lengthOf(self));
  }],
};
