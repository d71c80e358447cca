/**
 * What flags say where the command line does not: variables, as KVCAP_BUDGET, and beneath them kvcap.json in the folder that a command
 * runs in, whose names are those of the options, as { "model": "smollm2-135m", "maxNewTokens": 100 }.
 */
import * as fs from "node:fs";
import process from "node:process";
import { KvcapError, quote, refuse, words } from "../errors.ts";
import { flagName, FLAGS } from "./flags.ts";
import { note } from "./terminal.ts";
import { MODEL_FLAGS } from "./model.ts";
import { type Arguments, CHAT_FLAGS, SESSION_FLAGS, TEXT_FLAGS } from "./usage.ts";

const FILE = "kvcap.json";
const MOST = 1 << 20; // bytes
const ACTION = `read ${FILE}`;
/** The flags that may be said so. */
const KNOWN = [...SESSION_FLAGS, ...MODEL_FLAGS, ...TEXT_FLAGS, ...CHAT_FLAGS, "ignore-eos", "system", "first"];

/** @param flags those of the command @throws KvcapError for a file that holds something else */
export function setDefaults(args: Arguments, flags: readonly string[]): void {
  const resumed = args.has("resume") ? SESSION_FLAGS : []; // the session has them
  const able = flags.filter((name) => KNOWN.includes(name) && !resumed.includes(name));
  for (const name of able) {
    const variable = `KVCAP_${name.toUpperCase().replaceAll("-", "_")}`;
    const value = process.env[variable];
    if (value) args.beneath(name, [value], variable);
  }
  const used = Object.entries(readDefaults()).filter(([name, values]) =>
    able.includes(name) && args.beneath(name, values, FILE)
  );
  if (used.length > 0) note(`(${FILE} says ${used.map(([name, values]) => `--${name} ${values}`).join(", ")})`);
}

const optionName = (flag: string) => flag.replace(/-(.)/g, (_, letter) => letter.toUpperCase());

/** What the file says, by flag; nothing where there is none. */
function readDefaults(): Record<string, string[]> {
  const refused = (rule: string, found: unknown, names: string[] = []): never =>
    refuse(ACTION, rule, found, { code: "bad-file", kind: "plain", names });
  let read: unknown;
  try {
    const there = fs.statSync(FILE, { throwIfNoEntry: false });
    if (!there) return {};
    if (!there.isFile() || there.size > MOST) refused("it must be a small file", words("another thing"));
    read = JSON.parse(fs.readFileSync(FILE, "utf8"));
  } catch (error) {
    if (error instanceof KvcapError) throw error;
    if (!(error instanceof SyntaxError)) refused("it must be a file to read", words((error as Error).message));
    refused("it must be JSON", quote((error as Error).message));
  }
  if (typeof read !== "object" || read === null || Array.isArray(read)) refused("it must be an object", read);
  return Object.fromEntries(
    Object.entries(read as object).map(([option, value]) => {
      const name = flagName(option);
      if (!KNOWN.includes(name)) refused("names must be those of options", option, KNOWN.map(optionName));
      const texts = Array.isArray(value) && FLAGS.get(name)!.many ? value : [value];
      if (!texts.every((one) => ["string", "number", "boolean"].includes(typeof one))) {
        refused(`${option} must be text, a number, true or false`, value);
      }
      // A module is a program: it runs where somebody asks for it, not where a folder does.
      if (name === "policy" && /[/\\.]/.test(String(value))) refused("policy must be a name", value);
      return [name, texts.map(String)];
    }),
  );
}
