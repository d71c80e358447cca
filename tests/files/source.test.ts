// Folders that are wrong, and servers of every kind, behind `openSource`.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Net, PATIENCE, PLAIN_NET } from "../../src/files/http.ts";
import { urlSource } from "../../src/files/remote.ts";
import { openSource as open } from "../../src/files/open-source.ts";
import { refused } from "../support/refused.ts";

/** Tries again at once: a test has no time for patience. */
const HASTY: Net = { ...PLAIN_NET, patience: { ...PATIENCE, tries: 3, pause: 1, answer: 60_000, stall: 60_000 } };
const openSource = (where: string | URL, stall = HASTY.patience.stall) =>
  open(where, (base, name) => urlSource(base, name, { ...HASTY, patience: { ...HASTY.patience, stall } }));

const folders = suite("source: folders");

folders("paths and file URLs; a folder that is missing, or no folder", async () => {
  const folder = await Deno.makeTempDir({ suffix: " é%23" });
  try {
    await Deno.writeTextFile(`${folder}/config.json`, "{}");
    await Deno.writeFile(`${folder}/bad.json`, Uint8Array.of(0x7b, 0xff));
    await Deno.mkdir(`${folder}/inner`);
    const url = new URL(`file://${folder.split("/").map(encodeURIComponent).join("/")}`);
    for (const where of [folder, url, url.href]) {
      assert.is(await openSource(where).text("config.json"), "{}");
      assert.is(await openSource(where).has("inner/none"), false);
    }
    const source = openSource(folder);
    await refused(
      () => source.text("none.json"),
      `Cannot load model: ${folder} must have the file none.json, got none`,
    );
    await refused(() => source.size("inner"), `Cannot load model: ${folder}/inner must be a file, got a folder`);
    await refused(
      () => source.text("bad.json"),
      `Cannot load model: ${folder}/bad.json must be UTF-8 text, got other bytes`,
    );
    const missing = `${folder}/none`;
    for (const use of ["text", "size", "has"] as const) {
      await refused(
        () => openSource(missing)[use]("config.json"),
        `Cannot load model: ${missing} must be a folder or a .gguf file, got nothing there`,
      );
    }
    await refused(
      () => openSource("smollm2-135n").text("config.json"),
      "Cannot load model: smollm2-135n must be a folder or a .gguf file, or one of fable-2m, smollm2-135m, " +
        "got nothing there; did you mean smollm2-135m?",
    );
    const file = `${folder}/config.json`;
    await refused(
      () => openSource(file).text("config.json"),
      `Cannot load model: ${file} must be a folder or a .gguf file, got another file`,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

folders.run();

const remote = suite("source: servers");

type Answer = (request: Request) => Response | Promise<Response>;

/** Runs `test` against a server and gives the requests it saw, as "METHOD path range". */
async function serve(answer: Answer, test: (url: string) => Promise<void>): Promise<string[]> {
  const seen: string[] = [];
  const server = Deno.serve({
    port: 0,
    hostname: "127.0.0.1",
    onListen: () => {},
    onError: () => new Response("", { status: 500 }),
  }, (request) => {
    const { pathname, search } = new URL(request.url);
    seen.push(`${request.method} ${pathname}${search} ${request.headers.get("range") ?? "-"}`);
    return answer(request);
  });
  try {
    await test(`http://127.0.0.1:${server.addr.port}/models/x`);
  } finally {
    await server.shutdown();
  }
  return seen;
}

const content = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);

/** A server that serves ranges, with headers added or changed. */
function ranged(headers: Record<string, string | null> = {}, bytes = content): Answer {
  return (request) => {
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.get("range") ?? "");
    const all = new Headers({ "content-type": "application/octet-stream" });
    let body = bytes;
    if (range) {
      if (Number(range[1]) >= bytes.length) return new Response(null, { status: 416 });
      body = bytes.slice(Number(range[1]), Number(range[2]) + 1);
      all.set("content-range", `bytes ${range[1]}-${Number(range[1]) + body.length - 1}/${bytes.length}`);
    }
    for (const [name, value] of Object.entries(headers)) value === null ? all.delete(name) : all.set(name, value);
    if (request.method === "HEAD") all.set("content-length", String(bytes.length));
    return new Response(request.method === "HEAD" ? null : body, { status: range ? 206 : 200, headers: all });
  };
}

remote("reads by range, small neighbours together, and asks for the size once", async () => {
  const MB = 1 << 20;
  const big = Uint8Array.from({ length: 5 * MB }, (_, i) => i % 251);
  const seen = await serve(ranged({}, big), async (url) => {
    const source = openSource(`${url}/?token=1`);
    assert.ok(await source.has("sub/w.bin"));
    assert.is(await source.size("sub/w.bin"), 5 * MB);
    const ranges = [[10, 20], [20, 900], [5, 11], [4 * MB, 5 * MB], [5 * MB - 1, 5 * MB], [7, 7 + 3 * MB]];
    ranges.push([4 * MB, 4 * MB + 1], [3, 4], [2 * MB + 2, 2 * MB + 4]);
    for (const [begin, end] of ranges) {
      const bytes = await source.read("sub/w.bin", begin, end);
      assert.ok(bytes.length === end - begin && bytes.every((byte, i) => byte === big[begin + i]), `${begin}-${end}`);
      bytes.fill(0); // what is given out is the caller's own
    }
  });
  const wanted = [
    "0-0",
    `10-${2 * MB + 9}`,
    `5-${2 * MB + 4}`,
    `${4 * MB}-${5 * MB - 1}`,
    `7-${3 * MB + 6}`,
    `3-${2 * MB + 2}`,
    `${2 * MB + 2}-${4 * MB + 1}`,
  ];
  assert.equal(seen, wanted.map((range) => `GET /models/x/sub/w.bin?token=1 bytes=${range}`));
});

remote("a server without ranges sends each file once", async () => {
  const seen = await serve(() => new Response(content), async (url) => {
    const source = openSource(url);
    const parts = await Promise.all([
      source.read("w", 10, 20),
      source.read("w", 0, 5),
      source.size("w"),
      source.has("w"),
    ]);
    assert.equal(parts, [content.slice(10, 20), content.slice(0, 5), 1000, true]);
    (parts[0] as Uint8Array)[0] = 99;
    assert.equal(await source.read("w", 10, 11), content.slice(10, 11));
    await refused(
      () => source.read("w", 0, 1001),
      "Cannot load model: bytes read of w must lie within its 1000, got [0,1001]",
    );
  });
  assert.is(seen.length, 1);
});

remote("a server that stops serving ranges sends the file once", async () => {
  let asked = 0;
  const seen = await serve((request) => asked++ === 0 ? ranged()(request) : new Response(content), async (url) => {
    const source = openSource(url);
    assert.equal(await source.read("w", 10, 20), content.slice(10, 20));
    assert.equal(await source.read("w", 0, 5), content.slice(0, 5));
  });
  assert.is(seen.length, 2);
});

remote("a size hidden from the page is asked for otherwise", async () => {
  await serve(ranged({ "content-range": null }), async (url) => {
    assert.is(await openSource(url).size("w"), 1000);
    assert.equal(await openSource(url).read("w", 10, 20), content.slice(10, 20));
  });
});

remote("an empty file, and text", async () => {
  await serve(ranged({}, new Uint8Array(0)), async (url) => {
    assert.is(await openSource(url).size("w"), 0);
    assert.is((await openSource(url).read("w", 0, 0)).length, 0);
  });
  const seen = await serve(
    () => new Response("{}"),
    async (url) => assert.is(await openSource(url).text("a.json"), "{}"),
  );
  assert.equal(seen, ["GET /models/x/a.json -"], "without a range, so that it may be compressed");
});

remote("a file that is not there", async () => {
  for (const status of [401, 403, 404, 410]) {
    await serve(() => new Response("no", { status }), async (url) => {
      const source = openSource(url);
      assert.is(await source.has("w"), false);
      const sentence = `Cannot load model: ${url}/w must be a file of the model, got status ${status}`;
      await refused(() => source.size("w"), sentence);
      await refused(() => source.read("w", 0, 1), sentence);
      await refused(() => source.text("w"), sentence);
    });
  }
});

remote("a page in a file's place", async () => {
  const page = () => new Response("<!doctype html>", { headers: { "content-type": "text/html; charset=utf-8" } });
  await serve(page, async (url) => {
    const source = openSource(url);
    assert.is(await source.has("config.json"), false);
    const sentence = `Cannot load model: ${url}/config.json must be a file of the model, got an HTML page`;
    await refused(() => source.text("config.json"), sentence);
    await refused(() => source.size("config.json"), sentence);
  });
});

remote("a server in trouble, then well again", async () => {
  for (const status of [408, 429, 500, 503]) {
    let asked = 0;
    const answer: Answer = (request) => asked++ < 3 ? new Response("", { status }) : ranged()(request);
    await serve(answer, async (url) => {
      const source = openSource(url);
      await refused(
        () => source.size("w"),
        `Cannot load model: ${url}/w must answer with a file, got status ${status}`,
      );
      assert.is(await source.size("w"), 1000);
      asked = 1;
      assert.equal(await source.read("w", 10, 20), content.slice(10, 20), "the third try does");
    });
  }
});

remote("a body that breaks or stalls is asked for again, a few times", async () => {
  for (const fault of ["break", "stall"]) {
    let asked = 0;
    const faulty: Answer = async (request) => {
      const good = await ranged({ "content-length": null })(request);
      const probe = good.headers.get("content-range")?.startsWith("bytes 0-0");
      if (probe || asked++ % 4 === 3) return good; // fails three times, then not
      const body = new ReadableStream({
        async pull(controller) {
          controller.enqueue(content.slice(0, 3));
          await new Promise((resolve) => setTimeout(resolve, fault === "break" ? 20 : 1200));
          controller.error("broken on purpose");
        },
      });
      return new Response(body, { status: good.status, headers: good.headers });
    };
    await serve(faulty, async (url) => {
      const source = openSource(url, fault === "stall" ? 500 : undefined);
      asked = 0;
      const why = fault === "break" ? ".+" : "nothing more within 0.5 s";
      await refused(
        () => source.read("w", 5, 9),
        new RegExp(`^Cannot load model: ${url}/w must arrive whole, got ${why}$`),
      );
      assert.equal(await source.read("w", 5, 9), content.slice(5, 9));
    });
  }
});

remote("a file that changes between two reads", async () => {
  let asked = 0;
  await serve((request) => ranged({ etag: `"${asked++}"` })(request), async (url) => {
    await refused(
      () => openSource(url).read("w", 5, 9),
      `Cannot load model: ${url}/w must stay the same while it is read, got another version`,
    );
  });
});

remote("a secret in a query is not shown, one before the host is refused", async () => {
  await serve(() => new Response("", { status: 404 }), async (url) => {
    await refused(
      () => openSource(`${url}?token=secret`).size("w"),
      `Cannot load model: ${url}/w must be a file of the model, got status 404`,
    );
    await refused(
      () => openSource(url.replace("//", "//me:secret@")),
      "Cannot load model: a URL must be without user name and password, got one with them",
    );
  });
});

remote("answers that are not what was asked", async () => {
  await serve(ranged({ "content-range": "bytes 5-5/1000" }), async (url) => {
    assert.is(await openSource(url).size("w"), 1000, "the length comes from HEAD");
    await refused(
      () => openSource(url).read("w", 10, 20),
      `Cannot load model: ${url}/w must give bytes 10-999 of 1000, got bytes 5-5/1000`,
    );
  });
  let asked = 0;
  const short = (headers: Record<string, string>): Answer => (request) =>
    asked++ === 0 ? ranged()(request) : new Response(content.slice(0, 4), { status: 206, headers });
  await serve(short({ "content-range": "bytes 10-999/1000" }), async (url) => {
    await refused(() => openSource(url).read("w", 10, 20), `Cannot load model: ${url}/w must give 990 bytes, got 4`);
  });
  asked = 0;
  await serve((request) => asked++ === 0 ? ranged()(request) : new Response("other"), async (url) => {
    await refused(() => openSource(url).read("w", 10, 20), `Cannot load model: ${url}/w must give 1000 bytes, got 5`);
  });
  const silent: Answer = (request) =>
    request.method === "HEAD" ? new Response(null, { status: 405 }) : new Response("x", { status: 206 });
  await serve(silent, async (url) => {
    await refused(
      () => openSource(url).size("w"),
      `Cannot load model: ${url}/w must answer with a file, got status 405`,
    );
  });
});

remote("no server", async () => {
  let gone = "";
  await serve(ranged(), (url) => Promise.resolve(void (gone = url)));
  await refused(() => openSource(gone).has("w"), /^Cannot load model: http:\S+\/w must be reachable, got .+/);
});

remote.run();
