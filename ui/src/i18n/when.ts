import { locale, t } from './words';

const clock = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit' });
const weekday = new Intl.DateTimeFormat(locale, { weekday: 'long' });
const shortWeekday = new Intl.DateTimeFormat(locale, { weekday: 'short' });
const day = new Intl.DateTimeFormat(locale, { weekday: 'long', day: 'numeric', month: 'long' });
const dayOfYear = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'long', year: 'numeric' });
const shortDay = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short' });
const shortDate = new Intl.DateTimeFormat(locale, { day: '2-digit', month: '2-digit', year: '2-digit' });

const moment = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' });

/** The start of the day of this moment, in this device's time zone, in milliseconds. */
export function startOfDay(at: number): number {
  return new Date(at).setHours(0, 0, 0, 0);
}

/** Days from the day of `at` to the day of `now`; rounded, since a day may have 23 or 25 hours. */
function daysAgo(at: number, now: number): number {
  return Math.round((startOfDay(now) - startOfDay(at)) / 86_400_000);
}

/** 14:05 */
export function timeOfDay(at: number): string {
  return clock.format(at);
}

/** The line above a day's messages: Today, Yesterday, Monday, Monday 2 November, 2 November 2025. */
export function dayWords(at: number, now: number): string {
  const ago = daysAgo(at, now);
  if (ago === 0) return t('today');
  if (ago === 1) return t('yesterday');
  if (ago > 1 && ago < 7) return weekday.format(at);
  return new Date(at).getFullYear() === new Date(now).getFullYear() ? day.format(at) : dayOfYear.format(at);
}

/** The short form for a list: 14:05, Mon, 2 Nov, 02/11/25. */
export function shortWhen(at: number, now: number): string {
  const ago = daysAgo(at, now);
  if (ago <= 0) return clock.format(at);
  if (ago < 7) return shortWeekday.format(at);
  return new Date(at).getFullYear() === new Date(now).getFullYear()
    ? shortDay.format(at)
    : shortDate.format(at);
}

/** 2 Nov 2026, 14:05 */
export function momentWords(at: number): string {
  return moment.format(at);
}

/** How long something took, roughly: 45 s, 12 min, 1 h 5 min. */
export function durationWords(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 60) return t('duration_seconds', { seconds });
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return t('duration_minutes', { minutes });
  return t('duration_hours', { hours: Math.floor(minutes / 60), minutes: minutes % 60 });
}

/** 0:07, 12:05, 1:02:03 */
export function durationClock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const two = (value: number) => String(value).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  return hours > 0 ? `${hours}:${two(minutes % 60)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}
