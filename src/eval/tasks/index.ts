/** Every task, by name. */
import { agreement } from "./agreement.ts";
import { keyvalue, multikey, variables } from "./keys.ts";
import { needle } from "./needle.ts";
import { passkey } from "./passkey.ts";
import { perplexity } from "./perplexity.ts";
import type { Task } from "./task.ts";
import { instruct, reconstruct, summarise } from "./write.ts";

export const tasks = {
  ...{ perplexity, agreement, passkey, needle, multikey, keyvalue, variables },
  ...{ summarise, reconstruct, instruct },
} as const satisfies Record<string, Task>;

/** A name of `tasks`. */
export type TaskName = keyof typeof tasks;

/** All names. */
export const TASK_NAMES = Object.keys(tasks) as TaskName[];

/** A task of a name. */
export function taskOf(name: TaskName): Task {
  return tasks[name];
}
