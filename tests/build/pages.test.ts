// The pages in Markdown: README keeps to its form, and no link of any page is dead.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { readText, repoPath } from "../support/files.ts";

const docs = [...Deno.readDirSync(repoPath("docs"))].map(({ name }) => `docs/${name}`);
const pages = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", ...docs.filter((path) => path.endsWith(".md"))];

/** A page's headings as links name them: "## Two commands" is "two-commands". */
const anchorsOf = (text: string): string[] =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, words]) =>
    words.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-")
  );

const test = suite("pages in Markdown");

test("README has 150 lines at most, each under 120 characters", async () => {
  const lines = (await readText(repoPath("README.md"))).trimEnd().split("\n");
  assert.ok(lines.length <= 150, `${lines.length} lines`);
  assert.equal(lines.filter((line) => line.length >= 120), []);
});

for (const page of pages) {
  test(`${page} links to what there is`, async () => {
    const links = [...(await readText(repoPath(page))).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link);
    const dead = [];
    for (const link of links.filter((link) => !/^https?:/.test(link))) {
      const { pathname, hash } = new URL(link, `file:///${page}`);
      const text = await readText(repoPath(pathname.slice(1))).catch(() => null);
      if (text === null || hash && !anchorsOf(text).includes(hash.slice(1))) dead.push(link);
    }
    assert.equal(dead, []);
  });
}
test.run();
