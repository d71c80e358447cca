/** The command `models`: what is known by name. */
import { openAccess } from "../files/access.ts";
import { catalogue } from "../files/catalogue.ts";
import { entryOf } from "../files/catalogued.ts";
import type { Command } from "./command.ts";
import { print, printJson } from "./terminal.ts";
import { megabytes } from "./model.ts";
import type { Arguments } from "./usage.ts";

async function models(args: Arguments): Promise<number> {
  args.none("models");
  const { store } = openAccess({});
  const found = await Promise.all(
    Object.entries(catalogue).map(async ([name, model]) => {
      const { title, licence, size, folder, sha256 } = model;
      const held = folder || !store ? null : await entryOf(model, store).held().catch(() => null);
      const file = held?.file?.size === size ? held.file.where : null;
      const where = folder ? "shipped" : file ? "in the cache" : "to download";
      return { name, licence, size, where, title, sha256: sha256 ?? null, file };
    }),
  );
  if (args.has("json")) printJson(found);
  else {
    const rows = found.map(({ name, licence, size, where, title }) => [name, licence, megabytes(size), where, title]);
    const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
    for (const row of rows) print(`${row.map((cell, i) => cell.padEnd(widths[i])).join("  ").trimEnd()}\n`);
  }
  return 0;
}

export const modelsCommand: Command = {
  run: models,
  takes: "",
  about: "the models known by name",
  flags: [],
  examples: [
    ["models", "all of them, and which are here"],
  ],
};
