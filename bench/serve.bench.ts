// A server under load: 32 clients for five minutes, each asking one text after another as soon as it has the last. What is written a second,
// how long they wait between tokens (and how long one does alone, which tells of the machine), what the server's memory does, and whether
// any text is another's. `--seconds=N` for other times; what else is said are flags of `serve`: `--model smollm2-135m --threads 2`.
import { meet, residentBytes } from "../tests/support/load.ts";
import { startServing, stopServing } from "../tests/support/serving.ts";

const CLIENTS = 32, TOKENS = 60, BUDGET = 48;
const seconds = Number(Deno.args.map((arg) => /^--seconds=(\d+)$/.exec(arg)?.[1]).find(Boolean) ?? 300);

const flags = Deno.args.filter((arg) => !arg.startsWith("--seconds="));
const serving = await startServing(["--budget", `${BUDGET}`, ...flags]);
const { pid } = serving.child;
const megabytes: number[] = [];
const looking = setInterval(() => megabytes.push(residentBytes(pid) / 1e6), 1000);
const met = await meet({ url: serving.url, clients: CLIENTS, seconds, tokens: TOKENS });
const { answers, refused, wrong } = met;
clearInterval(looking);
await stopServing(serving, "SIGTERM");

function between(gaps: number[]): string {
  const at = (share: number) => 1000 * gaps[Math.floor(share * (gaps.length - 1))];
  return `median ${at(0.5).toFixed(2)} ms, p99 ${at(0.99).toFixed(2)} (${(at(0.99) / at(0.5)).toFixed(2)} ×)`;
}
/** The median of a tenth of the time: what is collected as garbage comes and goes. */
function held(tenth: number): number {
  const some = megabytes.slice(Math.floor(tenth * megabytes.length / 10)).slice(0, Math.ceil(megabytes.length / 10));
  return some.sort((a, b) => a - b)[some.length >> 1];
}
const [early, late] = [held(1), held(9)];
console.log(
  `${
    flags.join(" ") || "fable-2m"
  } in ${BUDGET} slots, ${CLIENTS} clients, ${seconds} s, answers of ${TOKENS} tokens, on the processor`,
);
console.log(`answers   ${answers}, ${(answers * TOKENS / seconds).toFixed(0)} tokens/s`);
console.log(
  `refused   ${
    [...refused].map(([code, n]) => `${n} ${code}`).join(", ") || "none"
  }; of another's text ${wrong.length}`,
);
console.log(`between tokens   ${between(met.gaps)}; one client alone, before: ${between(met.quiet)}`);
console.log(
  `memory   ${early.toFixed(0)} MB in the second tenth, ${late.toFixed(0)} MB in the last (${
    (100 * (late / early - 1)).toFixed(1)
  } %)`,
);
console.log(await serving.stderr); // what failed that must not, if anything did
Deno.exit(0);
