// The lab is cross-origin isolated: its worker has threads, and models from other origins come all the same.
import * as assert from "uvu/assert";
import { suiteWhere } from "../support/device.ts";
import { repoPath } from "../support/files.ts";
import { inSight, openLab, ready, trouble } from "./lab.ts";

const test = suiteWhere(inSight, "lab, models from elsewhere");

/** Serves the shipped model from an origin of its own, to every page or to its own alone; what it does not have, to its own alone. */
function serveModel(headers: Record<string, string>) {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    const bytes = await Deno.readFile(repoPath(`models/fable-2m${pathname}`)).catch(() => null);
    return new Response(request.method === "HEAD" ? null : bytes ?? "not found", {
      status: bytes ? 200 : 404,
      headers: { ...(bytes ? headers : {}), "content-length": String(bytes?.length ?? 9) },
    });
  });
}

test("a model of another origin comes where that allows it, with no word of embedding", async () => {
  const it = await openLab();
  const [open, closed] = [serveModel({ "access-control-allow-origin": "*" }), serveModel({})];
  const address = ({ addr }: typeof open) => `http://127.0.0.1:${addr.port}/`;
  it.elsewhere.push(address(open), address(closed));
  const page = await it.open("#device=wasm&budget=24");
  await ready(page);
  const load = async (url: string) => {
    await page.click("#open");
    await page.fill("#url", url);
    await page.click("#load-url button");
  };
  await load(address(open));
  await page.waitForFunction(() => document.getElementById("model-name")!.textContent!.startsWith("127.0.0.1"));
  await ready(page);
  assert.ok(await page.evaluate(() => crossOriginIsolated));
  const threads = Math.min(8, await page.evaluate(() => navigator.hardwareConcurrency));
  assert.match((await page.getAttribute("#open", "title"))!, threads === 1 ? "1 thread" : `${threads} threads`);
  await load(address(closed));
  assert.match(await trouble(page), "does not answer, or does not allow other pages to read it");
  await page.context().close();
  await it.close().catch((error: Error) => assert.match(error.message, /CORS policy/)); // what the browser says of the second
  for (const server of [open, closed]) await server.shutdown();
});
test.run();
