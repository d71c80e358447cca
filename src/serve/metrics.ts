/** What a service counts, in the text form of Prometheus. */
import { type Histogram, SECONDS } from "../openai/numbers.ts";
import type { Service } from "../openai/service.ts";

/** Answers by route and status. */
export class Answers {
  readonly counts = new Map<string, number>();

  add(route: string, status: number): void {
    const key = `{route="${route}",status="${status}"}`;
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
  }
}

/** All of it. */
export function metrics({ queue, conversations, numbers, limits }: Service, answers: Answers): string {
  const { count, bytes } = conversations.held;
  return [
    ...family(
      "kvcap_requests_total",
      "counter",
      "Requests answered.",
      [...answers.counts].map(([of, n]) => `${of} ${n}`),
    ),
    ...one("kvcap_requests_running", "gauge", "Requests that are being answered.", queue.running),
    ...one("kvcap_requests_waiting", "gauge", "Requests that wait for their turn.", queue.waiting),
    ...one("kvcap_prompt_tokens_total", "counter", "Tokens of prompts read.", numbers.read),
    ...one("kvcap_cached_tokens_total", "counter", "Tokens of prompts that stood in a cache already.", numbers.cached),
    ...one("kvcap_generated_tokens_total", "counter", "Tokens written.", numbers.written),
    ...one("kvcap_evicted_tokens_total", "counter", "Tokens evicted, from each lane.", numbers.evicted),
    ...one("kvcap_conversations", "gauge", "Conversations in memory.", count),
    ...one("kvcap_session_bytes", "gauge", "Bytes of all sessions.", bytes),
    ...one("kvcap_session_bytes_limit", "gauge", "Bytes that sessions may take.", limits.memory),
    ...histogram("kvcap_first_token_seconds", "From a request's turn to its first token.", numbers.firstToken),
    ...histogram("kvcap_between_tokens_seconds", "Between two tokens.", numbers.betweenTokens),
    "",
  ].join("\n");
}

function family(name: string, type: string, help: string, lines: readonly string[]): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines.map((line) => `${name}${line}`)];
}

const one = (name: string, type: string, help: string, value: number) => family(name, type, help, [` ${value}`]);

function histogram(name: string, help: string, { counts, sum, count }: Histogram): string[] {
  let below = 0;
  const buckets = SECONDS.map((bound, i) => `_bucket{le="${bound}"} ${below += counts[i]}`);
  return family(name, "histogram", help, [...buckets, `_bucket{le="+Inf"} ${count}`, `_sum ${sum}`, `_count ${count}`]);
}
