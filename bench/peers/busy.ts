// Processes that keep the processors busy while something is timed beside them.

/** It ends by itself when whoever started it is gone, however that ended. */
const LOOP = `const parent = Deno.ppid;
while (Deno.ppid === parent) for (let i = 0; i < 1e7; i++);`;

/** Runs `timed` beside so many busy processes, which are ended after it. */
export async function beside<T>(count: number, timed: () => Promise<T>): Promise<T> {
  const processes = Array.from(
    { length: count },
    () => new Deno.Command(Deno.execPath(), { args: ["eval", "--quiet", LOOP], stdin: "null" }).spawn(),
  );
  try {
    await new Promise((resolve) => setTimeout(resolve, 2000)); // until all of them run
    return await timed();
  } finally {
    for (const process of processes) process.kill("SIGKILL");
    await Promise.all(processes.map(({ status }) => status));
  }
}
