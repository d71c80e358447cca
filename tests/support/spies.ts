// Watching calls and catching refusals.

/** Counts every method call on the given objects until `stop`. */
export function counting(...targets: object[]): { counts: Record<string, number>; stop(): void } {
  const counts: Record<string, number> = {};
  const undo: (() => void)[] = [];
  for (const target of targets) {
    for (const name of methodsOf(target)) {
      // deno-lint-ignore no-explicit-any
      const object = target as any;
      const own = Object.hasOwn(object, name);
      const method = object[name];
      object[name] = function (...args: unknown[]) {
        counts[name] = (counts[name] ?? 0) + 1;
        return method.apply(this, args);
      };
      undo.push(() => own ? object[name] = method : delete object[name]);
    }
  }
  return { counts, stop: () => undo.forEach((step) => step()) };
}

function methodsOf(target: object): string[] {
  const names = new Set<string>();
  for (let at = target; at && at !== Object.prototype && at !== EventTarget.prototype; at = Object.getPrototypeOf(at)) {
    for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (typeof property.value === "function" && name !== "constructor") names.add(name);
    }
  }
  return [...names];
}

/** The message of what `use` throws; "nothing was thrown" where nothing was. One sentence, or the message says so. */
export function refusal(use: () => unknown): string {
  try {
    use();
  } catch (error) {
    const { message } = error as Error;
    return /^Cannot [^\n]+$/.test(message) ? message : `not one sentence: ${message}`;
  }
  return "nothing was thrown";
}

/** The message of what a promise rejects with; "nothing was thrown" where it does not. */
export async function rejection(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return (error as Error).message;
  }
  return "nothing was thrown";
}
