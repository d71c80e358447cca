// Signals and closed pipes. The quick run does one.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { COMMAND, copyTalking, feed, spawn } from "../support/command.ts";
import { fewOf } from "../support/depth.ts";
import { atTerminal, quoted } from "../support/terminal.ts";

const test = fewOf(suite("command line: signals"), 1);

test("Ctrl-C stops cleanly with the report", async () => {
  const child = spawn(["generate", "Once upon a time", "--budget", "24", "--max-new-tokens", "100000", "--ignore-eos"]);
  const reader = child.stdout.getReader();
  let text = "";
  while (text.length < 300) text += new TextDecoder().decode((await reader.read()).value);
  child.kill("SIGINT");
  while (!(await reader.read()).done);
  const stderr = await new Response(child.stderr).text();
  assert.is((await child.status).code, 130);
  assert.match(stderr, "live slots  24 per lane");
});

test("a closed pipe is no error", async () => {
  const endless = ["--max-new-tokens", "100000", "--ignore-eos", "--positions", "cache"];
  const child = spawn(["generate", "Once upon a time", "--budget", "24", ...endless]);
  const reader = child.stdout.getReader();
  await reader.read();
  await reader.cancel();
  const stderr = await new Response(child.stderr).text();
  assert.is((await child.status).code, 0);
  assert.is(stderr, "");
});

/** The shipped model with a chat template, and a tokenizer of which one pattern never comes to an end over many x. */
async function endlessModel(): Promise<string> {
  const folder = await Deno.makeTempDir();
  await copyTalking(folder);
  const tokenizer = JSON.parse(await Deno.readTextFile(`${folder}/tokenizer.json`));
  const split = { type: "Split", pattern: { Regex: "(x+x+)+y" }, behavior: "Isolated", invert: false };
  tokenizer.pre_tokenizer = { type: "Sequence", pretokenizers: [split, tokenizer.pre_tokenizer] };
  await Deno.writeTextFile(`${folder}/tokenizer.json`, JSON.stringify(tokenizer));
  return folder;
}

/** Fails where a program goes on for long after it was told to end; it is ended then. */
async function endOf(child: Deno.ChildProcess): Promise<Deno.CommandStatus> {
  const late = setTimeout(() => child.kill("SIGKILL"), 15_000);
  const status = await child.status;
  clearTimeout(late);
  assert.is.not(status.signal, "SIGKILL", "it did not end");
  return status;
}

/** Until a program has computed for so many seconds of processor time without a pause of its own, on its main thread. */
async function computing(pid: number, seconds: number): Promise<void> {
  const read = (name: string) => Deno.readTextFileSync(`/proc/${pid}/task/${pid}/${name}`);
  const look = () => ({
    ticks: Number(read("stat").split(") ")[1].split(" ")[11]), // hundredths of a second
    pauses: /^voluntary_ctxt_switches:\s+(\d+)$/m.exec(read("status"))![1],
  });
  for (let from = look(), now = from; now.ticks - from.ticks < 100 * seconds; now = look()) {
    if (now.pauses !== from.pauses) from = now;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const ENDLESS = "x".repeat(60);

test("patterns without end do not hold Ctrl-C up, in a text or in a chat", async () => {
  if (Deno.build.os !== "linux") return;
  const folder = await endlessModel();
  for (const args of [["generate", ENDLESS], ["perplexity", ENDLESS], ["chat"]]) {
    const child = spawn([...args, "--model", folder, "--device", "wasm"], {}, "piped");
    await feed(child, `${ENDLESS}\n`);
    await computing(child.pid, 1);
    child.kill("SIGINT");
    const { signal, code } = await endOf(child);
    assert.ok(signal === "SIGINT" || code === 130, `${args[0]}: ${signal} ${code}`);
    await Promise.all([child.stdout.cancel(), child.stderr.cancel()]);
  }
  await Deno.remove(folder, { recursive: true });
});

test("nor at a terminal, which is left as it was", async () => {
  if (Deno.build.os !== "linux") return;
  const folder = await endlessModel();
  const chat = [Deno.execPath(), ...COMMAND, "chat", "--model", folder, "--device", "wasm"];
  const terminal = atTerminal(
    `trap true INT; ${quoted(chat)}; echo "ended with $?"; stty -a | grep -o -- "-\\?icanon"`,
  );
  await terminal.until(/> /);
  await terminal.type(`${ENDLESS}\r`);
  await terminal.until(/x{60}/);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await terminal.type("\x03");
  const late = setTimeout(() => terminal.child.kill("SIGKILL"), 15_000);
  await terminal.until(/ended with 130[^]*icanon/);
  clearTimeout(late);
  assert.not.match(terminal.seen, "-icanon");
  await terminal.child.status;
  await Deno.remove(folder, { recursive: true });
});

test.run();
