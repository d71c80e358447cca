// Writes over all that was handed out: numbers, fields, lists, as far as that can be done.

/** @param kept what is left as it is */
export function scribble(value: unknown, kept: readonly unknown[] = []): void {
  if (typeof value !== "object" || value === null || kept.includes(value)) return;
  if (ArrayBuffer.isView(value)) return void (value as Float32Array).fill(-7);
  for (const name of Object.keys(value)) {
    const field = Reflect.get(value, name);
    scribble(field, kept);
    if (typeof field !== "function") Reflect.set(value, name, typeof field === "string" ? "no" : -7);
  }
  if (Array.isArray(value) && !Object.isFrozen(value)) value.push("more");
}
