// The lab's two figures of the attention by which a comparison's reference reads its text: against the library's own, in Deno.
import * as assert from "uvu/assert";
import { load } from "../../src/load.ts";
import { type Overlap, overlapOf, type Spread, spreadOf } from "../../src/recording/figures.ts";
import { readRecording } from "../../src/recording/read.ts";
import { suiteWhere } from "../support/device.ts";
import { repoPath } from "../support/files.ts";
import { hashOf, inSight, type Lab, openLab } from "./lab.ts";

const PROMPT = "Once upon a time, there was a little fox who lived near the river. One day he found a red key under a";
const [MAX, STRIDE] = [10, 4];

const test = suiteWhere(inSight, "lab figures");
let it: Lab;
test.before(async () => {
  if (inSight) it = await openLab();
});
test.after(() => it?.close());

interface Exported {
  reference: { spreads: Spread[] };
  runs: { overlap: Overlap | null }[];
}

test("the paper's figures are those of the attention by which the reference reads", async () => {
  const settings = { view: "compare", prompt: PROMPT, max: String(MAX), stride: String(STRIDE) };
  const runs = ["full", "roco,14", "recency,50%", "keydiff,14"].map((run) => `&run=${encodeURIComponent(run)}`).join(
    "",
  );
  const page = await it.open(hashOf(settings) + runs, { acceptDownloads: true });
  await page.waitForFunction(() => document.getElementById("compare-status")?.textContent === "done");
  const [file] = await Promise.all([page.waitForEvent("download"), page.click("#compare button:text-is('JSON')")]);
  const { reference, runs: found } = JSON.parse(await Deno.readTextFile(await file.path())) as Exported;
  const labels = await page.locator(".figures [role=img]").evaluateAll((all) =>
    all.map((one) => one.getAttribute("aria-label"))
  );
  await page.context().close();

  const model = await load(repoPath("models/fable-2m"), { device: "wasm", sampling: "greedy" });
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  const record = (piece: Uint8Array) => void pieces.push(piece.slice());
  const session = model.session({ policy: "full", kv: "f32", stride: STRIDE, record });
  for await (const _ of session.generate(PROMPT, { maxNewTokens: MAX }));
  session.dispose();
  const recording = readRecording(new Uint8Array(await new Blob(pieces).arrayBuffer()));

  const spreads = spreadOf(recording);
  assert.equal(reference.spreads.map(({ tokens }) => tokens), spreads.map(({ tokens }) => tokens));
  const off = spreads.flatMap(({ parts }, i) => parts.map((one, at) => Math.abs(reference.spreads[i].parts[at] - one)));
  console.log(`    largest difference of σ ${Math.max(...off).toExponential(1)}`);
  assert.ok(Math.max(...off) < 1e-6);

  assert.is(found[0].overlap!.mean, 1);
  assert.is(found[3].overlap, null); // it reads keys, which no recording has
  const half = Math.floor(model.tokenizer.encode(PROMPT, { bos: true, special: true }).length / 2);
  for (const [run, asked] of [[1, { policy: "roco", budget: 14 }], [2, { policy: "recency", budget: half }]] as const) {
    const { moments, mean, budget } = overlapOf(recording, asked);
    const told = found[run].overlap!;
    assert.equal([told.budget, told.moments.map(({ tokens }) => tokens)], [
      budget,
      moments.map(({ tokens }) => tokens),
    ]);
    assert.ok(Math.abs(told.mean - mean) < 0.01, `${told.mean}, ${mean}`); // ties apart
  }
  assert.ok(found[1].overlap!.mean < 1 && found[2].overlap!.mean === 1); // the newest go by no attention
  const { tokens } = spreads.at(-1)!;
  assert.match(labels[0]!, new RegExp(`^${tokens} tokens read: A 100, B .*, C 100, D –$`));
  assert.match(labels[1]!, new RegExp(`^97% of the text: .*, after ${tokens} tokens 0\\.`));
  model.dispose();
});
test.run();
