// Signals and closed pipes. The quick run does one.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { spawn } from "../support/command.ts";
import { fewOf } from "../support/depth.ts";

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

test.run();
