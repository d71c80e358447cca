/** The command `pull`: brings a model into the cache, checks it, and says where it is. */
import type { Command } from "./command.ts";
import { type Access, openAccess } from "../files/access.ts";
import type { StoredFile } from "../files/cache/store.ts";
import { catalogue } from "../files/catalogue.ts";
import { openModel } from "../model/open.ts";
import { words } from "../errors.ts";
import { refuseFile } from "../files/checks.ts";
import { note, print, printJson, Progress } from "./terminal.ts";
import { downloading, megabytes } from "./model.ts";
import { type Arguments, misused } from "./usage.ts";

async function pull(args: Arguments): Promise<number> {
  const where = args.word("pull", "model (a name of `models`, hf:owner/name[/file] or a URL)");
  const known = Object.hasOwn(catalogue, where) ? catalogue[where] : null;
  if (!known && !/^(hf|https?):/i.test(where)) {
    misused(`pull takes ${Object.keys(catalogue).join(", ")}, hf:owner/name[/file] or a URL`, where);
  }
  const progress = new Progress();
  const files = new Map<string, StoredFile>();
  const opened = openAccess({ onDownload: downloading(progress), onWarning: () => {} });
  const access: Access = {
    ...opened,
    onFile: (name, file) => files.set(name, file),
    onDamage: (name) => {
      progress.clear();
      note(`${name} was damaged in the cache, and is brought once more`);
    },
  };
  try {
    if (known?.folder) note(`${where} is shipped with kvcap`);
    else if (!access.store) {
      refuseFile("pull must have a cache folder", words("none; set KVCAP_CACHE"), { code: "unreadable" });
    }
    await openModel(where, access);
  } finally {
    progress.clear();
  }
  if (args.has("json")) {
    const told = [...files].map(([name, file]) => ({ file: name, bytes: file.size, path: file.where }));
    printJson({ model: where, sha256: known?.sha256 ?? null, files: told });
  } else {
    for (const { where } of files.values()) print(`${where}\n`);
    const bytes = [...files.values()].reduce((sum, { size }) => sum + size, 0);
    if (files.size > 0) note(`${megabytes(bytes)}${known ? `, SHA-256 ${known.sha256} is right` : ""}`);
  }
  return 0;
}

export const pullCommand: Command = {
  run: pull,
  takes: "MODEL",
  about:
    "brings a model (a name of `models`, hf:owner/name[/file] or a URL) into the cache, mends it, says where it is",
  flags: [],
  examples: [["pull smollm2-135m", "a small assistant, by its name here"]],
};
