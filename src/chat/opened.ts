/** Thoughts that a template opens: what it puts at the prompt's end, as DeepSeek-R1's does, so that an answer begins within one. */

const OPEN = "<think>";

/** Whether what is written behind a prompt's end is a thought. */
export function opensThought(prompt: string): boolean {
  return prompt.trimEnd().endsWith(OPEN);
}

/** Whether a template speaks of thoughts at all. */
export function knowsThoughts(template: string | null | undefined): boolean {
  return template?.includes(OPEN) ?? false;
}

/**
 * Rules of a grammar for what stands before an answer: the rest of a thought that was opened; else one, or none, where the model knows them.
 * @returns what `root` begins with
 */
export function thoughtRules(opened: boolean, known: boolean): { begin: string; rules: string } {
  if (!opened && !known) return { begin: "", rules: "" };
  const rules = `thought ::= [^<]* ("<" [^/<] [^<]*)* "</think>" "\\n"{0,2}\n`;
  return { begin: opened ? "thought " : `("${OPEN}" thought)? `, rules };
}
