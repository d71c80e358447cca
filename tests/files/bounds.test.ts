// Sources without an end, and servers that take their time or send other bytes: refused in one sentence, and early.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { deflateSync, gzipSync } from "node:zlib";
import { cachedSource } from "../../src/files/cached.ts";
import { ask, type Net, PATIENCE, PLAIN_NET } from "../../src/files/http.ts";
import { openSource } from "../../src/files/open-source.ts";
import { pickedSource } from "../../src/files/picked.ts";
import { urlSource } from "../../src/files/remote.ts";
import type { Source } from "../../src/files/source.ts";
import { openModel } from "../../src/model/open.ts";
import { refused } from "../support/refused.ts";
import { freshStore, reach } from "../support/weights.ts";

const MOST = 64_000_000;
const net = (patience: Partial<Net["patience"]> = {}): Net => ({
  ...PLAIN_NET,
  patience: { ...PATIENCE, tries: 3, pause: 1, answer: 60_000, stall: 60_000, ...patience },
});

/** Runs `test` against a server. */
async function serve(answer: (request: Request) => Response, test: (url: string) => Promise<void>) {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, answer);
  try {
    await test(`http://127.0.0.1:${server.addr.port}`);
  } finally {
    await server.shutdown();
  }
}

/** Runs `test` on what is behind a URL, with the cache and without. */
async function bothWays(url: string, patient: Net, test: (source: Source) => Promise<void>) {
  await test(urlSource(new URL(url), url, patient));
  const { store, remove } = await freshStore();
  await test(cachedSource(new URL(url), url, reach(store, { net: patient }), store));
  await remove();
}

/** A body of `piece` every `pause` ms for ever. @param sent hears of each */
function endless(piece: Uint8Array, pause: number, sent: (bytes: number) => void = () => {}): ReadableStream {
  return new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, pause));
      sent(piece.length);
      controller.enqueue(piece.slice());
    },
  });
}

const local = suite("bounds: folders and picked files");

local("pipes, devices, and files that are too long are refused before they are read", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await new Deno.Command("mkfifo", { args: [`${folder}/config.json`] }).output();
    await Deno.symlink("/dev/zero", `${folder}/tokenizer.json`);
    await Deno.symlink("/dev/zero", `${folder}/m.gguf`);
    await Deno.writeTextFile(`${folder}/chat_template.jinja`, "");
    await Deno.truncate(`${folder}/chat_template.jinja`, 2 ** 40);
    const source = openSource(folder);
    for (const name of ["config.json", "tokenizer.json", "m.gguf"]) {
      const sentence = `Cannot load model: ${folder}/${name} must be a file, got a pipe or a device`;
      for (const use of ["has", "size", "text"] as const) await refused(() => source[use](name), sentence);
    }
    await refused(() => openModel(folder), /config.json must be a file, got a pipe or a device$/);
    await refused(() => openModel(`${folder}/m.gguf`), /m.gguf must be a file, got a pipe or a device$/);
    await refused(
      () => source.text("chat_template.jinja"),
      `Cannot load model: chat_template.jinja must have at most ${MOST} bytes, got ${2 ** 40}`,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

local("of picked files, too", async () => {
  const { source } = pickedSource([new File([new Uint8Array(MOST + 1)], "config.json")]);
  await refused(
    () => source.text("config.json"),
    `Cannot load model: config.json must have at most ${MOST} bytes, got ${MOST + 1}`,
  );
});
local.run();

const servers = suite("bounds: servers");

servers("a text without an end is given up behind its most bytes, whatever the server says of its length", async () => {
  let sent = 0;
  const etag = '"a"';
  await serve(
    () => new Response(endless(new Uint8Array(1 << 20), 0, (bytes) => sent += bytes), { headers: { etag } }),
    (url) =>
      bothWays(url, net(), async (source) => {
        for (const use of ["text", "has", "size"] as const) {
          sent = 0;
          await refused(
            () => source[use]("config.json"),
            /^Cannot load model: \S+\/config.json must (send|have) at most 64000000 bytes, got more$/,
          );
          assert.ok(sent < 1.5 * MOST, `${sent} bytes sent`);
        }
      }),
  );
  const claims = { etag, "content-range": `bytes 0-0/${10 ** 12}` };
  await serve(
    () => new Response("{", { status: 206, headers: claims }),
    (url) =>
      bothWays(url, net(), async (source) => {
        await refused(
          () => source.size("config.json"),
          `Cannot load model: ${url}/config.json must have at most ${MOST} bytes, got ${10 ** 12}`,
        );
        if (source.renew) await refused(() => source.text("config.json"), /must have at most 64000000 bytes/);
        assert.is(await urlSource(new URL(url), url, net()).size("w.safetensors"), 10 ** 12, "weights have no bound");
      }),
  );
});

servers("nor does a compressed one become longer", async () => {
  const bomb = gzipSync(new Uint8Array(4 * MOST));
  await serve(
    () => new Response(bomb, { headers: { "content-encoding": "gzip" } }),
    async (url) => {
      await refused(
        () => urlSource(new URL(url), url, net()).text("config.json"),
        `Cannot load model: ${url}/config.json must send at most ${MOST} bytes, got more`,
      );
    },
  );
});

servers("compressed answers are undone where all of a file is asked for, else refused", async () => {
  const text = new TextEncoder().encode(JSON.stringify({ a: "x".repeat(1000) }));
  const answer = (coding: string, bytes: Uint8Array<ArrayBuffer>, partial: boolean) => (request: Request) => {
    const range = partial && /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("range") ?? "");
    const headers: Record<string, string> = { "content-encoding": coding, etag: '"a"' };
    if (!range) return new Response(bytes, { headers });
    const begin = Number(range[1]), end = range[2] ? Number(range[2]) + 1 : bytes.length;
    headers["content-range"] = `bytes ${begin}-${end - 1}/${bytes.length}`;
    return new Response(bytes.subarray(begin, end), { status: 206, headers });
  };
  const gzip = gzipSync(text), deflate = deflateSync(text);
  for (const partial of [true, false]) {
    for (const [coding, bytes] of [["gzip", gzip], ["GZIP", gzip], ["deflate", deflate], ["x-own", text]] as const) {
      await serve(answer(coding, Uint8Array.from(bytes), partial), async (url) => {
        const sentence = `must answer with the file's own bytes, got Content-Encoding ${coding}`;
        await bothWays(url, net(), async (source) => {
          const refusal = `Cannot load model: ${url}/w.json ${sentence}`;
          await refused(() => source.size("w.json"), refusal);
          await refused(() => source.read("w.json", 0, 5), refusal);
          const whole = () => source.text("w.json");
          if (source.renew || !/gzip/i.test(coding)) await refused(whole, refusal);
          else assert.is(await whole(), new TextDecoder().decode(text));
        });
      });
    }
  }
  await serve(answer("identity", text, true), async (url) => {
    await bothWays(url, net(), async (source) => assert.is((await source.text("w.json")).length, text.length));
  });
});

/** What is asked of a source that reads a body. */
const READS: [string, (source: Source) => Promise<unknown>][] = [
  ["text", (source) => source.text("w.json")],
  ["size", (source) => source.size("w.json")],
  ["read", (source) => source.read("w.json", 0, 9)],
];

servers("a body that comes too slowly is given up, at once and for good", async () => {
  let asked = 0;
  await serve(
    () => {
      asked++;
      return new Response(endless(new Uint8Array(10), 50), { headers: { etag: '"a"' } });
    },
    (url) =>
      bothWays(url, net({ window: 400, least: 400 }), async (source) => {
        for (const [name, read] of READS) {
          asked = 0;
          const began = performance.now();
          await refused(
            () => read(source),
            /^Cannot load model: \S+\/w.json must send at least 400 bytes in 0.4 s, got \d+ bytes in \d+ s$/,
          );
          assert.ok(asked <= 2 && performance.now() - began < 5000, `${name}: ${asked} requests`);
        }
      }),
  );
});

servers("one that is just fast enough, or that nobody takes, is not", async () => {
  let left = 12;
  const body = () =>
    new ReadableStream({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, 60));
        left-- > 0 ? controller.enqueue(new Uint8Array(200)) : controller.close();
      },
    });
  await serve(() => new Response(body()), async (url) => {
    const answer = await ask(net({ window: 200, least: 400 }), `${url}/w`);
    let bytes = 0;
    for await (const piece of answer.pieces()) bytes += piece.length;
    assert.is(bytes, 2400);
  });
  await serve(() => new Response("x".repeat(300_000)), async (url) => {
    const answer = await ask(net({ window: 100, least: 1_000_000 }), `${url}/w`);
    let bytes = 0;
    for await (const piece of answer.pieces()) {
      bytes += piece.length;
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    assert.is(bytes, 300_000);
  });
});

