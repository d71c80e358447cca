// The tables of README and docs/options.md are those that the table of options makes, and every call has one.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ALL, FILES, tablesIn, withTables } from "../../build/tables.ts";
import { repoPath } from "../support/files.ts";

const test = suite("tables in Markdown");

for (const file of FILES) {
  test(`${file} has them as build/tables.ts writes them`, async () => {
    const text = await Deno.readTextFile(repoPath(file));
    assert.is(text, withTables(file, text));
  });
}

test("every call has its table", async () => {
  const docs = tablesIn(await Deno.readTextFile(repoPath("docs/options.md")));
  assert.equal(docs, ["load with flags", "chat with flags", "perplexity with flags"]);
  const readme = tablesIn(await Deno.readTextFile(repoPath("README.md")));
  assert.equal(readme, ["session", "generate", "policies"]);
  assert.equal([...docs, ...readme].map((name) => name.replace(" with flags", "")).sort(), [...ALL, "policies"].sort());
});
test.run();
