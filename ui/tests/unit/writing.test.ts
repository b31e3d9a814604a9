import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SAY_AGAIN_MS, STILL_MS } from '../../src/state/typing';
import { KEEP_MS, Writing } from '../../src/state/writing.svelte';
import { maya, message, sam } from '../fake/people';
import { ScriptedPlatform } from './platform';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** Maya writes to Sam; what the core keeps and is told. */
function atMayas(draft: { text: string; reply_to: string | null } = { text: '', reply_to: null }) {
  const kept: { text: string; reply_to: string | null }[] = [];
  const typing: boolean[] = [];
  const platform = new ScriptedPlatform({
    'conversations.draft': () => ({ ...draft, files: [] }),
    'conversations.keep_draft': ({ text, reply_to }) => {
      kept.push({ text, reply_to });
      return {};
    },
    'conversations.typing': ({ on }) => {
      typing.push(on);
      return {};
    },
  });
  return { writing: new Writing(platform, 'with-sam'), kept, typing, platform };
}

test('a draft is kept a moment after the last key, not with each', async () => {
  const { writing, kept } = atMayas();
  for (const text of ['H', 'He', 'Hello']) {
    writing.write(text);
    await vi.advanceTimersByTimeAsync(KEEP_MS - 1);
  }
  expect(kept).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(kept).toEqual([{ text: 'Hello', reply_to: null }]);
});

test('who looks elsewhere leaves a draft that is kept at once, and only once', async () => {
  const { writing, kept } = atMayas();
  writing.write('Half a sen');
  writing.leave();
  await vi.advanceTimersByTimeAsync(KEEP_MS);
  writing.leave();
  expect(kept).toEqual([{ text: 'Half a sen', reply_to: null }]);
});

test('what was kept comes back with what it answers, before what was typed meanwhile', async () => {
  const { writing } = atMayas({ text: 'kept', reply_to: 'message-1' });
  const loading = writing.load();
  writing.write('typed');
  await loading;
  expect(writing.text).toBe('kept\ntyped');
  expect(writing.replyTo).toBe('message-1');
});

test('a sent message leaves no draft behind, a refused one comes back whole', async () => {
  const { writing, kept } = atMayas();
  writing.reply(message(3, sam, 'Which one?', 0, 'received'));
  writing.write('Number 4');
  const taken = writing.take();
  expect(taken).toEqual({ text: 'Number 4', replyTo: 'message-3-person-sam', files: [] });
  expect(writing.text).toBe('');
  writing.giveBack(taken);
  expect(writing.text).toBe('Number 4');
  expect(writing.replyTo).toBe('message-3-person-sam');
  writing.take();
  writing.sent();
  await vi.advanceTimersByTimeAsync(KEEP_MS);
  expect(kept.at(-1)).toEqual({ text: '', reply_to: null });
});

test('changing a message leaves the draft alone', async () => {
  const { writing, kept, typing } = atMayas();
  writing.write('a draft');
  await vi.advanceTimersByTimeAsync(STILL_MS);
  kept.length = typing.length = 0;
  writing.edit(message(2, maya, 'Hello Sm', 0, 'sent'));
  expect(writing.text).toBe('Hello Sm');
  writing.write('Hello Sam');
  await vi.advanceTimersByTimeAsync(KEEP_MS);
  writing.stopEditing();
  expect(writing.text).toBe('a draft');
  expect(kept).toEqual([]);
  expect(typing).toEqual([]);
});

test('typing is said at most every three seconds, and off when the keys are left alone', async () => {
  const { writing, typing } = atMayas();
  for (let key = 1; key <= 50; key++) {
    writing.write('x'.repeat(key));
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(typing).toEqual([true, true]);
  await vi.advanceTimersByTimeAsync(STILL_MS - 101);
  expect(typing).toEqual([true, true]);
  await vi.advanceTimersByTimeAsync(1);
  expect(typing).toEqual([true, true, false]);
  await vi.advanceTimersByTimeAsync(SAY_AGAIN_MS + STILL_MS);
  expect(typing).toHaveLength(3);
});

test('typing is off at once when the box is emptied, the message is sent or the person leaves', () => {
  const { writing, typing } = atMayas();
  writing.write('H');
  writing.write('');
  writing.write('Hello');
  writing.take();
  writing.write('And');
  writing.leave();
  expect(typing).toEqual([true, false, true, false, true, false]);
});

test('a draft that cannot be read now is read the next time', async () => {
  const { writing, platform } = atMayas({ text: 'kept', reply_to: null });
  const usual = platform.answers['conversations.draft'];
  delete platform.answers['conversations.draft'];
  await writing.load();
  expect(writing.text).toBe('');
  platform.answers['conversations.draft'] = usual;
  await writing.load();
  await writing.load();
  expect(writing.text).toBe('kept');
});
