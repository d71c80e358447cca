// Templates that would go on for ever, or fill the memory, end in one sentence; so do broken ones.
import process from "node:process";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { readTemplate } from "../../src/chat/template.ts";
import { KvcapError } from "../../src/errors.ts";
import { createTokenizer } from "../../src/tokenizer/tokenizer.ts";
import { depth } from "../support/depth.ts";
import { listGolden, readJson, repoPath } from "../support/files.ts";
import { refusal } from "../support/spies.ts";

const tokenizer = createTokenizer(await readJson(`${repoPath("models/fable-2m")}/tokenizer.json`));
const messages = [{ role: "user", content: "Hi" }];
const render = (template: string) => readTemplate(template, tokenizer)(messages);

const MOST_SECONDS = 2; // of the processor, for a template
const MOST_BYTES = 256 << 20; // that the process takes for it, little of which it gives back at once

/** Renders one, in these bounds, and says how far it went. @throws what it throws */
function bounded(template: string, found = { seconds: 0, bytes: 0 }): void {
  const [begun, before] = [process.cpuUsage(), process.memoryUsage.rss()];
  try {
    render(template);
  } finally {
    found.seconds = Math.max(found.seconds, process.cpuUsage(begun).user / 1e6);
    found.bytes = Math.max(found.bytes, process.memoryUsage.rss() - before);
    const ok = found.seconds < MOST_SECONDS && found.bytes < MOST_BYTES;
    assert.ok(ok, `${found.seconds} s and ${found.bytes} bytes, of ${JSON.stringify(template.slice(0, 200))}`);
  }
}

const LOOP = "{% for a in range(100000) %}";
const END = "{% endfor %}";
const ENDLESS = [
  LOOP.repeat(3) + END.repeat(3),
  `{% set ns = namespace(x='ab') %}${LOOP}{% set ns.x = ns.x + ns.x %}${END}`,
  `{% set ns = namespace(x=['ab']) %}${LOOP}{% set ns.x = ns.x + ns.x %}${END}`,
  `{% set ns = namespace(x=[1]) %}${LOOP}{% set ns.x = [ns.x, ns.x] %}${END}{{ ns.x }}`,
  `{% set ns = namespace(x=[1]) %}{% for a in range(90) %}{% set ns.x = [ns.x, ns.x] %}${END}{{ ns.x }}`,
  `{% set ns = namespace(x=[1]) %}{% for a in range(90) %}{% set ns.x = [ns.x, ns.x] %}${END}{{ ns.x == ns.x + [1] }}{{ ns.x|tojson }}`,
  `{% set ns = namespace(x=[1]) %}${LOOP}{% set ns.x = [ns.x] %}${END}{{ ns.x }}`,
  "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
  "{% macro m(n) %}{{ m(n) }}{{ m(n) }}{% endmacro %}{{ m(1) }}",
  "{% for a in [[[]]] recursive %}{{ loop([a]) }}{% endfor %}",
  "{{ 'abc' * 1000000000 }}",
  "{{ [0] * 1000000000 }}",
  "{{ 'a'.center(1000000000) }}",
  "{{ 'a'.rjust(1000000000, 'xy'[0]) }}",
  "{{ '%1000000000d' % 5 }}",
  "{{ '%.1000000000f' % 5.5 }}",
  "{{ '{:1000000000}'.format(5) }}",
  "{{ '{:,>1000000000,}'.format(5) }}",
  "{{ ('a' * 4000000).replace('a', 'b' * 1000) }}",
  "{{ ('a' * 4000000).replace('', 'b' * 1000) }}",
  "{{ ('a' * 1000000)|list|join('b' * 1000) }}",
  "{{ ('a' * 1000)|urlencode|indent(1000)|list|batch(1000000000, 'x')|list }}",
  `{% set x = 'a' * 10000000 %}${LOOP}{{ x }}${END}`,
  `{% set x = 'a' * 10000000 %}${LOOP}{% set y = x.upper().lower().split('b')[0][::-1]|length %}${END}`,
  `{% set x = ('a' * 100000)|list %}${LOOP}{% set y = x|sort|unique|list|tojson %}${END}`,
  "{{ " + "(".repeat(100000) + "1" + ")".repeat(100000) + " }}",
  "{{ " + "[".repeat(5000) + "]".repeat(5000) + " }}",
  "{{ " + "-".repeat(100000) + "1 }}",
  "{{ " + "not ".repeat(100000) + "1 }}",
  "{% if 1 %}".repeat(50000) + "{% endif %}".repeat(50000),
  "{{ x" + ".a".repeat(100000) + " }}",
  "{{ 1" + " + 1".repeat(100000) + " }}",
  "{{ 'a'" + "|upper".repeat(100000) + " }}",
  "{{ 'a'" + " if 1 else 'a'".repeat(100000) + " }}",
];

