// The licences of the packages whose code is in a bundle.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./setup.mjs";

/**
 * Their texts, one behind the other. @param {import("esbuild").Metafile} metafile
 * @param {string} what contains their code
 */
export function licencesOf({ inputs }, what) {
  const packages = new Set(
    Object.keys(inputs).map((file) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? "").filter(Boolean),
  );
  const licences = [...packages].sort().map((name) => {
    const folder = join(root, "node_modules", name);
    const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = ["LICENSE", "LICENSE.md", "LICENSE.txt"].map((file) => join(folder, file)).find((file) =>
      existsSync(file)
    );
    return `${name} ${version} (${license})\n\n${file ? readFileSync(file, "utf8") : ""}`;
  });
  return `${what} contains code of these packages.\n\n${licences.join("\n\n")}`;
}
