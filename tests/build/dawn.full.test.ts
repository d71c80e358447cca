// WebGPU in Node, by the package `webgpu` beside the installed package: on a software adapter, Chromium's, the recorded ids; and nothing of it
// where there is no driver.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { listGolden, readJson } from "../support/files.ts";
import { Installed } from "../support/installed.ts";
import { tools } from "../support/tools.ts";

const DRIVER = "/usr/lib/chromium/vk_swiftshader_icd.json"; // as Debian has it
const installed = await Installed.make();
await Deno.symlink(`${await tools()}/webgpu`, `${installed.folder}/node_modules/webgpu`);
const { json } = (await listGolden("hf")).find(({ name }) => name === "fable-2m")!;
const { cases: [{ ids, greedy }] } = await readJson<{ cases: { ids: number[]; greedy: number[] }[] }>(json);

await installed.write(
  "gpu.mjs",
  `import { load } from "kvcap";
const path = "node_modules/kvcap/models/fable-2m";
const auto = await load(path);
const found = [auto.device];
auto.dispose();
const model = await load(path, { device: "webgpu" }).catch((error) => console.log(JSON.stringify([...found, error.message])));
if (model) {
  const session = model.session({ policy: "full", kv: "f32" });
  for await (const _ of session.generate(${
    JSON.stringify(ids)
  }, { maxNewTokens: 40, temperature: 0, banned: model.config.eosIds }));
  console.log(JSON.stringify([...found, model.device, session.report().adapter, session.report().ids]));
}
`,
);

async function run(driver: string): Promise<unknown[]> {
  const env = { VK_DRIVER_FILES: driver, VK_ICD_FILENAMES: driver };
  const { stdout, stderr } = await new Deno.Command("node", { args: ["gpu.mjs"], cwd: installed.folder, env }).output();
  const text = new TextDecoder();
  assert.ok(stdout.length > 0, text.decode(stderr));
  return JSON.parse(text.decode(stdout));
}

const test = suite("WebGPU in Node");
test.after(() => installed.remove());

test("the package is found by itself, and computes what was recorded", async () => {
  const [auto, device, adapter, written] = await run(DRIVER);
  assert.equal(auto, { name: "wasm", why: "WebGPU offers software only: SwiftShader driver 5.0.0" });
  assert.equal(device, { name: "webgpu", why: "it was asked for" });
  assert.match(adapter as string, "SwiftShader");
  assert.equal(written, greedy);
});

test("without a driver the processor computes, and a GPU is refused in a sentence", async () => {
  const rule = "Cannot open the GPU: WebGPU must offer an adapter, got none ";
  assert.equal(await run("/none"), [
    { name: "wasm", why: "WebGPU offers no adapter" },
    `${rule}(Node has one with the package webgpu and a driver; the device wasm needs none)`,
  ]);
});
test.run();
