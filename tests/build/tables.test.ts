// The tables of README and docs/options.md are those that the table of options makes; README's few options agree with them.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ALL, FILES, tablesIn, withTables } from "../../build/tables.ts";
import { repoPath } from "../support/files.ts";

const test = suite("tables in Markdown");

for (const file of FILES) {
  test(`${file} has them as build/tables.ts writes them`, async () => {
    const text = await Deno.readTextFile(repoPath(file));
    assert.is(text, withTables(text));
  });
}

test("every call has its table, and README that of policies", async () => {
  assert.equal(tablesIn(await Deno.readTextFile(repoPath("docs/options.md"))).sort(), [...ALL, "more"].sort());
  assert.equal(tablesIn(await Deno.readTextFile(repoPath("README.md"))), ["policies"]);
});

test("README's most used options are options, with their defaults", async () => {
  const [, most] = (await Deno.readTextFile(repoPath("README.md"))).split(/<!-- (?:end of )?most used options -->/);
  const rows = [...most.matchAll(/^\| `\w+` \|[^|]*\|/gm)].map(([row]) => row); // name and default
  assert.ok(rows.includes('| `policy` | `"crest"` |'), rows.join("\n"));
  const options = (await Deno.readTextFile(repoPath("docs/options.md"))).split("\n");
  assert.equal(rows.filter((row) => !options.some((line) => line.startsWith(row))), []);
});
test.run();
