/** What a command is: what it does, how it is called, and the flags that it takes. */
import type { Arguments } from "./usage.ts";

export interface Command {
  /** Runs it. @returns its exit code @throws Usage, Error, ClosedPipe */
  readonly run: (args: Arguments) => Promise<number>;
  /** What stands behind its name. */
  readonly takes: string;
  /** What it does, in a line. */
  readonly about: string;
  /** Its flags, besides --help and --json, which all have. */
  readonly flags: readonly string[];
  /** Whether what flags say may be said beneath them, too: src/cli/defaults.ts. */
  readonly defaults?: boolean;
  /** Command lines, without the program's name, and what each does. */
  readonly examples: readonly (readonly [line: string, what: string])[];
}
