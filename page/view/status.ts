/** The line that says what goes on. How far it is stands beside what is read out, as it changes all the time. */
import { bytes } from "./numbers.ts";

const [status, count] = ["status", "count"].map((id) => document.getElementById(id)!);
const bar = document.getElementById("progress") as HTMLProgressElement;

export function say(text: string, far = ""): void {
  if (status.textContent !== text) status.textContent = text;
  count.textContent = far;
}

/** A model comes: the bar shows it, too. */
export function sayLoading(what: string, done: number, total: number | null): void {
  bar.value = total ? done / total : 0;
  say(what, `: ${bytes(done)}${total ? ` of ${bytes(total)}` : ""}`);
}

/** A prompt is read. */
export function sayReading(what: string, done: number, total: number | null): void {
  if (done === total) say("running");
  else say(what, `: ${done} of ${total} tokens`);
}

/** How a run's last turn ended. */
export function sayEnd(ended: string): void {
  say(ENDS[ended] ?? "");
}

const ENDS: Record<string, string> = {
  length: "all new tokens are there: it can go on",
  end: "the model ended the text",
  caller: "stopped: it can go on",
  reading: "stopped while it read: ask again",
};
