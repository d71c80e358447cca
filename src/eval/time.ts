/** Spans of time in words. */

/** "40 s", "3 min", "1 h 20 min". */
export function span(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 100) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 100 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** What is left of so many units, from what those done took; nothing before the first. */
export function timeLeft(ms: number, done: number, left: number): string {
  return done === 0 ? "" : `, ${span(ms / done * left)} left`;
}
