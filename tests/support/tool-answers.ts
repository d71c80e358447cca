// Answers with calls as models of each format write them, and what they are. Tokens that end a turn are not part of them.

/** One answer. */
export interface ToolAnswer {
  readonly of: string;
  readonly text: string;
  readonly content?: string; // what is said before the calls
  readonly calls: readonly (readonly [name: string, given: Record<string, unknown>, id?: string])[];
}

const parameters = (properties: Record<string, unknown>) => ({ type: "object", properties });
const tool = (name: string, properties: Record<string, unknown>) => ({
  type: "function",
  function: { name, description: "", parameters: parameters(properties) },
});

/** What could be called. */
export const TOOLS = [
  tool("get_weather", {
    city: { type: "string" },
    days: { type: "integer" },
    unit: { type: ["string", "null"] },
    exact: { type: "boolean" },
    place: { type: "object" },
    ratio: { type: "number" },
    tags: { type: "array" },
  }),
  tool("write_file", { path: { type: "string" }, text: { type: "string" } }),
];

const W = "get_weather", ROME = { city: "Rome" };
const object = (given: unknown, key = "arguments", name = W) => JSON.stringify({ name, [key]: given });
const TRICKY = { text: 'a "}]; {" [TOOL_CALLS] </tool_call> \\ ünï\n' };

export const TOOL_ANSWERS: readonly ToolAnswer[] = [
  // Hermes 2 Pro and 3; Qwen 2.5 and 3: objects in tags.
  { of: "hermes", text: `<tool_call>\n${object(ROME)}\n</tool_call>`, calls: [[W, ROME]] },
  {
    of: "hermes",
    text: `<tool_call>\n{"arguments": {"city": "Rome"}, "name": "get_weather"}\n</tool_call>\n`,
    calls: [[W, ROME]],
  },
  { of: "hermes", text: `<tool_call>${object(TRICKY)}</tool_call>`, calls: [[W, TRICKY]] },
  { of: "hermes", text: `<tool_call>\n${object({})}\n</tool_call>`, calls: [[W, {}]] },
  { of: "hermes", text: `<tool_call>\n${object(ROME)}`, calls: [[W, ROME]] }, // it ended before the tag was closed
  {
    of: "qwen",
    text: `I will look it up.\n<tool_call>\n${object(ROME)}\n</tool_call>\n<tool_call>\n${
      object({ city: "Bern" })
    }\n</tool_call>`,
    ...{ content: "I will look it up.", calls: [[W, ROME], [W, { city: "Bern" }]] },
  },
  {
    of: "qwen",
    text: `<tool_call>\n${object({ place: { at: [46.9, 7.4], of: { name: "Bern" } }, days: 3 })}\n</tool_call>`,
    calls: [[W, { place: { at: [46.9, 7.4], of: { name: "Bern" } }, days: 3 }]],
  },
  // Qwen3-Coder: arguments in tags, typed by the schema.
  {
    of: "qwen coder",
    text:
      "<tool_call>\n<function=get_weather>\n<parameter=city>\nRome\n</parameter>\n<parameter=days>\n3\n</parameter>\n" +
      "</function>\n</tool_call>",
    calls: [[W, { city: "Rome", days: 3 }]],
  },
  {
    of: "qwen coder",
    text:
      'Now.\n<tool_call>\n<function=write_file>\n<parameter=path>\na.py\n</parameter>\n<parameter=text>\nif a < b:\n\n    print("{}")\n' +
      "</parameter>\n</function>\n</tool_call>",
    ...{ content: "Now.", calls: [["write_file", { path: "a.py", text: 'if a < b:\n\n    print("{}")' }]] },
  },
  {
    of: "qwen coder",
    text:
      "<function=get_weather><parameter=exact>True</parameter><parameter=place>{'a': None}</parameter><parameter=ratio>0.5</parameter>" +
      "<parameter=tags>[1, 2]</parameter><parameter=unit>7</parameter><parameter=other>7</parameter></function>",
    calls: [[W, { exact: true, place: { a: null }, ratio: 0.5, tags: [1, 2], unit: "7", other: "7" }]],
  },
  { of: "qwen coder", text: "<tool_call>\n<function=get_weather>\n</function>\n</tool_call>", calls: [[W, {}]] },
  // Mistral 7B v0.3, Nemo: a list of objects; with ids where the model gives them.
  { of: "mistral", text: `[TOOL_CALLS] [${object(ROME)}]`, calls: [[W, ROME]] },
  {
    of: "mistral",
    text: `[TOOL_CALLS][{"name": "get_weather", "arguments": {"city": "Rome"}, "id": "Vk3mQ9xYz"}, ${object(TRICKY)}]`,
    calls: [[W, ROME, "Vk3mQ9xYz"], [W, TRICKY]],
  },
  { of: "mistral", text: `Let me see.[TOOL_CALLS][${object(ROME)}]`, content: "Let me see.", calls: [[W, ROME]] },
  // Mistral Small 3.1 and later, Magistral, Devstral: a name before the arguments.
  { of: "mistral named", text: `[TOOL_CALLS]get_weather${JSON.stringify(ROME)}`, calls: [[W, ROME]] },
  { of: "mistral named", text: `[TOOL_CALLS]get_weather[ARGS]${JSON.stringify(TRICKY)}`, calls: [[W, TRICKY]] },
  {
    of: "mistral named",
    text:
      `[TOOL_CALLS]get_weather[CALL_ID]Vk3mQ9xYz[ARGS]{"city": "Rome"}[TOOL_CALLS]get_weather[CALL_ID]aB3dE6gH9[ARGS]{}`,
    calls: [[W, ROME, "Vk3mQ9xYz"], [W, {}, "aB3dE6gH9"]],
  },
  // Llama 3.1 to 3.3: an object in place of all text.
  { of: "llama", text: object(ROME, "parameters"), calls: [[W, ROME]] },
  {
    of: "llama",
    text: `\n\n{"type": "function", "name": "get_weather", "parameters": {"city": "Rome"}}`,
    calls: [[W, ROME]],
  },
  { of: "llama", text: `<|python_tag|>${object(ROME, "parameters")}`, calls: [[W, ROME]] },
  {
    of: "llama",
    text: `${object(TRICKY, "parameters")}; ${object(ROME, "parameters")}`,
    calls: [[W, TRICKY], [W, ROME]],
  },
  { of: "llama", text: object({ text: "<tool_call>" }, "parameters"), calls: [[W, { text: "<tool_call>" }]] },
  {
    of: "llama own",
    text: '<|python_tag|>brave_search.call(query="weather in \\"Rome\\" today")',
    calls: [["brave_search", { query: 'weather in "Rome" today' }]],
  },
  { of: "llama function", text: '<function=get_weather>{"city": "Rome"}</function>', calls: [[W, ROME]] },
  // Llama 3.2: Python.
  { of: "llama python", text: '[get_weather(city="Rome")]', calls: [[W, ROME]] },
  {
    of: "llama python",
    text: "[get_weather(city='it\\'s', days=3, exact=True, place={'at': [46.9, -7e1], 'of': None}), get_weather()]",
    calls: [[W, { city: "it's", days: 3, exact: true, place: { at: [46.9, -70], of: null } }], [W, {}]],
  },
];

