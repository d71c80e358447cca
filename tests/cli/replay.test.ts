// The command replay.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { corePolicies as policies } from "../../src/policies/core.ts";
import { checksum } from "../../src/recording/format.ts";
import { kvcap } from "../support/command.ts";

const test = suite("command line: replay");

test("a recording is replayed, by the policy recorded to the same victims", async () => {
  const file = await Deno.makeTempFile();
  const capped = ["--policy", "h2o", "--budget", "20", "--stride", "4"];
  const text = ["Once upon a time there was a fox", "--max-new-tokens", "40", "--ignore-eos"];
  const { code, stderr } = await kvcap(["generate", ...text, ...capped, "--record", file, "--json"]);
  assert.is(code, 0, stderr);
  const one = await kvcap(["replay", file, "--policy", "h2o", "--json"]);
  const { recording, replays } = JSON.parse(one.stdout);
  assert.is(recording.options.policy, "h2o");
  assert.is(replays.length, 1);
  assert.equal([replays[0].reproduced, replays[0].evictions], [true, recording.tokens - 20]);
  const all = await kvcap(["replay", file]);
  assert.is(all.code, 0, all.stderr);
  const lines = all.stdout.trimEnd().split("\n");
  assert.is(lines.length, 1 + Object.keys(policies).length - 1);
  assert.match(lines[1], /^h2o +20 +\d+ +100.00 % +100.00 % +0.00 % +yes$/);
  assert.match(all.stderr, "record with --policy full");
  await kvcap(["perplexity", text[0], "--policy", "full", "--record", file]);
  const full = await kvcap(["replay", file, "--policy", "roco", "--policy", "tova", "--budget", "50%"]);
  assert.is(full.code, 0, full.stderr);
  assert.is(full.stdout.trimEnd().split("\n").length, 3);
  assert.not.match(full.stderr, "record with --policy full");
  const report = await kvcap(["replay", file, "--policy", "roco", "--report", `${file}.html`]);
  assert.is(report.code, 0, report.stderr);
  const page = await Deno.readTextFile(`${file}.html`);
  for (const part of ["<h1>What a recording shows</h1>", "roco, ", "newest"]) assert.ok(page.includes(part), part);
  await Deno.remove(`${file}.html`);
  const none = await kvcap(["replay", file, "--budget", "0"]);
  assert.equal([none.code, none.stdout], [2, ""]);
  assert.match(none.stderr, /^Cannot replay: budget must be a whole number from 1 [^\n]+, got 0\n$/);
  const wrong = await kvcap(["replay", file, "--budget", "64KB"]);
  assert.is(wrong.code, 2);
  assert.match(wrong.stderr, /^Cannot replay: budget must be slots or a share of the tokens recorded, got [^\n]+\n$/);
  const misnamed = await kvcap(["replay", file, "--policy", "best"]);
  assert.is(misnamed.code, 2);
  assert.match(misnamed.stderr, /^Cannot replay: policy must be one of roco, [^\n]+\n$/);
  await Deno.remove(file);
});

test("what a recording calls its model writes nothing to a terminal but text", async () => {
  const file = await Deno.makeTempFile();
  const recorded = await kvcap(["generate", "A fox", "--max-new-tokens", "8", "--ignore-eos", "--record", file]);
  assert.is(recorded.code, 0, recorded.stderr);
  const bytes = await Deno.readFile(file);
  const words = new Uint32Array(bytes.buffer);
  const header = new TextDecoder().decode(bytes.subarray(16, 16 + words[3]));
  const { model } = JSON.parse(header);
  const forged = JSON.stringify({ ...JSON.parse(header), model: "\x1b[2J" }).padEnd(header.length);
  bytes.set(new TextEncoder().encode(forged), 16);
  const end = 4 + words[3] / 4;
  words[end] = checksum(words, 0, end);
  await Deno.writeFile(file, bytes);
  const { code, stderr } = await kvcap(["replay", file, "--policy", "h2o", "--budget", "6"]);
  assert.is(code, 0, stderr);
  assert.ok(stderr.includes("\ufffd[2J") && !stderr.includes("\x1b") && !stderr.includes(model), stderr);
  await Deno.remove(file);
});

test.run();
