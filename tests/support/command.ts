// The command line as its users meet it: a process with arguments, pipes and signals.
import * as assert from "uvu/assert";
import { repoPath } from "./files.ts";

/** What Deno runs the command line with; its own arguments follow. */
export const COMMAND = ["run", "--no-prompt", "--quiet", "--no-check", "-A", repoPath("src/cli/main.ts")];

export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** Starts it, under way until it ends or is ended. */
export function spawn(
  args: string[],
  env: Record<string, string> = {},
  stdin: "piped" | "null" = "null",
): Deno.ChildProcess {
  const command = new Deno.Command(Deno.execPath(), {
    args: [...COMMAND, ...args],
    env,
    stdin,
    stdout: "piped",
    stderr: "piped",
  });
  return command.spawn();
}

/** Runs it to its end. */
export async function kvcap(args: string[], env: Record<string, string> = {}): Promise<Ended> {
  return await ended(spawn(args, env));
}

export async function ended(child: Deno.ChildProcess): Promise<Ended> {
  const { code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** Runs what must be refused: with this exit code, nothing on stdout, and one sentence on stderr with these words in it. */
export async function kvcapRefuses(args: readonly string[], wanted: number, words: string): Promise<void> {
  const { code, stdout, stderr } = await kvcap([...args]);
  assert.is(code, wanted, stderr);
  assert.is(stdout, "");
  assert.match(stderr, /^Cannot [^\n]+\n$/);
  assert.ok(stderr.includes(words), stderr);
}

/** Gives it all of its standard input. */
export async function feed(child: Deno.ChildProcess, input: string | Uint8Array<ArrayBuffer>): Promise<void> {
  const writer = child.stdin.getWriter();
  await writer.write(typeof input === "string" ? new TextEncoder().encode(input) : input);
  await writer.close();
}

/** Copies the shipped model into a folder, with a chat template of its own. */
export async function copyTalking(folder: string): Promise<void> {
  const from = repoPath("models/fable-2m");
  await Deno.mkdir(folder, { recursive: true });
  for (const { name } of Deno.readDirSync(from)) await Deno.copyFile(`${from}/${name}`, `${folder}/${name}`);
  const template =
    "{{ bos_token }}{% for m in messages %}{{ m.role + ': ' + m.content + eos_token }}{% endfor %}assistant: ";
  await Deno.writeTextFile(`${folder}/chat_template.jinja`, template);
}
