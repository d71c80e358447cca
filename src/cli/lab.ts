/** The command `lab`: serves the page that shows a cache think, on this machine, to this machine. */
import * as fs from "node:fs";
import { fileURLToPath } from "node:url";
import { refuse, words } from "../errors.ts";
import type { Command } from "./command.ts";
import { serveFolder } from "./serve-folder.ts";
import { note, printJson } from "./terminal.ts";
import { type Arguments, misused, SHIPPED } from "./usage.ts";

const PORT = 8017;
const FOLDER = new URL(import.meta.url.endsWith(".ts") ? "../../build/out/lab" : "./lab", import.meta.url);

async function lab(args: Arguments): Promise<number> {
  args.none("lab");
  const text = args.text("port") ?? `${PORT}`;
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) misused("--port must be a whole number from 0 to 65535", text);
  const folder = fileURLToPath(FOLDER);
  if (!fs.existsSync(`${folder}/index.html`)) {
    const more = { code: "unreadable", kind: "plain" } as const;
    refuse("serve the lab", "it must be built, as `npm run lab` does", words("none"), more);
  }
  const { url } = await serveFolder(folder, { port, beside: { "/model/": fileURLToPath(SHIPPED) } });
  if (args.has("json")) printJson({ url });
  else note(`the lab is at ${url} (Ctrl-C ends it)`);
  return await new Promise<never>(() => {}); // until a signal
}

export const labCommand: Command = {
  run: lab,
  takes: "",
  about: "serves the page that shows a cache think; --port says where  (8017, or the next that is free)",
  flags: ["port"],
  examples: [["lab --port 8017", "then open http://localhost:8017/"]],
};
