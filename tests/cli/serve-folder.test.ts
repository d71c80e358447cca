// The lab's server: what it answers, and to whom; peers that go away, dawdle or talk nonsense leave nothing behind.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { depth } from "../support/depth.ts";
import { repoPath } from "../support/files.ts";

const test = suite("the lab's server");
const folder = await Deno.makeTempDir({ prefix: "kvcap-serve-" });
const BIG = 8 << 20; // bytes: more than sockets hold
let child: Deno.ChildProcess;
let [port, impatient] = [0, 0]; // of a server, and of one that waits for a third of a second only

test.before(async () => {
  await Deno.mkdir(`${folder}/site/in`, { recursive: true });
  await Deno.writeTextFile(`${folder}/secret`, "a secret");
  await Deno.writeTextFile(`${folder}/site/index.html`, "<p>page");
  await Deno.writeTextFile(`${folder}/site/in/a.js`, "1");
  await Deno.writeFile(`${folder}/site/big.bin`, new Uint8Array(BIG));
  await Deno.symlink(`${folder}/secret`, `${folder}/site/out`);
  await Deno.symlink(folder, `${folder}/site/up`);
  await Deno.symlink("in/a.js", `${folder}/site/link.js`);
  await Deno.symlink(`${folder}/site`, `${folder}/to`);
  const program = `${folder}/serve.mjs`;
  await Deno.writeTextFile(
    program,
    `import { serveFolder } from ${JSON.stringify(`file://${repoPath("src/cli/serve-folder.ts")}`)};
     const folder = ${JSON.stringify(`${folder}/to`)};
     const { url } = await serveFolder(folder);
     const { url: impatient } = await serveFolder(folder, { patience: 300 });
     console.log(url, impatient);`,
  );
  const run = [Deno.execPath(), "run", "-A", "--quiet", "--no-prompt", program];
  const limited = Deno.build.os === "windows" ? run : ["sh", "-c", 'ulimit -n 256; exec "$@"', "sh", ...run];
  child = new Deno.Command(limited[0], { args: limited.slice(1), stdout: "piped" }).spawn();
  const { value } = await child.stdout.getReader().read();
  [port, impatient] = new TextDecoder().decode(value).trim().split(" ").map((url) => Number(new URL(url).port));
});
test.after(async () => {
  child.kill("SIGTERM");
  await child.status;
  await Deno.remove(folder, { recursive: true });
});

/** What is answered to these bytes, until the server closes or enough is there. */
async function talk(sent: string, enough = Infinity): Promise<string> {
  const socket = await Deno.connect({ hostname: "127.0.0.1", port });
  let text = "";
  try {
    await socket.write(new TextEncoder().encode(sent));
    const bytes = new Uint8Array(65536);
    while (text.length < enough) {
      const got = await socket.read(bytes);
      if (got === null) break;
      text += new TextDecoder("latin1").decode(bytes.subarray(0, got));
    }
  } catch { // reset
  } finally {
    socket.close();
  }
  return text;
}

const get = (path: string, host = `localhost:${port}`, more = "") =>
  talk(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${more}\r\n`);
const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);

test("pages come with headers that keep others from framing them, and from guessing types", async () => {
  for (const path of ["/", "/index.html", "/in/a.js", "/none", "/link.js"]) {
    const answer = await get(path);
    assert.is(statusOf(answer), path === "/none" ? 404 : 200);
    assert.match(answer, /^x-content-type-options: nosniff\r$/im);
    assert.match(answer, /^x-frame-options: DENY\r$/im);
    assert.match(answer, /^content-security-policy: frame-ancestors 'none'\r$/im);
    assert.match(answer, /^cross-origin-opener-policy: same-origin\r$/im);
  }
  const part = await get("/big.bin", undefined, "Range: bytes=5-9\r\n");
  assert.is(statusOf(part), 206);
  assert.match(part, /\r\n\r\n\0{5}$/);
});

test("only this machine's own names are answered", async () => {
  for (const host of [`localhost:${port}`, `127.0.0.1:${port}`]) assert.is(statusOf(await get("/", host)), 200);
  for (const host of ["evil.example", `evil.example:${port}`, "localhost", `localhost:${port}.evil.example`, "x y"]) {
    const answer = await get("/", host);
    assert.ok([400, 421].includes(statusOf(answer)), `${host}: ${answer}`);
    assert.not.match(answer, "<p>page");
  }
});

test("nothing outside of the folder is answered, by no link and no path", async () => {
  for (
    const path of [
      "/out",
      "/up/secret",
      "/../secret",
      "/in/../../secret",
      "/%2e%2e/secret",
      "/..%2fsecret",
      "/%00",
      "//",
      "/%",
    ]
  ) {
    const answer = await get(path);
    assert.ok([400, 404].includes(statusOf(answer)), `${path}: ${answer}`);
    assert.not.match(answer, "a secret");
  }
});

/** Descriptors and bytes that the server holds. */
async function held(): Promise<{ files: number; bytes: number }> {
  let files = 0;
  for await (const _ of Deno.readDir(`/proc/${child.pid}/fd`)) files++;
  const status = await Deno.readTextFile(`/proc/${child.pid}/status`);
  return { files, bytes: 1024 * Number(/VmRSS:\s+(\d+)/.exec(status)![1]) };
}

const PEERS: Record<string, () => Promise<unknown>> = {
  "goes away while it is answered": () => talk(`GET /big.bin HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`, 100),
  "asks, and goes away": () => talk(`GET /big.bin HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`, 0),
  "asks for a part, and goes away": () =>
    talk(`GET /big.bin HTTP/1.1\r\nHost: localhost:${port}\r\nRange: bytes=100-\r\n\r\n`, 1),
  "says half of what it wants": () => talk("GET /big.bin HTTP/1.1\r\nHost: loc", 0),
  "talks nonsense": () => talk("\x16\x03\x01 nonsense\r\n\r\n", 1),
  "says no host": () => talk("GET / HTTP/1.1\r\nConnection: close\r\n\r\n"),
  "asks for what is no path": () =>
    talk(`GET http://[ HTTP/1.1\r\nHost: localhost:${port}\r\nConnection: close\r\n\r\n`),
  "asks for nothing": () => talk(`GET // HTTP/1.1\r\nHost: localhost:${port}\r\nConnection: close\r\n\r\n`),
  "sends what nobody asked for": () =>
    talk(`POST / HTTP/1.1\r\nHost: localhost:${port}\r\nContent-Length: 100000\r\n\r\n${"x".repeat(5000)}`, 1),
  "reads slowly, and goes away": async () => {
    const socket = await Deno.connect({ hostname: "127.0.0.1", port });
    await socket.write(new TextEncoder().encode(`GET /big.bin HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`));
    for (let i = 0; i < 3; i++) {
      await socket.read(new Uint8Array(100));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    socket.close();
  },
};

test("who does not read on is not waited for", async () => {
  if (Deno.build.os !== "linux") return;
  const open = async (sent: string) => {
    const socket = await Deno.connect({ hostname: "127.0.0.1", port: impatient });
    await socket.write(new TextEncoder().encode(sent));
    return socket;
  };
  const host = `Host: localhost:${impatient}\r\n`;
  const socket = await open(`GET /big.bin HTTP/1.1\r\n${host}\r\n`);
  const rest = async (socket: Deno.Conn) => {
    const bytes = new Uint8Array(1 << 20);
    let sum = 0;
    try {
      for (let got = await socket.read(bytes); got !== null; got = await socket.read(bytes)) sum += got;
    } catch { // reset
    }
    return sum;
  };
  await new Promise((resolve) => setTimeout(resolve, 1500)); // five times as long as it is waited for
  assert.ok(await rest(socket) < BIG);
  socket.close();
});

test("peers that go away, dawdle or talk nonsense leave nothing behind", async () => {
  if (Deno.build.os !== "linux") return;
  const kinds = Object.values(PEERS);
  const visit = async (count: number, most = 30) => {
    let next = 0;
    const lane = async () => {
      while (next < count) await kinds[next++ % kinds.length]();
    };
    await Promise.all(Array.from({ length: 16 }, lane));
    for (let i = 0; i < 50 && (await held()).files > most; i++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  await visit(depth(800, 2000)); // what is made once is there
  const before = await held();
  await visit(depth(400, 10_000), before.files);
  const after = await held();
  assert.is(statusOf(await get("/")), 200);
  assert.is((await get("/big.bin")).split("\r\n\r\n")[1].length, BIG);
  assert.ok(after.files <= before.files + 4, `${before.files} descriptors, then ${after.files}`);
  assert.ok(after.bytes < before.bytes + (48 << 20), `${before.bytes} bytes, then ${after.bytes}`);
});

test.run();
