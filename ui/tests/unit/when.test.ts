import { expect, test } from 'vitest';
import { dayWords, durationClock, durationWords, shortWhen } from '../../src/i18n/when';

const now = new Date(2026, 10, 20, 9, 30).getTime(); // a Friday
const at = (month: number, day: number, year = 2026) => new Date(year, month - 1, day, 14, 5).getTime();

test('days are named as a person would', () => {
  expect(dayWords(now, now)).toBe('Today');
  expect(dayWords(at(11, 19), now)).toBe('Yesterday');
  expect(dayWords(at(11, 16), now)).toBe('Monday');
  expect(dayWords(at(11, 2), now)).toMatch(/Monday.*2 November/);
  expect(dayWords(at(11, 2, 2025), now)).toBe('2 November 2025');
});

test('a clock that runs ahead does not say a weekday of next week', () => {
  expect(dayWords(at(11, 21), now)).toMatch(/21 November/);
});

test('lists have the short form', () => {
  expect(shortWhen(new Date(2026, 10, 20, 8, 5).getTime(), now)).toBe('08:05');
  expect(shortWhen(at(11, 18), now)).toBe('Wed');
  expect(shortWhen(at(10, 2), now)).toBe('2 Oct');
  expect(shortWhen(at(10, 2, 2025), now)).toBe('02/10/25');
});

test('yesterday is yesterday also where the clock was put back in between', () => {
  const monday = new Date(2026, 9, 26, 1).getTime();
  expect(dayWords(new Date(2026, 9, 25, 23).getTime(), monday)).toBe('Yesterday');
});

test('durations read as on a clock', () => {
  expect(durationClock(7_400)).toBe('0:07');
  expect(durationClock(725_000)).toBe('12:05');
  expect(durationClock(3_723_000)).toBe('1:02:03');
  expect(durationClock(-5)).toBe('0:00');
});

test('how long a call was is said roughly', () => {
  expect(durationWords(45_200)).toBe('45 s');
  expect(durationWords(725_000)).toBe('12 min');
  expect(durationWords(3_723_000)).toBe('1 h 2 min');
});
