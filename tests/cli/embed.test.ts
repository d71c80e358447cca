// The command embed.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { load } from "../../src/load.ts";
import { kvcap } from "../support/command.ts";
import { repoPath } from "../support/files.ts";

const test = suite("command line: embed");

test("a line of JSON for each text, as the library has it", async () => {
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, "Rain on a roof");
  const texts = ["A fox by the river", `@${file}`];
  const model = await load(repoPath("models/fable-2m"));
  const { hidden } = model.config;
  const told = async (...flags: string[]) => {
    const { code, stdout, stderr } = await kvcap(["embed", ...texts, ...flags]);
    assert.is(code, 0, stderr);
    return stdout.trim().split("\n").map((line) => JSON.parse(line));
  };
  const asked = ["A fox by the river", "Rain on a roof"];
  const plain = (vectors: Float32Array[]) => vectors.map((vector) => [...vector]);
  assert.equal(await told(), plain(await model.embed(asked)));
  const unit = await told("--pooling", "last", "--normalize", "--layer", "2");
  assert.equal(unit, plain(await model.embed(asked, { pooling: "last", normalize: true, layer: 2 })));
  const rows = await told("--pooling", "none") as number[][][];
  const whole = await model.embed(asked, { pooling: "none" });
  assert.equal(rows.map((text) => text.flat()), plain(whole));
  assert.equal(rows.map((text) => text[0].length), [hidden, hidden]);
  await Deno.remove(file);
  model.dispose();
});

test("what cannot be done is said", async () => {
  const refused = async (...args: string[]) => {
    const { code, stderr } = await kvcap(["embed", ...args]);
    return [code, stderr.trim().split("\n")[0]];
  };
  assert.match((await refused())[1] as string, /embed takes texts .+, got "none"$/);
  const [code, pooling] = await refused("x", "--pooling", "first");
  assert.is(code, 2);
  assert.match(pooling as string, /pooling must be one of mean, last, none, got "first"/);
  const [failed, layer] = await refused("x", "--layer", "9");
  assert.is(failed, 1);
  assert.match(layer as string, /^Cannot embed: (--)?layer must be at most the model's 5, got 9$/);
});
test.run();
