// What a server says of a file: whether it is there, how long it is, and by what its versions are told apart.
import {
  type Answer,
  ask,
  type Gone,
  IMPATIENCE,
  missing,
  type Net,
  type Patience,
  patiently,
  shownUrl,
} from "./http.ts";
import { KvcapError, words } from "../errors.ts";
import { checkLength, refuseFile } from "./checks.ts";

/** A file that is there. */
export interface Found {
  readonly missing: null;
  readonly size: number | null; // bytes; null where only the body's end will tell
  readonly validator: string | null; // changes with the content
  /** The file itself, about to arrive, where the server does not serve ranges. To be read or cancelled. */
  readonly body: Answer | null;
}

/** A file that is not, and the answer that said so. */
export interface Missing {
  readonly missing: Gone;
}

/**
 * ETag or Last-Modified; null where the server gives neither. A weak ETag (W/) is the last choice: it stands for the same
 * meaning, not for the same bytes.
 */
export function validatorOf({ headers }: Pick<Answer, "headers">): string | null {
  const etag = headers.get("etag");
  return etag && !etag.startsWith("W/") ? etag : headers.get("last-modified") ?? etag;
}

/** Whether equal validators mean equal bytes, so that a broken download may go on where it ended. */
export function exact(validator: string | null): boolean {
  return validator !== null && !validator.startsWith("W/");
}

/** Content-Length of an answer as the file has it; null where there is none, or it counts a compressed form. */
export function lengthOf({ headers }: Pick<Answer, "headers">): number | null {
  const length = headers.get("content-length");
  return length !== null && /^\d+$/.test(length) && !headers.get("content-encoding") ? Number(length) : null;
}

/** Asks for the first byte of a file. @throws Error, for a file that is too long, too */
export async function probe(net: Net, url: string, patience: Patience = net.patience): Promise<Found | Missing> {
  const found = await ranged(net, url, patience);
  if (found.missing !== null || found.size === null) return found;
  try {
    checkLength(shownUrl(url), found.size);
  } catch (error) {
    await found.body?.cancel();
    throw error;
  }
  return found;
}

async function ranged(net: Net, url: string, patience: Patience): Promise<Found | Missing> {
  const asking = { ...net, patience };
  const answer = await patiently(patience, () => ask(asking, url, [0, 1]));
  const absent = missing(answer);
  if (absent !== null) {
    await answer.cancel();
    return { missing: absent };
  }
  const validator = validatorOf(answer);
  if (answer.status === 200) return { missing: null, size: lengthOf(answer), validator, body: answer };
  await answer.cancel();
  if (answer.status === 416) return { missing: null, size: 0, validator, body: null }; // an empty file has no first byte
  const total = /^bytes 0-0\/(\d+)$/.exec(answer.headers.get("content-range") ?? "")?.[1];
  if (total !== undefined) return { missing: null, size: Number(total), validator, body: null };
  // Another origin may hide Content-Range from a page; Content-Length is always in sight.
  const head = await patiently(patience, () => ask(asking, url, null, { method: "HEAD" }));
  await head.cancel();
  const size = lengthOf(head);
  if (size === null || missing(head) !== null) {
    refuseFile(`${answer.url} must say its length`, words("none"), { code: "unreadable" });
  }
  return { missing: null, size, validator, body: null };
}

/**
 * What the hub says of a file in its store of large ones before it sends there: the SHA-256, 64 hex digits. Null where it says
 * nothing, and in a page, which is not shown where it is sent to.
 */
export async function hubSum(net: Net, url: string): Promise<string | null> {
  try {
    const answer = await ask({ ...net, patience: { ...net.patience, ...IMPATIENCE } }, url, null, {
      method: "HEAD",
      redirect: "manual",
    });
    await answer.cancel();
    return /^"?([0-9a-f]{64})"?$/.exec(answer.headers.get("x-linked-etag") ?? "")?.[1] ?? null;
  } catch (error) {
    if (error instanceof KvcapError) return null;
    throw error;
  }
}
