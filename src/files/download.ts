/** Brings a file into a cache: piece by piece, going on where a broken connection ended, checked for length and version. */
import type { Growing } from "./cache/store.ts";
import { type Answer, ask, missing, type Net, Passing, pause, refusePassing, shownUrl } from "./http.ts";
import { exact, type Found, lengthOf, validatorOf } from "./probe.ts";
import { oneLine, words } from "../errors.ts";
import { checkPointer, mostOf, refuseFile } from "./checks.ts";
import { refuseAbsent } from "./remote.ts";

/** The file changed on the server since it was asked for. */
export class Changed extends Error {}

/** Progress beyond this many bytes makes earlier failures forgotten: a long download may break often. */
const PROGRESS = 1 << 20;

/** A file on a server. */
interface Offer {
  readonly net: Net;
  readonly url: string;
  readonly found: Found; // what the server said of it; its body, if it has one, is used up
  readonly known: boolean; // whether the content is known otherwise (by its hash): any server may go on with a part of it
}

/**
 * Brings the rest of a file into `part`, from the bytes it has on.
 * @param report hears how many bytes are there
 * @throws Changed, Unstorable, or Error in one sentence; what is there by then is right as far as it goes
 */
export async function download(
  { net, url, found, known }: Offer,
  part: Growing,
  report: (done: number, total: number | null) => void,
): Promise<void> {
  const { size, validator } = found;
  const most = size ?? mostOf(shownUrl(url));
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
      await goOn(answer, part, found);
      for await (const piece of answer.pieces()) {
        if (part.size === 0) checkKind(answer.url, piece);
        if (part.size + piece.length > most) {
          const so = size === null ? "at most " : "";
          refuseFile(`${answer.url} must have ${so}${most} bytes`, words("more"), { code: "unreadable" });
        }
        await part.write(piece);
        report(part.size, size);
      }
      if (size === null) return;
      if (part.size < size) refusePassing(`${answer.url} must have ${size} bytes`, words(part.size));
    } catch (error) {
      if (!(error instanceof Passing)) throw error;
      if (part.size >= last + PROGRESS) [failed, last] = [0, part.size];
      if (++failed >= net.patience.tries) throw error;
      if (!resumable || size === null) await part.restart();
      await pause(net.patience, failed, error);
    }
  }
}

/** Sees to it that what an answer brings goes on with the part, or gives the answer up. @throws Changed, Error */
async function goOn(answer: Answer, part: Growing, found: Found): Promise<void> {
  try {
    checkVersion(answer, found);
    if (answer.status !== 200) return checkRest(answer, part.size, found.size!);
    if (part.size > 0) await part.restart(); // the server does not serve ranges (any more)
    const length = lengthOf(answer);
    if (found.size !== null && length !== null && length !== found.size) throw new Changed();
  } catch (error) {
    await answer.cancel();
    throw error;
  }
}

/** @throws Changed for another version, Error for a file that is gone */
function checkVersion(answer: Answer, { validator }: Found): void {
  const gone = missing(answer);
  if (gone !== null) refuseAbsent(answer.url, gone);
  if (validator !== null && validatorOf(answer) !== validator) throw new Changed();
}

/** Whether an answer brings bytes [from, size) of a file. @throws Changed where the file has another length, else Error */
function checkRest(answer: Answer, from: number, size: number): void {
  if (answer.status === 416) throw new Changed();
  const length = lengthOf(answer);
  const range = answer.headers.get("content-range");
  if (range !== null ? range === `bytes ${from}-${size - 1}/${size}` : length === size - from) return;
  const total = /\/(\d+)$/.exec(range ?? "")?.[1];
  if (total && Number(total) !== size) throw new Changed();
  const found = words(oneLine(range ?? `${length} bytes`));
  refuseFile(`${answer.url} must give bytes ${from}-${size - 1} of ${size}`, found, { code: "unreadable" });
}

/** Looks at a file's beginning, so that gigabytes of something else are not brought. @throws Error */
function checkKind(url: string, first: Uint8Array): void {
  const start = new TextDecoder("latin1").decode(first.subarray(0, 64));
  checkPointer(first, url);
  if (/\.(gguf|safetensors)$/i.test(url) && /^\s*<(!doctype|html|\?xml)/i.test(start)) {
    refuseFile(`${url} must be a file of weights`, words("an HTML page"));
  }
  if (/\.gguf$/i.test(url) && first.length >= 4 && !start.startsWith("GGUF")) {
    refuseFile(`${url} must begin with GGUF`, words(JSON.stringify(start.slice(0, 4))));
  }
}
