/** Every task, by name. */
import { agreement } from "./agreement.ts";
import { keyvalue, multikey, variables } from "./keys.ts";
import { needle } from "./needle.ts";
import { passkey } from "./passkey.ts";
import { perplexity } from "./perplexity.ts";
import type { Task } from "./task.ts";
import { instruct, reconstruct, summarise } from "./write.ts";

/** All names. */
export const TASK_NAMES = [
  ...["perplexity", "agreement", "passkey", "needle", "multikey", "keyvalue", "variables"] as const,
  ...["summarise", "reconstruct", "instruct"] as const,
] as const;

/** A name of TASK_NAMES. */
export type TaskName = typeof TASK_NAMES[number];

const tasks: Readonly<Record<TaskName, Task>> = {
  ...{ perplexity, agreement, passkey, needle, multikey, keyvalue, variables },
  ...{ summarise, reconstruct, instruct },
};

/** A task of a name. */
export function taskOf(name: TaskName): Task {
  return tasks[name];
}
