// The command as the package brings it, in Node, Bun and Deno: the same text, files, signals and measurements as from the sources. The
// quick run takes one host, drawn anew every day.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Ended, ended, feed, kvcap } from "../support/command.ts";
import { chosen } from "../support/depth.ts";
import { readJson, repoPath } from "../support/files.ts";
import { HOSTS } from "../support/hosts.ts";
import { Installed } from "../support/installed.ts";

const installed = await Installed.make();
const { folder } = installed;
const CLI = `${folder}/node_modules/kvcap/build/out/cli.js`;
/** What each host runs it with. */
const STARTS: [name: string, host: string[]][] = [
  ["Deno", [Deno.execPath(), "run", "--quiet", "--no-prompt", "-A", CLI]],
  ...HOSTS.flatMap(([name, program]): [string, string[]][] => program ? [[name, [program, CLI]]] : []),
];

function start([program, ...before]: string[], args: string[]): Deno.ChildProcess {
  const streams = { stdin: "piped", stdout: "piped", stderr: "piped" } as const;
  return new Deno.Command(program, { args: [...before, ...args], cwd: folder, ...streams }).spawn();
}

async function run(host: string[], args: string[], input = ""): Promise<Ended> {
  const child = start(host, args);
  await feed(child, input);
  return await ended(child);
}

const test = suite("command, installed");
test.after(() => installed.remove());

test("npx, bunx and deno find it", async () => {
  const { version } = await readJson(repoPath("package.json"));
  assert.match(await installed.run("npx", "--no-install", "kvcap", "--version"), `kvcap ${version}, node `);
  assert.match(
    await installed.run(Deno.execPath(), "run", "-A", "--quiet", "npm:kvcap", "--version"),
    `${version}, deno `,
  );
  const bun = Deno.env.get("KVCAP_BUN");
  if (!bun) return;
  assert.match(await installed.run(bun, "x", "--bun", "--no-install", "kvcap", "--version"), `kvcap ${version}, bun `);
});

