// Many clients at a server at once: what they hear, how long they wait between tokens, and whether anything is another's.

/** What is asked of it. */
export interface Load {
  readonly url: string; // ends in /v1
  readonly clients: number;
  readonly seconds: number;
  /** Tokens of an answer. */
  readonly tokens: number;
}

/** What they met. */
export interface Met {
  readonly answers: number;
  /** Refusals by their code. */
  readonly refused: ReadonlyMap<string, number>;
  /** Answers that are not what the same request gave alone. */
  readonly wrong: string[];
  /** Seconds between two pieces of an answer, ascending. */
  readonly gaps: number[];
  /** The same of one client alone, before. */
  readonly quiet: number[];
}

const PROMPTS = [
  "Once upon a time",
  "The dog ran to the",
  "One day Tom went to the park and",
  "Lily had a red ball. She",
];

const bodyOf = (client: number, turn: number, tokens: number) => ({
  prompt: PROMPTS[(client + turn) % PROMPTS.length],
  ...{ max_tokens: tokens, temperature: 0.9, seed: client % 8, ignore_eos: true, stream: true },
});

/** One answer: its text, or why it was refused. */
async function ask(url: string, body: object, gaps: number[]): Promise<{ text: string; code: string | null }> {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${url}/completions`, { method: "POST", headers, body: JSON.stringify(body) });
  if (!answer.ok) return { text: "", code: (await answer.json()).error.code ?? String(answer.status) };
  let text = "", rest = "", last = 0;
  for await (const piece of answer.body!.pipeThrough(new TextDecoderStream())) {
    const events = (rest + piece).split("\n\n");
    rest = events.pop()!;
    const now = performance.now();
    for (const event of events) {
      if (event.endsWith("[DONE]")) continue;
      const { choices, error } = JSON.parse(event.slice("data: ".length));
      if (error) return { text, code: error.code };
      text += choices[0].text;
      if (last > 0) gaps.push((now - last) / 1000);
      last = now;
    }
  }
  return { text, code: null };
}

/** Has clients ask one thing after another for so long. */
export async function meet({ url, clients, seconds, tokens }: Load): Promise<Met> {
  const alone = new Map<string, string>(), quiet: number[] = [];
  for (let client = 0; client < 8; client++) {
    for (let turn = 0; turn < PROMPTS.length; turn++) {
      const body = bodyOf(client, turn, tokens);
      alone.set(JSON.stringify(body), (await ask(url, body, quiet)).text);
    }
  }
  const refused = new Map<string, number>(), wrong: string[] = [], gaps: number[] = [];
  let answers = 0;
  const end = performance.now() + 1000 * seconds;
  await Promise.all(Array.from({ length: clients }, async (_, client) => {
    for (let turn = 0; performance.now() < end; turn++) {
      const body = bodyOf(client, turn, tokens);
      const { text, code } = await ask(url, body, gaps);
      if (code !== null) refused.set(code, (refused.get(code) ?? 0) + 1);
      else if (text !== alone.get(JSON.stringify(body))) wrong.push(text);
      else answers++;
    }
  }));
  const ascending = (values: number[]) => values.sort((a, b) => a - b);
  return { answers, refused, wrong, gaps: ascending(gaps), quiet: ascending(quiet) };
}

/** Bytes of a process in memory, where there is /proc. */
export function residentBytes(pid: number): number {
  return 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))![1]);
}
