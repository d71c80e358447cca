/** Brings a file into a cache: piece by piece, going on where a broken connection ended, checked for length and version. */
import type { Part } from "./cache/store.ts";
import { type Answer, ask, missing, type Net, Passing, pause } from "./http.ts";
import { exact, type Found, lengthOf, validatorOf } from "./probe.ts";
import { oneLine, unreadable } from "./refuse.ts";
import { absent } from "./remote.ts";

/** The file changed on the server since it was asked for. */
export class Changed extends Error {}

/** Progress beyond this many bytes makes earlier failures forgotten: a long download may break often. */
const PROGRESS = 1 << 20;

/**
 * Brings the rest of a file into `part`, from the bytes it has on.
 * @param found what the server said of the file; its body, if it has one, is used up
 * @param known whether the content is known otherwise (by its hash), so that any server may go on with the part
 * @param report hears how many bytes are there
 * @throws Changed, Unstorable, or Error in one sentence; what is there by then is right as far as it goes
 */
export async function download(
  net: Net,
  url: string,
  part: Part,
  found: Found,
  known: boolean,
  report: (done: number, total: number | null) => void,
): Promise<void> {
  const { size, validator } = found;
  const resumable = known || exact(validator);
  if (part.size > 0 && (!resumable || size === null || part.size > size)) await part.restart();
  report(part.size, size);
  let body = found.body;
  if (body && size !== null && part.size === size) {
    await body.cancel();
    body = null;
  }
  for (let failed = 0, last = part.size; size === null || part.size < size || body;) {
    try {
      const answer: Answer = body ?? await ask(net, url, [part.size, null]);
      body = null;
      await check(answer, part, found);
      for await (const piece of answer.pieces()) {
        if (part.size === 0) checkKind(answer.url, piece);
        if (size !== null && part.size + piece.length > size) {
          throw unreadable(`${answer.url} must have ${size} bytes`, "more");
        }
        await part.write(piece);
        report(part.size, size);
      }
      if (size === null) return;
      if (part.size < size) throw new Passing(unreadable(`${answer.url} must have ${size} bytes`, String(part.size)));
    } catch (error) {
      if (!(error instanceof Passing)) throw error;
      if (part.size >= last + PROGRESS) [failed, last] = [0, part.size];
      if (++failed >= net.patience.tries) throw error;
      if (!resumable || size === null) await part.restart();
      await pause(net.patience, failed, error);
    }
  }
}

/** Sees to it that what an answer brings goes on with the part. @throws Changed, Error */
async function check(answer: Answer, part: Part, found: Found): Promise<void> {
  const { size, validator } = found;
  const fail = async (error: Error) => {
    await answer.cancel();
    throw error;
  };
  const gone = missing(answer);
  if (gone !== null) await fail(absent(answer.url, gone));
  if (validator !== null && validatorOf(answer) !== validator) await fail(new Changed());
  const whole = answer.status === 200; // the server does not serve ranges (any more)
  if (whole && part.size > 0) await part.restart();
  const length = lengthOf(answer);
  const range = answer.headers.get("content-range");
  if (answer.status === 416) await fail(new Changed());
  if (whole) {
    if (size !== null && length !== null && length !== size) await fail(new Changed());
  } else if (range !== null ? range !== `bytes ${part.size}-${size! - 1}/${size}` : length !== size! - part.size) {
    const expected = `${answer.url} must give bytes ${part.size}-${size! - 1} of ${size}`;
    const total = /\/(\d+)$/.exec(range ?? "")?.[1];
    await fail(
      total && Number(total) !== size ? new Changed() : unreadable(expected, oneLine(range ?? `${length} bytes`)),
    );
  }
}

/** Looks at a file's beginning, so that gigabytes of something else are not brought. @throws Error */
function checkKind(url: string, first: Uint8Array): void {
  const start = new TextDecoder("latin1").decode(first.subarray(0, 64));
  if (/^version https:\/\/git-lfs/.test(start)) {
    throw unreadable(`${url} must be the file itself`, "a Git LFS pointer to it");
  }
  if (/\.(gguf|safetensors)$/i.test(url) && /^\s*<(!doctype|html|\?xml)/i.test(start)) {
    throw unreadable(`${url} must be a file of weights`, "an HTML page");
  }
  if (/\.gguf$/i.test(url) && first.length >= 4 && !start.startsWith("GGUF")) {
    throw unreadable(`${url} must begin with GGUF`, JSON.stringify(start.slice(0, 4)));
  }
}
