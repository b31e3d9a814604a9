import { expect, test } from 'vitest';
import { GROUP_MS, movedAtStart, group, newAtEnd } from '../../src/features/messages/grouping';
import { maya, message, sam } from '../fake/people';

const noon = new Date(2026, 10, 20, 12).getTime();
const from = (seq: number, who: { id: string }, at: number) =>
  message(seq, who, `message ${seq}`, at, who.id === maya.id ? 'sent' : 'received');
const shape = (items: ReturnType<typeof group>) =>
  items.map(({ starts, ends }) => `${starts ? '[' : ''}${ends ? ']' : ''}`);

test('what Sam writes within minutes stands as one group', () => {
  const items = group([from(1, sam, noon), from(2, sam, noon + 60_000), from(3, sam, noon + 90_000)], null);
  expect(shape(items)).toEqual(['[', '', ']']);
});

test('another person and a longer pause each begin a group', () => {
  const items = group(
    [from(1, sam, noon), from(2, maya, noon + 1), from(3, maya, noon + 1 + GROUP_MS)],
    null,
  );
  expect(shape(items)).toEqual(['[]', '[]', '[]']);
});

test('a day line stands above the first message of each day, and begins a group', () => {
  const lateEvening = new Date(2026, 10, 20, 23, 59).getTime();
  const items = group([from(1, sam, lateEvening), from(2, sam, lateEvening + 120_000)], null);
  expect(items.map((item) => item.newDay)).toEqual([true, true]);
  expect(shape(items)).toEqual(['[]', '[]']);
});

test('the line for unread ones stands above the first of the other, not above an own one', () => {
  const items = group([from(1, sam, noon), from(2, maya, noon), from(3, sam, noon), from(4, sam, noon)], 2);
  expect(items.map((item) => item.firstUnread)).toEqual([false, false, true, false]);
});

test('the line for unread ones is not in a window that begins after it', () => {
  const items = group([from(40, sam, noon), from(41, sam, noon)], 20);
  expect(items.some((item) => item.firstUnread)).toBe(false);
});

test('a call stands by itself', () => {
  const call = from(2, sam, noon + 1);
  call.content = { type: 'call', call: 'c', outcome: 'missed', video: false, duration_ms: 0 };
  expect(shape(group([from(1, sam, noon), call, from(3, sam, noon + 2)], null))).toEqual(['[]', '[]', '[]']);
});

test('older rows put before the others are told from new ones at the end', () => {
  const two = group([from(5, sam, noon), from(6, sam, noon)], null);
  const older = group([from(4, sam, noon), from(5, sam, noon), from(6, sam, noon)], null);
  const newer = group([from(5, sam, noon), from(6, sam, noon), from(7, sam, noon)], null);
  expect(movedAtStart(two, older)).toBe(true);
  expect(movedAtStart(two, newer)).toBe(false);
  // The first one is let go.
  expect(movedAtStart(newer, newer.slice(1))).toBe(true);
  expect(movedAtStart(newer, newer.slice(0, 2))).toBe(false);
  expect(newAtEnd(two, newer)).toBe(1);
  expect(newAtEnd(two, older)).toBe(0);
});

test('an own message is not counted as new', () => {
  const before = group([from(5, sam, noon)], null);
  expect(newAtEnd(before, group([from(5, sam, noon), from(6, maya, noon)], null))).toBe(0);
});
