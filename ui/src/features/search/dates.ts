/** Spans of time that are offered, in days up to now. */
export const SPANS = [7, 30, 365] as const;

/** The first moment of the day so many days ago, in this device's time zone. */
export function daysBefore(now: number, days: number): number {
  const day = new Date(now);
  day.setHours(0, 0, 0, 0);
  day.setDate(day.getDate() - days);
  return day.getTime();
}

/** The first moment of a day written as 2026-11-28, or of the day after it; none where it is no day. */
export function startOf(written: string, after = 0): number | null {
  const found = /^\s*(\d{4})-(\d{1,2})-(\d{1,2})\s*$/.exec(written);
  if (!found) return null;
  const [year, month, day] = [Number(found[1]), Number(found[2]), Number(found[3])];
  const date = new Date(year, month - 1, day);
  // The 31st of a month of thirty days is no day.
  if (date.getMonth() !== month - 1 || date.getDate() !== day) return null;
  date.setDate(day + after);
  return date.getTime();
}

/** The day of a moment, as 2026-11-28. */
export function dayOf(at: number): string {
  const date = new Date(at);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}
