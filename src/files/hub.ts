/** The public hub of models: `hf:owner/name[@revision][/file]` for its layout of URLs, and its token. */
import { words } from "../errors.ts";
import { checkName, refuseFile } from "./checks.ts";

const ENDPOINT = "https://huggingface.co";

/** @throws RangeError unless it is an http(s) URL without a query; the one of the public hub where none is given */
export function hubEndpoint(given: string | URL = ENDPOINT): string {
  let url: URL | null = null;
  try {
    url = new URL(given);
  } catch {
    // refused below
  }
  if (!url || !/^https?:$/.test(url.protocol) || url.search || url.hash || url.username || url.password) {
    refuseFile("the hub (HF_ENDPOINT) must be an http or https URL", String(given).replace(/\/\/.*@/, "//…@"), {
      option: "hub",
      code: "bad-option",
    });
  }
  return url.href.replace(/\/+$/, "");
}

/** @throws RangeError, without the token, unless it can stand in a header; null where none is given */
export function hubToken(given: string | undefined): string | null {
  if (given === undefined || given.trim() === "") return null;
  if (typeof given === "string" && /^[\x21-\x7e]+$/.test(given.trim())) return given.trim();
  refuseFile("the hub's token (HF_TOKEN) must be one word of plain characters", words("something else"), {
    option: "token",
    code: "bad-option",
  });
}

/** Whether this is the short form. */
export function isHub(where: string): boolean {
  return /^hf:/i.test(where);
}

/**
 * The URL of a file or, where none is named, of the folder of a repository.
 * @throws RangeError for a name that is none of the hub's
 */
export function hubUrl(where: string, hub: string): string {
  const word = "[A-Za-z0-9](?:[A-Za-z0-9._-]{0,95})";
  const parts = new RegExp(`^hf:(${word})/(${word})(?:@(refs/pr/\\d{1,9}|${word}))?(?:/(.+))?$`, "i").exec(where);
  const [, owner, name, revision = "main", file] = parts ?? [];
  if (!parts || [owner, name, revision].some((part) => part.includes(".."))) {
    refuseFile("a model of the hub must be hf:owner/name[@revision][/file]", where, { code: "bad-input" });
  }
  const path = file === undefined ? "" : `/${checkName(file).split("/").map(encodeURIComponent).join("/")}`;
  return `${hub}/${owner}/${name}/resolve/${encodeURIComponent(revision)}${path}`;
}

/** Whether what is behind a URL never changes: a file of the hub at a commit. */
export function isPinned(url: string, hub: string): boolean {
  return url.startsWith(`${hub}/`) && /^\/[^/]+\/[^/]+\/resolve\/[0-9a-f]{40}\//.test(url.slice(hub.length));
}