for (const [called, host] of chosen(STARTS, () => "any")) {
  const name = called.replace(" ", "");
  test(`${name}: writes as the sources do, keeps a session and goes on from it`, async () => {
    const text = ["--temperature", "0.8", "--seed", "4", "--budget", "32", "--policy", "roco", "--device", "wasm"];
    const expected = await kvcap(["generate", "Once upon a time", "--max-new-tokens", "60", ...text]);
    const first = await run(host, ["generate", "-", "-n", "20", "--save", name, ...text], "Once upon a time\n");
    assert.is(first.code, 0, first.stderr);
    const then = await run(host, ["generate", "--resume", name, "-n", "40", "--temperature", "0.8"]);
    assert.is(then.code, 0, then.stderr);
    assert.is(first.stdout.trimEnd() + then.stdout, expected.stdout);
    assert.is((await Deno.stat(`${folder}/${name}`)).mode! & 0o777, 0o600);
  });

  test(`${name}: a signal keeps what was asked for, a reader that goes ends it`, async () => {
    const endless = ["generate", "Once", "-n", "1000000", "--ignore-eos", "-c", "20", "--positions", "cache"];
    const child = start(host, [...endless, "--save", `${name}-cut`]);
    const reader = child.stdout.getReader();
    await reader.read();
    await reader.read();
    child.kill("SIGTERM");
    while (!(await reader.read()).done);
    const [{ code }] = [await child.status, await child.stderr.cancel(), await child.stdin.close()];
    assert.is(code, 143);
    const { stdout, stderr } = await run(host, ["generate", "--resume", `${name}-cut`, "-n", "3", "--json"]);
    assert.is(JSON.parse(stdout || "{}").budget, 20, stderr);
    const piped = await run(["sh"], ["-c", `'${host.join("' '")}' ${endless.join(" ")} | head -c 40`]);
    assert.equal([piped.code, piped.stdout.length, piped.stderr], [0, 40, ""]);
  });

  test(`${name}: measures as the sources do, by processes of its own`, async () => {
    const plan = [
      ...[
        "--tasks",
        "perplexity",
        "--policies",
        "full,crest",
        "--budgets",
        "50%",
        "--documents",
        "2",
        "--length",
        "96",
      ],
      ...["--models", repoPath("models/fable-2m"), "--no-times"],
    ];
    const results = (text: string) => text.replace(/"versions":\{[^}]*\},?/g, ""); // of the host
    await installed.write("plan.yaml", "tasks: [perplexity]\n");
    const expected = `${await Deno.makeTempDir()}/results`;
    const { code } = await kvcap(["eval", ...plan, "--out", expected]);
    assert.is(code, 0);
    const swept = await run(host, ["sweep", "plan.yaml", ...plan, "--out", `${name}.jsonl`, "--workers", "2"]);
    assert.is(swept.code, 0, swept.stderr);
    const [mine, theirs] = await Promise.all([`${folder}/${name}.jsonl`, expected].map((at) => Deno.readTextFile(at)));
    assert.is(results(mine), results(theirs));
    assert.ok(theirs.split("\n").length > 2);
    const again = await run(host, ["sweep", "plan.yaml", ...plan, "--out", `${name}.jsonl`, "--workers", "1"]);
    assert.is(again.code, 0, again.stderr);
  });

  test(`${name}: serves the lab with its model`, async () => {
    const child = start(host, ["lab", "--port", "0", "--json"]);
    const reader = child.stdout.getReader();
    const { url } = JSON.parse(new TextDecoder().decode((await reader.read()).value));
    for (const path of ["", "main.js", "worker.js", "model/config.json", "model/model.safetensors"]) {
      const answer = await fetch(url + path);
      assert.ok(answer.ok && (await answer.bytes()).length > 100, path);
    }
    for (const path of ["model/../../cli.js", "../cli.js", "model/nothing"]) {
      const answer = await fetch(url + path);
      assert.ok([400, 404].includes(answer.status), path);
      await answer.body?.cancel();
    }
    child.kill("SIGTERM");
    await Promise.all([child.status, reader.cancel(), child.stderr.cancel(), child.stdin.close()]);
  });

  test(`${name}: serves the API, streams, and ends with 0 when it is asked to`, async () => {
    const child = start(host, ["serve", "--port", "0", "--json", "--budget", "32"]);
    const reader = child.stdout.getReader();
    try {
      const { url } = JSON.parse(new TextDecoder().decode((await reader.read()).value));
      const body = { prompt: "Once upon a time", max_tokens: 60, temperature: 0.8, seed: 4, ignore_eos: true };
      const ask = (more = {}) =>
        fetch(`${url}/completions`, {
          ...{ method: "POST", headers: { "content-type": "application/json" } },
          body: JSON.stringify({ ...body, ...more }),
        });
      const { choices: [{ text }], usage } = await (await ask()).json();
      const flags = ["--temperature", "0.8", "--seed", "4", "--budget", "32", "--positions", "cache", "--ignore-eos"];
      const { stdout } = await run(host, ["generate", "Once upon a time", "-n", "60", ...flags]);
      assert.ok(text.length > 100 && stdout.includes(text.slice(0, 100)), `${text} and ${stdout}`);
      assert.ok(usage.kvcap.evicted > 0);
      const events = await (await ask({ stream: true })).text();
      const pieces = [...events.matchAll(/^data: (\{.*)$/gm)].map(([, json]) => JSON.parse(json).choices[0].text);
      assert.is(pieces.join(""), text);
      const broken = new AbortController();
      const gone = await fetch(`${url}/completions`, {
        ...{ method: "POST", headers: { "content-type": "application/json" }, signal: broken.signal },
        body: JSON.stringify({ ...body, max_tokens: 4000, stream: true }),
      });
      await gone.body!.getReader().read();
      broken.abort();
      child.kill("SIGTERM");
      assert.is((await child.status).code, 0);
    } finally {
      if ((await Promise.race([child.status, null])) === null) child.kill("SIGKILL");
    }
    await Promise.all([reader.cancel(), child.stderr.cancel(), child.stdin.close()]);
  });

  test(`${name}: what is refused is one sentence`, async () => {
    const cases: [string[], number, RegExp][] = [
      [["generat", "x"], 2, /^Cannot read the command line: .*did you mean generate\?\n$/],
      [["generate", "x", "--model", "no/such"], 1, /^Cannot load model: no\/such must be [^\n]+\n$/],
      [["generate", "x", "--save", "/no/such/folder/x"], 1, /^Cannot save the session: [^\n]+got no such folder\n$/],
      [["replay", "no-such"], 1, /^Cannot read the recording: no-such must be a file to read, got no such file\n$/],
      [["sweep", "--queue", "redis://localhost:1"], 1, /^Cannot open the queue: bullmq and ioredis must be installed/],
      [["serve", "--store", "redis://localhost:1"], 1, /^Cannot keep conversations: ioredis must be installed/],
    ];
    for (const [args, code, sentence] of cases) {
      const found = await run(host, args);
      assert.is(found.code, code, found.stderr);
      assert.match(found.stderr, sentence);
    }
  });
}
test.run();
