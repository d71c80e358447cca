// A program at a terminal of its own, which `script` of Linux makes.

/** What it shows, and what is typed. */
export interface Terminal {
  readonly child: Deno.ChildProcess;
  /** What was shown since what was last waited for, that included. */
  seen: string;
  type(text: string): Promise<void>;
  /** Waits until this is shown. @throws Error where the program ends before */
  until(what: RegExp): Promise<void>;
}

/** A command, each part of it quoted. */
export const quoted = (command: readonly string[]): string => command.map((part) => `'${part}'`).join(" ");

/** @param line of a shell */
export function atTerminal(line: string): Terminal {
  const child = new Deno.Command("script", {
    args: ["-qec", line, "/dev/null"],
    ...{ stdin: "piped", stdout: "piped", stderr: "null" } as const,
    env: { SHELL: "/bin/bash" },
  }).spawn();
  const keys = child.stdin.getWriter();
  const screen = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  return {
    child,
    seen: "",
    type: (text) => keys.write(new TextEncoder().encode(text)),
    async until(what) {
      while (!what.test(this.seen)) {
        const { value, done } = await screen.read();
        if (done) throw new Error(`${what} never came: ${this.seen}`);
        this.seen += value;
      }
      this.seen = this.seen.slice(what.exec(this.seen)!.index);
    },
  };
}
