// The licences of the packages whose code is in a bundle.
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { join, relative } from "node:path";
import { root } from "./setup.mjs";

/**
 * Their texts, one behind the other. @param {import("esbuild").Metafile} metafile
 * @param {string} what contains their code
 */
export function licencesOf({ inputs }, what) {
  // esbuild names a file by where it is, which a linked node_modules is not.
  const where = relative(realpathSync(root), realpathSync(join(root, "node_modules"))).replaceAll("\\", "/");
  const files = Object.keys(inputs).filter((file) => file.startsWith(`${where}/`));
  const packages = files.map((file) => file.slice(where.length + 1).split("/"))
    .map(([first, second]) => first.startsWith("@") ? `${first}/${second}` : first);
  const licences = [...new Set(packages)].sort().map((name) => {
    const folder = join(root, "node_modules", name);
    const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = ["LICENSE", "LICENSE.md", "LICENSE.txt"].map((file) => join(folder, file)).find((file) =>
      existsSync(file)
    );
    return `${name} ${version} (${license})\n\n${file ? readFileSync(file, "utf8") : ""}`;
  });
  return `${what} contains code of these packages.\n\n${licences.join("\n\n")}`;
}