/** Answers that look like calls and are none, or broken: they stay as they are. */
export const BROKEN: readonly string[] = [
  ...[
    "<tool_call>",
    "<tool_call></tool_call>",
    "<tool_call>{</tool_call>",
    `<tool_call>${object(ROME)}</tool_call> and more`,
  ],
  ...[
    `<tool_call>${object(ROME)}</tool_call><tool_call>{"name": </tool_call>`,
    `<tool_call>${object("x")}</tool_call>`,
  ],
  ...[`<tool_call>{'name': 'f', 'arguments': {}}</tool_call>`, `<tool_call>[${object(ROME)}]</tool_call>`],
  ...[
    "<function=>{}</function>",
    "<function=f><parameter=a>1</function>",
    "<function=f>{}</function> and more",
    "<function=f",
  ],
  ...[
    "[TOOL_CALLS]",
    "[TOOL_CALLS] []",
    `[TOOL_CALLS] ${object(ROME)}`,
    "[TOOL_CALLS]f[ARGS]x",
    "[TOOL_CALLS]f{}, and more",
  ],
  ...[`[TOOL_CALLS][${object(ROME)}`, '[TOOL_CALLS][{"name": "f"}]', "[TOOL_CALLS]{}", "[TOOL_CALLS]f[CALL_ID]x"],
  ...[
    "{",
    "{}",
    '{"a": 1}',
    '{"name": "f"}',
    '{"name": 1, "arguments": {}}',
    `${object(ROME)} and more`,
    `${object(ROME)};;`,
  ],
  ...[
    "<|python_tag|>",
    "<|python_tag|>print(1)",
    '<|python_tag|>f.call("x")',
    "[1, 2]",
    "[]",
    "[f(1)]",
    "[f(a=b)]",
    "[f(a=1)",
  ],
  ...["[f(a='x)]", "[f(a=1)] and more", "f(a=1)", `[${object(ROME)}]`, `[f(a=${"[".repeat(200)}${"]".repeat(200)})]`],
];
