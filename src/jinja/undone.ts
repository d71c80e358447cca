/** What jinja2 has and we refuse by name. */
export const UNDONE_FILTERS: readonly string[] = [
  ...["attr", "filesizeformat", "pprint", "random", "striptags", "urlize", "wordwrap"],
  "xmlattr",
];
export const UNDONE_TESTS: readonly string[] = ["escaped", "filter", "test"];
export const UNDONE_GLOBALS: readonly string[] = ["cycler", "joiner", "lipsum", "self"];
/** Methods and attributes by the type that has them. */
export const UNDONE_MEMBERS: Readonly<Record<string, readonly string[]>> = {
  str: ["casefold", "encode", "expandtabs", "isidentifier", "maketrans", "translate"],
  int: [
    ...["as_integer_ratio", "bit_count", "bit_length", "conjugate", "denominator", "from_bytes", "imag", "numerator"],
    ...["real", "to_bytes"],
  ],
  float: ["as_integer_ratio", "conjugate", "fromhex", "hex", "imag", "is_integer", "real"],
  dict: ["fromkeys"],
};
/** Methods that change what a template must not change. */
export const UNSAFE_MEMBERS: Readonly<Record<string, readonly string[]>> = {
  list: ["append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove"],
  dict: ["clear", "pop", "popitem", "setdefault", "update"],
};
