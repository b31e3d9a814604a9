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
  encrypted: true,
};
const rows = withSam(1_000_000_000);

async function atMayas(changes: ScriptedPlatform['answers'] = {}) {
  const platform = new ScriptedPlatform({
    'account.get': () => signedIn,
    'settings.get': () => ({ theme: 'system', no_tray_read: false, no_notifications_read: false }),
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
    'messages.page': () => ({ messages: rows, more: false, newer: false, first_unread_seq: null }),
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
  const { app } = await atMayas({
    'account.get': () => ({ state: 'signed_out', server: '', elsewhere: false }),
  });
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
  app.writing('with-sam').write('half a sentence');
  platform.tell({
    event: 'account',
    data: {
      state: 'locked',
      server: 'https://mentor.example.org',
      email: maya.email,
      unsent: 1,
      keyring: false,
    },
  });
  expect(app.conversations.value).toBeUndefined();
  expect(app.thread).toBeUndefined();
  expect(app.writing('with-sam').text).toBe('');
});

test('a core that does not answer is said', async () => {
  const { app } = await atMayas({
    'account.get': () => {
      throw refused('storage');
    },
  });
  expect(app.broken?.kind).toBe('storage');
});

test('what is told of a call while a page asks for it is not overwritten by the older answer', async () => {
  const before = callWithSam({ phase: 'connected' });
  const after = callWithSam({ phase: 'connected', remote_size: { width: 1280, height: 720 } });
  let known = before;
  const { app, platform } = await atMayas({
    'calls.current': () => known,
    'calls.rings': async () => {
      await settled();
      return [];
    },
  });
  const reading = app.call.refresh();
  known = after;
  platform.tell({ event: 'call', data: after });
  await reading;
  expect(app.call.current?.remote_size).toEqual({ width: 1280, height: 720 });
});

test('what Maya looks at is the conversation on screen in a window that she attends to, and else nothing', async () => {
  const { app } = await atMayas();
  expect(app.lookingAt).toBeUndefined();
  app.show('with-sam');
  expect(app.lookingAt).toBe('with-sam');
  app.place.attended = false;
  expect(app.lookingAt).toBeUndefined();
  app.place.attended = true;
  app.place.go('settings');
  expect(app.lookingAt).toBeUndefined();
  app.place.go('conversations');
  app.call.told(callWithSam({ phase: 'connected' }));
  expect(app.lookingAt).toBeUndefined();
  app.call.chat = true;
  expect(app.lookingAt).toBe('with-sam');
  app.call.told(callWithSam({ call: 'another', phase: 'calling' }));
  expect(app.call.chat).toBe(false);
  app.call.told(null);
  expect(app.lookingAt).toBe('with-sam');
  app.account.told({ state: 'signed_out', server: '', elsewhere: false });
  expect(app.lookingAt).toBeUndefined();
});

test('the core is told in order what is looked at, and only where it changed', async () => {
  const told: (string | null)[] = [];
  const { app } = await atMayas({
    'view.looking_at': async ({ conversation }) => {
      told.push(conversation);
      await settled();
      return {};
    },
  });
  app.looksAt('with-sam');
  app.looksAt('with-sam');
  app.looksAt('with-lin');
  app.looksAt(undefined);
  for (let turn = 0; turn < 5; turn++) await settled();
  expect(told).toEqual(['with-sam', null]);
});

test('a conversation that was asked for before there was a page is opened in it', async () => {
  const { app } = await atMayas({ 'view.opened': () => ({ conversation: 'with-lin' }) });
  expect(app.openRow?.other.name).toBe('Lin Zhang');
});

test('a page that shows what was asked for leaves nothing to be opened in the next one', async () => {
  const { platform } = await atMayas({ 'view.opened': () => ({ conversation: null }) });
  const before = platform.count('view.opened');
  platform.tell({ event: 'show_conversation', data: { conversation: 'with-lin' } });
  expect(platform.count('view.opened')).toBe(before + 1);
});

test('what was asked for on a notification comes beside the call that it belongs to', async () => {
  const { app, platform } = await atMayas();
  app.call.told(callWithSam({ phase: 'connected' }));
  platform.tell({ event: 'show_conversation', data: { conversation: callWithSam({}).conversation } });
  expect([app.call.open, app.call.chat]).toEqual([true, true]);
  platform.tell({ event: 'show_conversation', data: { conversation: 'with-lin' } });
  expect(app.call.open).toBe(false);
  expect(app.lookingAt).toBe('with-lin');
});

test('what was not on this computer is read again once there is a connection', async () => {
  const { app, platform } = await atMayas();
  const line = app.connection.value;
  if (!line) throw new Error('there is no line');
  app.show('with-sam');
  platform.tell({ event: 'connection', data: { ...line, state: 'waiting' } });
  await settled();
  const before = platform.count('messages.page');
  platform.tell({ event: 'connection', data: line });
  platform.tell({ event: 'connection', data: { ...line, latency_ms: 30 } });
  await settled();
  expect(platform.count('messages.page')).toBe(before + 1);
});

test('a switch that is slow keeps nobody from hanging up or from the other switch', async () => {
  const asked: boolean[] = [];
  const { app, platform } = await atMayas({
    'calls.camera': () => new Promise(() => undefined),
    'calls.microphone': ({ on }) => {
      asked.push(on);
      return {};
    },
    'calls.hang_up': () => ({}),
  });
  app.call.told(callWithSam({ phase: 'connected' }));
  void app.call.camera(false);
  await app.call.microphone(false);
  expect(asked).toEqual([false]);
  await app.call.hangUp();
  expect(platform.count('calls.hang_up')).toBe(1);
});

test('somebody else who rings can be declined while a call starts', async () => {
  const { app, platform } = await atMayas({
    'calls.start': () => new Promise(() => undefined),
    'calls.reject': () => ({}),
  });
  void app.call.start('with-sam', false);
  await app.call.reject(ringOf(lin, 'with-lin').call, 'declined');
  expect(platform.count('calls.reject')).toBe(1);
});

test('why the last thing asked of a call failed is said, and not after the next one worked', async () => {
  let works = false;
  const { app } = await atMayas({
    'calls.microphone': () => {
      if (!works) throw refused('call_over');
      return {};
    },
  });
  app.call.told(callWithSam({ phase: 'connected' }));
  await app.call.microphone(false);
  expect(app.call.error?.kind).toBe('call_over');
  works = true;
  await app.call.microphone(false);
  expect(app.call.error).toBeUndefined();
});

test('words that the disk refused come back before what was typed since', async () => {
  const { app } = await atMayas();
  const writing = app.writing('with-sam');
  writing.write('Hello Sam');
  const taken = writing.take();
  writing.write('and another thing');
  writing.giveBack(taken);
  expect(writing.text).toBe('Hello Sam\nand another thing');
  expect(app.writing('with-lin').text).toBe('');
});
