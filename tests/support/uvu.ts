// What `import { suite } from "uvu"` gives under the runner (imports.json in Deno, browser.ts in a page): uvu's suites, whose
// tests say when they begin, and of which only those are taken whose name contains KVCAP_TEST_NAME.
import { uvu } from "./silent.ts"; // before uvu
import { suite as uvuSuite, type Test } from "uvu";
import { setting } from "./setting.ts";

export type { Test };

/** Told before every test which it is. */
export const watcher: { begins(test: string): void } = { begins: () => {} };

/** Text that the name of a test must contain to be run; undefined where all are. */
export const only: string | undefined = setting("KVCAP_TEST_NAME");

export function suite<T = Record<string, unknown>>(title = "", context?: T): Test<T> {
  const test = uvuSuite<T>(title, context);
  const wanted = (name = "") => !only || name.includes(only);
  let [some, other] = [false, false]; // tests of the wanted name, and of others
  const taking = (add: Test<T>["only"]): Test<T>["only"] => (name, handler) => {
    if (!wanted(name)) return void (other = true);
    some = true;
    add(name, (crumbs) => (watcher.begins(`suite "${title}", test "${name}"`), handler(crumbs)));
  };
  return Object.assign(taking(test), test, {
    only: taking(test.only),
    skip(name?: string) {
      if (!wanted(name)) return void (other = true);
      some = true;
      test.skip();
    },
    run() {
      if (other && !some) return;
      test.run();
      uvu.UVU_QUEUE[uvu.UVU_INDEX].at(-1)!.title = title;
      [some, other] = [false, false];
    },
  });
}
