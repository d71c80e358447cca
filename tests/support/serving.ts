// The command `serve` as a process of its own, as its users start it.
import { spawn } from "./command.ts";
import { talkingModel } from "./api.ts";

/** One that listens. */
export interface Serving {
  readonly url: string; // ends in /v1
  readonly child: Deno.ChildProcess;
  /** Asks it, JSON to JSON. */
  ask(body: unknown, path?: string): Promise<Answer>;
  /** All that it wrote to stderr, when it has ended. */
  readonly stderr: Promise<string>;
}

// deno-lint-ignore no-explicit-any
type Answer = any;

/** Starts it with the talking model under any free port. @param host what runs it, where that is not Deno from the sources */
export async function startServing(flags: readonly string[], host?: readonly string[]): Promise<Serving> {
  const usual = Object.entries({
    "--port": "0",
    "--device": "wasm",
    "--threads": "1",
    "--model": await talkingModel(),
  });
  const args = [
    "serve",
    "--json",
    ...usual.filter(([flag]) => !flags.some((own) => own.split("=")[0] === flag)).flat(),
    ...flags,
  ];
  const child = host
    ? new Deno.Command(host[0], { args: [...host.slice(1), ...args], stdin: "null", stdout: "piped", stderr: "piped" })
      .spawn()
    : spawn(args);
  const stderr = new Response(child.stderr).text();
  const reader = child.stdout.getReader();
  let line = "";
  while (!line.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`serve ended: ${await stderr}`);
    line += new TextDecoder().decode(value);
  }
  reader.releaseLock();
  const { url } = JSON.parse(line);
  const ask = async (body: unknown, path = "/chat/completions") => {
    const headers = { "content-type": "application/json" };
    return await (await fetch(`${url}${path}`, { method: "POST", headers, body: JSON.stringify(body) })).json();
  };
  return { url, child, ask, stderr };
}

/** Ends it with a signal. @returns its exit code */
export async function stopServing({ child, stderr }: Serving, signal: Deno.Signal): Promise<number> {
  child.kill(signal);
  await child.stdout.cancel();
  await stderr;
  return (await child.status).code;
}
