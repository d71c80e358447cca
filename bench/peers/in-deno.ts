// A job of kvcap in Deno, as its package is: deno run -A in-deno.ts JOB STARTED, one line of JSON out.
import { measure } from "./measure.js";
import { opener } from "./pages/kvcap.js";

const [job, started] = Deno.args.map((text) => JSON.parse(text));
Deno.unrefTimer(setTimeout(() => Deno.exit(3), job.limitMs));
const library = new URL("../../build/out/peers/kvcap/peer.js", import.meta.url).href;
console.log(JSON.stringify(await measure(opener(library), job, started)));
Deno.exit(0); // a model in use would keep it running
