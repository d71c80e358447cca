// What the runner tells a test file, in both hosts: in Deno by the environment, in a page by the query of its address.

export type Setting = "KVCAP_DEPTH" | "KVCAP_TEST_SEED" | "KVCAP_TEST_NAME";
export const SETTINGS: readonly Setting[] = ["KVCAP_DEPTH", "KVCAP_TEST_SEED", "KVCAP_TEST_NAME"];

/** The setting's text; undefined where it is unset or empty. */
export function setting(name: Setting): string | undefined {
  const value = "Deno" in globalThis ? Deno.env.get(name) : new URLSearchParams(location.search).get(name);
  return value || undefined;
}
