// The command chat, line by line and at a terminal. The quick run does one.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { COMMAND, copyTalking, ended, feed, kvcap, spawn } from "../support/command.ts";
import { fewOf } from "../support/depth.ts";
import { repoPath } from "../support/files.ts";
import { atTerminal, quoted } from "../support/terminal.ts";

const test = fewOf(suite("command line: chat"), 1);

/** The shipped model with a chat template of its own. */
async function chatModel(): Promise<string> {
  const folder = await Deno.makeTempDir();
  await copyTalking(folder);
  return folder;
}

test("chat answers line by line, keeps and goes on with conversations", async () => {
  const folder = await chatModel();
  const args = [
    "chat",
    "--model",
    folder,
    "--system",
    "Tell of Lily.",
    "--max-new-tokens",
    "6",
    "--budget",
    "60",
    "--json",
  ];
  const child = spawn(args, {}, "piped");
  const questions = ["Where is Lily?", "And then?", `/save ${folder}/kept`, "/stats", "What\\\nnow?", "/help"];
  const rest = [
    "/policy h2o",
    "Who?",
    "/budget 40",
    "Who else?",
    `/load ${folder}/kept`,
    "What\\\nnow?",
    "/reset",
    "Hi",
  ];
  await feed(child, [...questions, ...rest, "/exit", "never asked"].join("\n"));
  const { code, stdout, stderr } = await ended(child);
  assert.is(code, 0, stderr);
  const answers = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.is(answers.length, 7);
  assert.ok(answers.every(({ newTokens }) => newTokens <= 6));
  assert.equal(answers[2], answers[5], "as before it was kept");
  assert.ok(answers[1].promptTokens < 20 && answers[3].promptTokens > 40, "a new cache reads everything again");
  assert.ok(answers[4].liveSlots <= 40 && answers[4].evictions > 0);
  assert.match(stderr, "goes on after 2 answers");
  assert.match(stderr, /tokens taken in, \d+ of 60 slots per lane live/);
  // Where memory is bounded, and all of it is the cache's.
  const bounded = spawn([...args.filter((arg) => !["--budget", "60"].includes(arg)), "--memory", "6MB"], {}, "piped");
  const changes = ["/policy h2o", "And then?", "/budget 50", "And then?", `/load ${folder}/kept`, "What\\\nnow?"];
  await feed(bounded, ["Where is Lily?", ...changes].join("\n"));
  const told = await ended(bounded);
  assert.is(told.code, 0, told.stderr);
  assert.equal(JSON.parse(told.stdout.trimEnd().split("\n")[3]), answers[2]);
  const unread = spawn(args, {}, "piped");
  await feed(unread, ["Hi", "/budget 40", `/save ${folder}/unread`].join("\n"));
  assert.match(
    (await ended(unread)).stderr,
    "Cannot save the session: the conversation must have been read into the cache",
  );
  assert.is(await Deno.stat(`${folder}/unread`).catch(() => null), null);
  const refusals = [
    [
      "/budget none",
      "/budget must be slots (128), a share of the text (25%), bytes (512KB) or a number behind it (+48), got none",
    ],
    ["/polcy h2o", "commands are those of /help, got /polcy; did you mean /policy?"],
    ["/weather", "commands are those of /help, got /weather"],
  ];
  for (const [line, reason] of refusals) {
    const wrong = spawn(args, {}, "piped");
    await feed(wrong, `${line}\n`);
    const { code, stderr } = await ended(wrong);
    assert.equal([code, stderr], [1, `Cannot chat: ${reason}\n`]);
  }
  const none = await kvcap(["chat", "--model", repoPath("models/fable-2m")]);
  assert.equal([none.code, none.stderr], [1, "Cannot chat: the model must have a chat template, got none\n"]);
  assert.is((await kvcap(["chat", "hello"])).code, 2);
  await Deno.remove(folder, { recursive: true });
});

if (Deno.build.os === "linux") {
  test("chat at a terminal: pasted lines are one message, Ctrl-C stops the answer alone, history", async () => {
    const folder = await chatModel();
    const command = [
      Deno.execPath(),
      ...COMMAND,
      "chat",
      "--model",
      folder,
      "--budget",
      "60",
      "--max-new-tokens",
      "100000",
    ];
    const terminal = atTerminal(quoted(command));
    await terminal.until(/\(llama, .* crest in 60 slots, on WebAssembly.*; \/help, \/exit\)[^]*> /);
    await terminal.type("/sta\t");
    await terminal.until(/\/stats/);
    await terminal.type("\x15\x1b[200~one\ntwo\x1b[201~");
    await terminal.until(/one\u2424two/);
    await terminal.type("\r");
    await terminal.until(/\n[^]{20,}/); // an answer without end
    await terminal.type("\x03");
    await terminal.until(/> /);
    await terminal.type("\x03");
    await terminal.until(/Ctrl-D ends/);
    terminal.seen = "";
    await terminal.type("\x1b[A");
    await terminal.until(/one\u2424two/);
    await terminal.type("\x15/stats\r");
    await terminal.until(/tokens taken in/);
    await terminal.type("/budget 40\r");
    await terminal.until(/\(budget 40: the text is read again with the next question\)/);
    await terminal.type("/reset\r");
    await terminal.until(/\(forgotten: the conversation begins anew\)/);
    await terminal.type("\x04");
    assert.is((await terminal.child.status).code, 0);
    await Deno.remove(folder, { recursive: true });
  });
}

test.run();
