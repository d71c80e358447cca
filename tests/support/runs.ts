// How long the long tests run: their defaults suit every run of the tests; KVCAP_RUNS and KVCAP_STEPS ask for more.

/** The number that an environment variable holds, or the default where it is unset or there is no environment. */
export function fromEnvironment(name: "KVCAP_RUNS" | "KVCAP_STEPS", usual: number): number {
  const value = "Deno" in globalThis ? Deno.env.get(name) : undefined;
  return value ? Number(value) : usual;
}
