// The processes that a process has started, where there is /proc.

/** Their ids. */
export function childrenOf(pid: number): number[] {
  const text = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`);
  const all = Deno.readDirSync(`/proc/${pid}/task`);
  const others = [...all].map(({ name }) => {
    try {
      return Deno.readTextFileSync(`/proc/${pid}/task/${name}/children`);
    } catch {
      return "";
    }
  });
  return [...new Set([text, ...others].join(" ").split(/\s+/).filter((id) => id !== "").map(Number))];
}

const MOST = 120_000; // ms that anything is waited for

/** Asks again and again until there is an answer. @throws Error where it takes too long */
export async function waitFor<T>(what: string, ask: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (const started = performance.now(); performance.now() - started < MOST;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`No ${what} in ${MOST / 1000} s`);
}

/** Kills one of a process's children as soon as there is one, none that was killed before. @returns its id */
export async function killChild(pid: number, killed: readonly number[] = []): Promise<number> {
  const child = await waitFor("child", () => childrenOf(pid).find((id) => !killed.includes(id)));
  Deno.kill(child, "SIGKILL");
  return child;
}

/** Waits until a file has so many lines. */
export async function linesIn(path: string, count: number): Promise<void> {
  await waitFor(`${count} lines in ${path}`, async () => {
    const text = await Deno.readTextFile(path).catch(() => "");
    return text.split("\n").length > count ? true : undefined;
  });
}

/** Ends processes that may have ended already. */
export function endAll(children: readonly Deno.ChildProcess[]): void {
  for (const child of children) {
    try {
      child.kill("SIGKILL");
    } catch {
      // it has ended
    }
  }
}
