import { expect, test } from 'vitest';
import type { Account } from '../../src/contract/Account';
import { App } from '../../src/state/app.svelte';
import { titleOf } from '../../src/title';
import { algebra, lin, maya, ringOf, rowOf, sam, withSam } from '../fake/people';
import { callWithSam } from '../fake/scenario';
import { refused, ScriptedPlatform, settled } from './platform';

const signedIn: Account = {
  state: 'signed_in',
  server: 'https://mentor.example.org',
  me: maya,
  keyring: 'kept',
};
const rows = withSam(1_000_000_000);

async function atMayas(changes: ScriptedPlatform['answers'] = {}) {
  const platform = new ScriptedPlatform({
    'account.get': () => signedIn,
    'settings.get': () => ({ theme: 'system' }),
    'connection.get': () => ({
      state: 'online',
      retry_in_ms: null,
      waiting: 0,
      catching_up: false,
      problem: null,
      latency_ms: null,
    }),
    'conversations.list': () => [
      rowOf('with-sam', sam, algebra, rows, 2),
      rowOf('with-lin', lin, null, [], 1),
    ],
    'conversations.open': () => rowOf('with-lin', lin, null, []),
    'messages.page': () => ({ messages: rows, more: false, first_unread_seq: null }),
    'people.list': () => [sam, lin],
    'people.mentors': () => [],
    'courses.list': () => [algebra],
    'status.get': () => null,
    'calls.rings': () => [],
    'calls.current': () => null,
    ...changes,
  });
  const app = new App(platform);
  await app.start();
  await settled();
  return { app, platform };
}

test('the title says how much is unread and where Maya is', async () => {
  const { app } = await atMayas();
  expect(titleOf(app)).toBe('(3) Conversations – InstantMentor');
  app.show('with-sam');
  expect(titleOf(app)).toBe('(3) Sam Rivera – InstantMentor');
  app.place.go('settings');
  expect(titleOf(app)).toBe('(3) Settings – InstantMentor');
  app.call.told(callWithSam({ phase: 'connected' }));
  expect(titleOf(app)).toBe('(3) Call with Sam Rivera – InstantMentor');
});

test('nobody signed in: the title tells nothing', async () => {
  const { app } = await atMayas({ 'account.get': () => ({ state: 'signed_out', server: '' }) });
  expect(titleOf(app)).toBe('InstantMentor');
});

test('only the conversation on screen is read again', async () => {
  const { app, platform } = await atMayas();
  app.show('with-sam');
  await settled();
  const before = platform.count('messages.page');
  platform.tell({ event: 'messages', data: { conversation: 'with-lin' } });
  await settled();
  expect(platform.count('messages.page')).toBe(before);
  platform.tell({ event: 'messages', data: { conversation: 'with-sam' } });
  await settled();
  expect(platform.count('messages.page')).toBe(before + 1);
});

test('people are read only where they are shown', async () => {
  const { app, platform } = await atMayas();
  platform.tell({ event: 'people' });
  await settled();
  expect(platform.count('people.list')).toBe(0);
  app.place.go('people');
  platform.tell({ event: 'people' });
  await settled();
  expect(platform.count('people.list')).toBe(1);
});

test('what was told is taken at its word, and an overflow reads everything again', async () => {
  const { app, platform } = await atMayas();
  platform.tell({ event: 'ring', data: ringOf(lin, 'with-lin') });
  expect(app.call.rings).toHaveLength(1);
  platform.tell({ event: 'overflow' });
  await settled();
  expect(app.call.rings).toHaveLength(0);
  expect(platform.count('conversations.list')).toBe(2);
});

test('a call comes to the front when it begins, and stays in the back when it was put there', async () => {
  const { app, platform } = await atMayas();
  platform.tell({ event: 'call', data: callWithSam({ phase: 'calling' }) });
  expect(app.call.open).toBe(true);
  app.call.open = false;
  platform.tell({ event: 'call', data: callWithSam({ phase: 'connected' }) });
  expect(app.call.open).toBe(false);
  platform.tell({ event: 'call', data: callWithSam({ call: 'another', phase: 'connecting' }) });
  expect(app.call.open).toBe(true);
  platform.tell({ event: 'call', data: null });
  expect(app.call.open).toBe(false);
});

test('of two rings the one that waits longer comes first', async () => {
  const { app, platform } = await atMayas();
  platform.tell({ event: 'ring', data: { ...ringOf(sam, 'with-sam'), waiting_ms: 500 } });
  platform.tell({ event: 'ring', data: { ...ringOf(lin, 'with-lin'), waiting_ms: 9_000 } });
  expect(app.call.rings.map((ring) => ring.caller.name)).toEqual(['Lin Zhang', 'Sam Rivera']);
  platform.tell({ event: 'ring_ended', data: { call: ringOf(lin, '').call, end: 'missed' } });
  expect(app.call.rings.map((ring) => ring.caller.name)).toEqual(['Sam Rivera']);
});

test('a link to a conversation opens it', async () => {
  const { app, platform } = await atMayas();
  app.place.go('settings');
  platform.tell({ event: 'show_conversation', data: { conversation: 'with-lin' } });
  expect(app.place.place).toBe('conversations');
  expect(app.openRow?.other.name).toBe('Lin Zhang');
});

test('a session that is over leaves nothing of the person in the page', async () => {
  const { app, platform } = await atMayas();
  app.show('with-sam');
  app.place.drafts['with-sam'] = 'half a sentence';
  platform.tell({
    event: 'account',
    data: { state: 'locked', server: 'https://mentor.example.org', email: maya.email, unsent: 1 },
  });
  expect(app.conversations.value).toBeUndefined();
  expect(app.thread).toBeUndefined();
  expect(app.place.drafts).toEqual({});
});

test('a core that does not answer is said', async () => {
  const { app } = await atMayas({
    'account.get': () => {
      throw refused('storage');
    },
  });
  expect(app.broken?.kind).toBe('storage');
});
