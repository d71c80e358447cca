// One generation of a session, whole.
import type { GenerateOptions } from "../../src/options/index.ts";
import type { Report } from "../../src/session/report.ts";
import type { Session } from "../../src/session/session.ts";

export const PROMPT = "Once upon a time, there was a little girl named Lily. She loved to play outside in the park.";

/** Its text and its report. */
export async function say(
  session: Session,
  options: GenerateOptions = {},
  prompt: string | number[] = PROMPT,
): Promise<Report & { text: string }> {
  let text = "";
  for await (const piece of session.generate(prompt, options)) text += piece;
  return { text, ...session.report() };
}