servers("headers that never come are not waited for", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open: Deno.Conn[] = [];
  const accepting = (async () => {
    for await (const connection of listener) {
      open.push(connection);
      await connection.write(new TextEncoder().encode("HTTP/1.1 200 OK\r\nx-a: ")); // and no more
    }
  })();
  const url = `http://127.0.0.1:${(listener.addr as Deno.NetAddr).port}`;
  await bothWays(url, net({ answer: 100 }), async (source) => {
    for (const [, read] of READS) {
      await refused(
        () => read(source),
        `Cannot load model: ${url}/w.json must be reachable, got no answer within 0.1 s`,
      );
    }
  });
  listener.close();
  for (const connection of open) connection.close();
  await accepting;
});

servers("Retry-After is kept to, in seconds and as a date, as far as patience goes", async () => {
  const later = () => new Date(Date.now() + 2000).toUTCString();
  const cases: [retryAfter: () => string, longest: number, least: number, most: number][] = [
    [() => "1", 60_000, 990, 10_000],
    [later, 60_000, 900, 10_000],
    [() => "3600", 100, 90, 10_000],
    [() => new Date(Date.now() + 3_600_000).toUTCString(), 100, 90, 10_000],
    [() => "soon", 60_000, 0, 900],
    [() => "-5", 60_000, 0, 900],
  ];
  for (const [retryAfter, longest, least, most] of cases) {
    let asked = 0;
    await serve(
      () =>
        asked++ === 0
          ? new Response("", { status: 503, headers: { "retry-after": retryAfter() } })
          : new Response("{}"),
      async (url) => {
        const began = performance.now();
        assert.is(await urlSource(new URL(url), url, net({ longest })).text("w.json"), "{}");
        const took = performance.now() - began;
        assert.ok(took >= least && took <= most, `${retryAfter()}: ${took} ms`);
      },
    );
  }
});

servers("a wait that a signal ends keeps no program", async () => {
  const module = JSON.stringify(new URL("../../src/files/http.ts", import.meta.url).href);
  const code = `import { sleep } from ${module};
    const stopper = new AbortController();
    setTimeout(() => stopper.abort(), 10);
    await sleep(60_000, stopper.signal).catch(() => {});`;
  const args = ["eval", "--quiet", code], signal = AbortSignal.timeout(30_000);
  assert.ok((await new Deno.Command(Deno.execPath(), { args, signal }).output()).success);
});
servers.run();
