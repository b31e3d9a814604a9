import { expect, test } from 'vitest';
import type { SearchHit } from '../../src/contract/SearchHit';
import { dayOf, daysBefore, startOf } from '../../src/features/search/dates';
import { parts } from '../../src/features/search/parts';
import { SearchState } from '../../src/state/search.svelte';
import { refused, ScriptedPlatform, settled } from './platform';

const hit = (number: number): SearchHit => ({
  message: `message-${number}`,
  conversation: 'conversation-sam',
  seq: number,
  mine: false,
  at: number,
  text: `message ${number}`,
  marks: [],
});

/** A core with so many hits, which looks at so many of them for a page. */
function coreWith(count: number, page: number): ScriptedPlatform {
  return new ScriptedPlatform({
    'messages.search': ({ before }) => {
      const last = before ?? count + 1;
      const first = Math.max(1, last - page);
      return {
        hits: Array.from({ length: last - first }, (_, index) => hit(last - 1 - index)),
        next: first > 1 ? first : null,
        indexing: false,
      };
    },
  });
}

test('pages that gave up early are gone on with until the list is full, and no further', async () => {
  const platform = coreWith(500, 20);
  const search = new SearchState(platform);
  search.type('message');
  await settled();
  expect(search.hits.map((one) => one.seq)).toEqual(Array.from({ length: 60 }, (_, index) => 500 - index));
  expect(search.more).toBe(true);
  await search.readMore();
  expect(search.hits).toHaveLength(120);
});

test('what was typed before an answer came is never shown', async () => {
  const platform = coreWith(1, 50);
  const answers: (() => void)[] = [];
  platform.answers['messages.search'] = async ({ words }) => {
    await new Promise<void>((resolve) => answers.push(resolve));
    return { hits: [{ ...hit(1), text: words }], next: null, indexing: false };
  };
  const search = new SearchState(platform);
  for (const words of ['a', 'ab', 'abc']) search.type(words);
  await settled();
  answers[0]?.();
  await settled();
  answers[1]?.();
  await settled();
  expect(search.hits.map((one) => one.text)).toEqual(['abc']);
  expect(answers).toHaveLength(2);
});

test('put away, it forgets what was found, also what comes late', async () => {
  const platform = coreWith(3, 50);
  const search = new SearchState(platform);
  search.type('m');
  search.close();
  await settled();
  expect(search.hits).toEqual([]);
  expect(search.active).toBe(false);
  search.narrow({ files: true });
  await settled();
  expect(search.open).toBe(true);
  expect(search.hits).toHaveLength(3);
});

test('what changes meanwhile is found, unless somebody has read on', async () => {
  const platform = coreWith(120, 50);
  const search = new SearchState(platform);
  search.changed();
  expect(platform.count('messages.search')).toBe(0);
  search.type('message');
  await settled();
  search.changed();
  await settled();
  expect(platform.count('messages.search')).toBe(2);
  await search.readMore();
  search.changed();
  await settled();
  expect(search.hits).toHaveLength(100);
  expect(platform.count('messages.search')).toBe(3);
});

test('a search that failed says why until one succeeds', async () => {
  const platform = coreWith(3, 50);
  const usual = platform.answers['messages.search'];
  platform.answers['messages.search'] = () => {
    throw refused('storage');
  };
  const search = new SearchState(platform);
  search.type('m');
  await settled();
  expect(search.error?.kind).toBe('storage');
  platform.answers['messages.search'] = usual;
  await search.refresh();
  expect(search.error).toBeUndefined();
  expect(search.hits).toHaveLength(3);
});

test('a text is cut at its marks, by units as JavaScript counts', () => {
  expect(parts('👍 ok', [{ from: 3, to: 5 }])).toEqual([
    { text: '👍 ', marked: false },
    { text: 'ok', marked: true },
  ]);
  expect(parts('ok', [{ from: 0, to: 2 }])).toEqual([{ text: 'ok', marked: true }]);
  expect(parts('ok', [])).toEqual([{ text: 'ok', marked: false }]);
});

test('days are those of this time zone, and what is no day is none', () => {
  const noon = new Date(2026, 10, 28, 12).getTime();
  expect(daysBefore(noon, 0)).toBe(new Date(2026, 10, 28).getTime());
  expect(daysBefore(noon, 28)).toBe(new Date(2026, 9, 31).getTime());
  expect(startOf('2026-11-28')).toBe(new Date(2026, 10, 28).getTime());
  expect(startOf(' 2026-1-31 ', 1)).toBe(new Date(2026, 1, 1).getTime());
  for (const wrong of ['', 'yesterday', '2026-11-31', '28.11.2026', '2026-13-01']) {
    expect(startOf(wrong), wrong).toBeNull();
  }
  expect(dayOf(noon)).toBe('2026-11-28');
});
