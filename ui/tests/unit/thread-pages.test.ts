import { expect, test } from 'vitest';
import type { MessageRow } from '../../src/contract/MessageRow';
import {
  appendPage,
  changes,
  keepNewest,
  keepOldest,
  keepSame,
  mergePage,
  touches,
} from '../../src/state/thread-pages';
import { maya, message, sam } from '../fake/people';

const row = (seq: number | null, state: MessageRow['state'] = 'received') =>
  message(seq, seq === null ? maya : sam, `message ${seq}`, 1_000 + (seq ?? 999), state);
const rows = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => row(from + index));
const page = (messages: MessageRow[], more: boolean) => ({
  messages,
  more,
  newer: false,
  first_unread_seq: null,
});
const seqs = (held: { rows: readonly MessageRow[] }) => held.rows.map(({ seq }) => seq);

test('an older page is put before what is held', () => {
  const held = mergePage({ rows: rows(5, 8), more: true, newer: false }, page(rows(3, 4), true), 5);
  expect(seqs(held)).toEqual([3, 4, 5, 6, 7, 8]);
  expect(held.more).toBe(true);
});

test('the oldest page says that there are no more', () => {
  expect(mergePage({ rows: rows(3, 4), more: true, newer: false }, page(rows(1, 2), false), 3).more).toBe(
    false,
  );
});

test('the newest page replaces the end with what is unsent, and keeps older rows', () => {
  const held = { rows: [...rows(1, 6), row(null, 'sending')], more: false, newer: false };
  const merged = mergePage(held, page([...rows(4, 7), row(null, 'failed')], true), null);
  expect(seqs(merged)).toEqual([1, 2, 3, 4, 5, 6, 7, null]);
  expect(merged.rows.at(-1)?.state).toBe('failed');
  expect(merged.more).toBe(false);
});

test('what the core does not have anymore goes', () => {
  const merged = mergePage(
    { rows: rows(1, 6), more: false, newer: false },
    page([row(4), row(6)], true),
    null,
  );
  expect(seqs(merged)).toEqual([1, 2, 3, 4, 6]);
});

test('the only page of a conversation replaces everything', () => {
  expect(
    seqs(mergePage({ rows: rows(1, 6), more: true, newer: false }, page([row(6)], false), null)),
  ).toEqual([6]);
});

test('a change of a state is seen, a page that says the same is none', () => {
  const held = { rows: rows(1, 4), more: false, newer: false };
  expect(changes(held, page(rows(3, 4), true), null)).toBe(false);
  expect(changes(held, page([row(3), row(4, 'read')], true), null)).toBe(true);
});

test('a page that begins after the newest held row leaves a gap', () => {
  const held = { rows: rows(1, 4), more: false, newer: false };
  expect(touches(held, page(rows(5, 8), true))).toBe(true);
  expect(touches(held, page(rows(6, 8), true))).toBe(false);
});

test('rows that did not change stay the same objects', () => {
  const before = rows(1, 3);
  const after = keepSame(before, [row(1), row(2, 'read'), row(3)]);
  expect(after[0]).toBe(before[0]);
  expect(after[1]).not.toBe(before[1]);
});

test('a newer page is put behind what is held, and brings what is unsent where it goes to the end', () => {
  const held = { rows: rows(1, 4), more: true, newer: true };
  const next = appendPage(held, { ...page(rows(5, 6), true), newer: true });
  expect(seqs(next)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(next).toMatchObject({ more: true, newer: true });
  const last = appendPage(next, page([row(7), row(null, 'waiting')], true));
  expect(seqs(last)).toEqual([1, 2, 3, 4, 5, 6, 7, null]);
  expect(last.newer).toBe(false);
  expect(seqs(appendPage(last, page([row(7), row(8)], true)))).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

test('what is let go at one side can be read there again', () => {
  const held = { rows: rows(1, 8), more: false, newer: false };
  expect(keepOldest(held, 8)).toBe(held);
  expect(keepOldest(held, 5)).toEqual({ rows: rows(1, 5), more: false, newer: true });
  expect(keepNewest(held, 5)).toEqual({ rows: rows(4, 8), more: true, newer: false });
});