const hostile = suite("hostile templates");

hostile("what would not end is refused in one sentence", () => {
  for (const template of ENDLESS) {
    assert.match(
      refusal(() => bounded(template)),
      /^Cannot chat: the chat template must come to an end, got: /,
      template.slice(0, 200),
    );
  }
});

hostile("what is long but ends is rendered", () => {
  assert.is(render("{% for a in range(100000) %}x{% endfor %}"), "x".repeat(100_000));
  assert.is(render("{{ 'a' * 1000000 }}").length, 1_000_000);
  const long = [{ role: "user", content: "word < ".repeat(300_000) }];
  const text = readTemplate("{{ messages[0].content.split('<')|join('<')|trim }}", tokenizer)(long);
  assert.is(text.length, long[0].content.length - 1);
});

const SEEDS = [
  "{% set ns = namespace(a=1) %}{% for m in messages %}{{ m.role ~ ': ' + m['content']|trim }}{% if not loop.last %}\n{% endif %}{% endfor %}",
  "{%- macro f(x, y=2) -%}{{ x|tojson(indent=2) }}{{ y }}{%- endmacro -%}{{ f(messages, y=[1, 'a', {'b': none}]) }}",
  "{{ '%5.2f|%s' % (2.5, 'a') }}{{ '{:>5}'.format(3) }}{{ 'a,b'.split(',')[::-1]|join }}{% raw %}{{ x }}{% endraw %}",
  "{% for a, b in {'x': 1}.items() if b is odd %}{{ loop.index }}{% else %}{% generation %}y{% endgeneration %}{% endfor %}{# c #}",
];
const SIGNS = "{{ }} {% %} {# #} ( ) [ ] { } | . , : ~ * ** ' \" \\ - -% | == <";
const WORDS =
  "for endfor if in is not loop range(9) range(99999) messages content *9999 |list |sort |join |tojson |indent(999) ns.x raise_exception";
const PIECES = [...SIGNS.split(" "), ...WORDS.split(" ").map((word) => ` ${word} `)];

/** Templates as they are written, and each probe of the language. */
async function written(): Promise<string[]> {
  const { probes } = await readJson<{ probes: [template: string][] }>(repoPath("tests/golden/jinja.json"));
  const whole = (await listGolden("templates")).map(async ({ json }) =>
    (await readJson<{ template: string }>(json)).template
  );
  return [...SEEDS, ...await Promise.all(whole), ...probes.map(([template]) => template)];
}

hostile("broken templates are rendered or refused in one sentence, in bounded time and memory", async () => {
  const seeds = await written();
  let state = 7, refused = 0;
  const draw = (most: number) => (state = Math.imul(state, 1103515245) + 12345 >>> 0, (state >>> 8) % most);
  const count = depth(900, 50_000);
  const found = { seconds: 0, bytes: 0 };
  for (let i = 0; i < count; i++) {
    let template = seeds[draw(seeds.length)];
    for (let j = draw(3); j >= 0; j--) {
      const from = draw(template.length + 1), to = Math.min(template.length, from + draw(6));
      template = template.slice(0, from) + (draw(2) ? PIECES[draw(PIECES.length)] : "") + template.slice(to);
    }
    try {
      bounded(template, found);
    } catch (error) {
      if (!(error instanceof KvcapError)) throw new Error(`Of ${JSON.stringify(template)}: ${error}`, { cause: error });
      assert.not(/\n/.test(error.message));
      refused++;
    }
  }
  const [ms, mib] = [(1000 * found.seconds).toFixed(0), (found.bytes / 2 ** 20).toFixed(0)];
  console.log(`    ${count}: ${refused} refused, the most ${ms} ms of the processor, ${mib} MiB`);
  assert.ok(refused > count / 4 && refused < count, `${refused} of ${count}`);
});

hostile.run();
