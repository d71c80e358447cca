// core.wasm without kvcap's TypeScript: what a host in any language does, in WebAssembly's own terms (docs/core-abi.md).
// `deno run -A examples/core-from-wasm.ts`

const OK = 0;
const ROWS = 1; // regions of the arena
const CLAIMED = 10;
const VICTIMS = 11;

const LAYERS = 1;
const KV_HEADS = 2;
const CAPACITY = 9; // slots per lane: a budget of 8, and one for the token that comes
const WINDOW = 0;

/** The exports used here; all take and return numbers. */
interface Abi {
  bytes(layers: number, kvHeads: number, capacity: number, window: number): number;
  init(layers: number, kvHeads: number, capacity: number, window: number): number;
  address(region: number): number;
  rule(...numbers: number[]): number;
  claim(tokens: number, observed: number): number;
  step(queries: number, n: number): number;
  observe(queries: number): number;
}

/** Feeds `tokens` tokens of made-up attention; returns the slots evicted in each lane, step by step. */
export async function run(wasm: BufferSource, tokens: number): Promise<number[][]> {
  const module = await WebAssembly.compile(wasm);
  const instantiate = async (pages: number) => {
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
    return { memory, core: exports as unknown as Abi };
  };

  // 1. Ask, on one page, how much memory the shape needs; 2. make that much, and lay out the arena.
  const { core: probe } = await instantiate(1);
  const bytes = probe.bytes(LAYERS, KV_HEADS, CAPACITY, WINDOW) >>> 0;
  const { memory, core } = await instantiate(Math.ceil(bytes / 65536));
  check(core.init(LAYERS, KV_HEADS, CAPACITY, WINDOW), "init");

  // 3. H2O: score 1 (sum), scope 0 (all), 1 sink, 2 newest, then unsettled, seed, pool, width, shared.
  check(core.rule(1, 0, 1, 2, 0, 0, 0, 1, 0), "rule");

  const lanes = LAYERS * KV_HEADS;
  const rows = new Float32Array(memory.buffer, core.address(ROWS), 3 * lanes * CAPACITY);
  const claimed = new Uint32Array(memory.buffer, core.address(CLAIMED), lanes);
  const victims = new Uint32Array(memory.buffer, core.address(VICTIMS), lanes);
  const evicted: number[][] = Array.from({ length: lanes }, () => []);

  for (let token = 0; token < tokens; token++) {
    // 4. A slot per lane for the token, 5. its attention over all slots, 6. the row in, one victim per lane out.
    check(core.claim(1, 1), "claim");
    for (let lane = 0; lane < lanes; lane++) {
      for (let slot = 0; slot < CAPACITY; slot++) rows[lane * CAPACITY + slot] = ((slot * 7 + lane * 3) % 11) / 60;
      rows[lane * CAPACITY + claimed[lane]] = 0.3;
    }
    if (token < CAPACITY - 1) check(core.observe(1), "observe");
    else {
      check(core.step(1, 1), "step");
      for (let lane = 0; lane < lanes; lane++) evicted[lane].push(victims[lane]);
    }
  }
  return evicted;
}

function check(code: number, what: string): void {
  if (code !== OK) throw new Error(`${what} answers with error ${code}`);
}

if (import.meta.main) {
  const wasm = await Deno.readFile(new URL("../build/out/core.wasm", import.meta.url));
  (await run(wasm, 16)).forEach((slots, lane) => console.log(`lane ${lane} evicts ${slots.join(" ")}`));
}
