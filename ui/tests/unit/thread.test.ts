import { expect, test } from 'vitest';
import type { MessageRow } from '../../src/contract/MessageRow';
import { Thread } from '../../src/state/thread.svelte';
import { pageOf } from '../fake/pages';
import { maya, message, sam } from '../fake/people';
import { refused, ScriptedPlatform, settled } from './platform';

/** A conversation of the core in memory. */
class Conversation {
  rows: MessageRow[] = [];
  firstUnread: number | null = null;
  readonly platform = new ScriptedPlatform({
    'messages.page': (args) => pageOf(this.rows, args, this.firstUnread),
    'conversations.read': () => ({}),
    'messages.send': ({ text }) => {
      const row = message(null, maya, text, 9_999, 'sending');
      this.rows = [...this.rows, row];
      return row;
    },
  });
  readonly thread = new Thread(this.platform, 'conversation-sam');

  add(count: number): void {
    const next = this.rows.length + 1;
    const more = Array.from({ length: count }, (_, index) =>
      message(next + index, sam, `message ${next + index}`, 1_000 * (next + index), 'received'),
    );
    this.rows = [...this.rows, ...more];
  }

  get seqs(): (number | null)[] {
    return this.thread.rows.map((row) => row.seq);
  }

  /** The rows shown have no gap, no double and the right order, and go to the end where they say so. */
  expectWhole(): void {
    const first = this.seqs[0] ?? 1;
    const from = this.rows.slice(first - 1).map((row) => row.seq);
    expect(this.seqs).toEqual(this.thread.newer ? from.slice(0, this.seqs.length) : from);
  }
}

test('opens with the newest page and reads older ones when asked', async () => {
  const conversation = new Conversation();
  conversation.add(150);
  await conversation.thread.open();
  expect(conversation.seqs).toHaveLength(60);
  expect(conversation.thread.more).toBe(true);
  await conversation.thread.older();
  await conversation.thread.older();
  expect(conversation.seqs).toHaveLength(150);
  expect(conversation.thread.more).toBe(false);
  conversation.expectWhole();
});

test('opens at the first unread message however far it is', async () => {
  const conversation = new Conversation();
  conversation.add(5_000);
  conversation.firstUnread = 120;
  await conversation.thread.open();
  expect(conversation.seqs).toContain(120);
  expect(conversation.seqs).toContain(119);
  expect(conversation.thread.firstUnread).toBe(120);
  expect(conversation.thread.newer).toBe(true);
  expect(conversation.platform.count('messages.page')).toBe(2);
  conversation.expectWhole();
});

test('opens where somebody wants to go, and scrolls from there to both ends', async () => {
  const conversation = new Conversation();
  conversation.add(700);
  const { thread } = conversation;
  await thread.open(300);
  expect(thread.takeTarget()).toBe(300);
  expect(thread.takeTarget(), 'led there once').toBeUndefined();
  expect(conversation.seqs).toContain(300);
  while (thread.more) await thread.older();
  conversation.expectWhole();
  expect(conversation.seqs[0]).toBe(1);
  while (thread.newer) await thread.readNewer();
  conversation.expectWhole();
  expect(conversation.seqs.at(-1)).toBe(700);
});

test('however far somebody scrolls, only a window is held', async () => {
  const conversation = new Conversation();
  conversation.add(10_000);
  const { thread } = conversation;
  await thread.open();
  while (thread.more) {
    await thread.older();
    conversation.expectWhole();
    expect(thread.rows.length).toBeLessThanOrEqual(1_000);
  }
  expect(thread.newer).toBe(true);
  while (thread.newer) {
    await thread.readNewer();
    conversation.expectWhole();
    expect(thread.rows.length).toBeLessThanOrEqual(1_000);
  }
  expect(conversation.seqs.at(-1)).toBe(10_000);
  expect(thread.more).toBe(true);
});

test('what comes while the window is elsewhere is counted, and shown at the end', async () => {
  const conversation = new Conversation();
  conversation.add(500);
  const { thread } = conversation;
  await thread.open(10);
  const shown = conversation.seqs;
  conversation.add(3);
  await thread.refresh();
  expect(thread.missed).toBe(3);
  expect(conversation.seqs).toEqual(shown);
  conversation.add(2);
  await thread.refresh();
  expect(thread.missed).toBe(5);
  await thread.newest();
  expect(thread.missed).toBe(0);
  expect(conversation.seqs.at(-1)).toBe(505);
  conversation.expectWhole();
});

test('a change on screen is seen where the window is elsewhere', async () => {
  const conversation = new Conversation();
  conversation.add(500);
  const { thread } = conversation;
  await thread.open(100);
  thread.looksAt(thread.rows.find((row) => row.seq === 95));
  conversation.rows = conversation.rows.map((row) => (row.seq === 99 ? { ...row, edited: true } : row));
  await thread.refresh();
  expect(thread.rows.find((row) => row.seq === 99)?.edited).toBe(true);
  conversation.expectWhole();
});

test('who writes while the window is elsewhere comes to the end', async () => {
  const conversation = new Conversation();
  conversation.add(500);
  const { thread } = conversation;
  await thread.open(10);
  await thread.send('Hello Sam');
  await settled();
  expect(thread.newer).toBe(false);
  expect(thread.rows.at(-1)?.state).toBe('sending');
});

test('where older messages are not on this computer it says so once, until there is a connection', async () => {
  const conversation = new Conversation();
  conversation.add(80);
  const { thread, platform } = conversation;
  await thread.open();
  const page = platform.answers['messages.page'];
  platform.answers['messages.page'] = (args) =>
    args.before === null && page
      ? page(args)
      : { messages: [], more: true, newer: true, first_unread_seq: null };
  await thread.older();
  expect(thread.away.older).toBe(true);
  const asked = platform.count('messages.page');
  await thread.older();
  expect(platform.count('messages.page')).toBe(asked);
  platform.answers['messages.page'] = page;
  await thread.connected();
  await thread.older();
  expect(thread.away.older).toBe(false);
  expect(conversation.seqs[0]).toBe(1);
});

test('what came meanwhile is read without a gap', async () => {
  const conversation = new Conversation();
  conversation.add(80);
  await conversation.thread.open();
  conversation.add(300);
  await conversation.thread.refresh();
  conversation.expectWhole();
  expect(conversation.seqs.at(-1)).toBe(380);
  expect(conversation.seqs[0]).toBeLessThanOrEqual(21);
});

test('far too much behind, it starts anew at the end and says that there is more', async () => {
  const conversation = new Conversation();
  conversation.add(60);
  await conversation.thread.open();
  conversation.add(5_000);
  await conversation.thread.refresh();
  conversation.expectWhole();
  expect(conversation.thread.more).toBe(true);
  expect(conversation.seqs.at(-1)).toBe(5_060);
});

test('a change further back than a page is found, as long as newer ones changed too', async () => {
  const conversation = new Conversation();
  conversation.add(150);
  await conversation.thread.open();
  await conversation.thread.older();
  await conversation.thread.older();
  conversation.rows = conversation.rows.map((row) => ({ ...row, state: 'read' }));
  await conversation.thread.refresh();
  expect(new Set(conversation.thread.rows.map((row) => row.state))).toEqual(new Set(['read']));
});

test('what is on screen is read again also where the newest page did not change', async () => {
  const conversation = new Conversation();
  conversation.add(200);
  await conversation.thread.open();
  await conversation.thread.older();
  await conversation.thread.older();
  conversation.thread.looksAt(conversation.thread.rows.find((row) => row.seq === 40));
  conversation.rows = conversation.rows.map((row) => (row.seq === 45 ? { ...row, state: 'read' } : row));
  await conversation.thread.refresh();
  expect(conversation.thread.rows.find((row) => row.seq === 45)?.state).toBe('read');
  conversation.expectWhole();
});

test('a change far back is found when somebody looks there, and read only once', async () => {
  const conversation = new Conversation();
  conversation.add(200);
  const { thread, platform } = conversation;
  await thread.open();
  await thread.older();
  await thread.older();
  conversation.rows = conversation.rows.map((row) => (row.seq === 45 ? { ...row, edited: true } : row));
  await thread.refresh();
  const at = (seq: number) => thread.rows.find((row) => row.seq === seq);
  expect(at(45)?.edited).toBe(false);
  for (let seq = 200; seq >= 30; seq--) {
    thread.looksAt(at(seq));
    await settled();
  }
  expect(at(45)?.edited).toBe(true);
  conversation.expectWhole();
  const asked = platform.count('messages.page');
  thread.looksAt(at(35));
  await settled();
  expect(platform.count('messages.page')).toBe(asked);
});

test('a message that another one answers is reached however far back it is, while somebody scrolls too', async () => {
  const conversation = new Conversation();
  conversation.add(900);
  const { thread } = conversation;
  await thread.open();
  const scrolled = thread.older();
  expect(await thread.reach(7)).toBe(true);
  await scrolled;
  expect(conversation.seqs[0]).toBeLessThanOrEqual(7);
  conversation.expectWhole();
});

test('a message that is not on this computer is not waited for', async () => {
  const conversation = new Conversation();
  conversation.add(300);
  const { thread, platform } = conversation;
  await thread.open();
  platform.answers['messages.page'] = () => ({
    messages: [],
    more: true,
    newer: false,
    first_unread_seq: null,
  });
  expect(await thread.reach(7)).toBe(false);
  expect(platform.count('messages.page')).toBe(2);
  expect(conversation.seqs.at(-1)).toBe(300);
});

test('changes go out in the order in which they were made, after what was written before', async () => {
  const conversation = new Conversation();
  conversation.add(2);
  const { thread, platform } = conversation;
  const order: string[] = [];
  const disk: (() => void)[] = [];
  const slowly = (what: string) => async () => {
    order.push(what);
    await new Promise<void>((resolve) => disk.push(resolve));
    return {};
  };
  await thread.open();
  platform.answers['messages.edit'] = slowly('edit');
  platform.answers['messages.react'] = slowly('react');
  platform.answers['messages.delete'] = slowly('delete');
  const all = [
    thread.edit('message-1', 'other words'),
    thread.react('message-1', '👍', true),
    thread.delete('message-1'),
  ];
  for (let done = 0; done < 3; done++) {
    await settled();
    disk[done]?.();
  }
  await Promise.all(all);
  expect(order).toEqual(['edit', 'react', 'delete']);
});

test('a change that the disk refused says so, and does not keep the next one back', async () => {
  const conversation = new Conversation();
  conversation.add(2);
  const { thread, platform } = conversation;
  await thread.open();
  platform.answers['messages.react'] = () => {
    throw refused('storage');
  };
  await thread.react('message-1', '👍', true);
  expect(thread.refusal?.kind).toBe('storage');
  platform.answers['messages.react'] = () => ({});
  await thread.react('message-1', '👍', true);
  expect(thread.refusal).toBeUndefined();
});

test('an own message is shown as soon as it is written', async () => {
  const conversation = new Conversation();
  conversation.add(2);
  await conversation.thread.open();
  await conversation.thread.send('Hello Sam');
  await settled();
  expect(conversation.thread.rows.at(-1)?.state).toBe('sending');
});

test('writing does not wait until the history is read again', async () => {
  const conversation = new Conversation();
  conversation.add(2);
  await conversation.thread.open();
  conversation.platform.answers['messages.page'] = () => new Promise(() => undefined);
  await conversation.thread.send('Hello Sam');
  await conversation.thread.send('Are you there?');
  expect(conversation.platform.count('messages.send')).toBe(2);
});

test('what is written quickly goes out in the order in which it was written', async () => {
  const conversation = new Conversation();
  await conversation.thread.open();
  const taken: string[] = [];
  const disk: (() => void)[] = [];
  const usual = conversation.platform.answers['messages.send'];
  conversation.platform.answers['messages.send'] = async (args) => {
    taken.push(args.text);
    await new Promise<void>((resolve) => disk.push(resolve));
    if (!usual) throw refused('storage');
    return usual(args);
  };
  const all = ['one', 'two', 'three'].map((text) => conversation.thread.send(text));
  await settled();
  expect(taken).toEqual(['one']);
  for (let written = 0; written < 3; written++) {
    disk[written]?.();
    await settled();
  }
  await Promise.all(all);
  expect(taken).toEqual(['one', 'two', 'three']);
});

test('opening ends where older messages are not on this computer', async () => {
  const conversation = new Conversation();
  conversation.add(80);
  conversation.firstUnread = 2;
  const page = conversation.platform.answers['messages.page'];
  conversation.platform.answers['messages.page'] = async (args) => {
    if (args.before === null && args.around === undefined && page) return page(args);
    return { messages: [], more: true, newer: false, first_unread_seq: 2 };
  };
  await conversation.thread.open();
  expect(conversation.seqs).toHaveLength(60);
  expect(conversation.thread.more).toBe(true);
  expect(conversation.platform.count('messages.page')).toBe(2);
});

test('a message that comes while the conversation opens is shown', async () => {
  const conversation = new Conversation();
  conversation.add(3);
  const page = conversation.platform.answers['messages.page'];
  let letGo: () => void = () => undefined;
  conversation.platform.answers['messages.page'] = async (args) => {
    const answer = await page?.(args);
    await new Promise<void>((resolve) => (letGo = resolve));
    if (!answer) throw refused('not_found');
    return answer;
  };
  const opened = conversation.thread.open();
  await settled();
  conversation.platform.answers['messages.page'] = page;
  conversation.add(1);
  await conversation.thread.refresh();
  letGo();
  await opened;
  await settled();
  expect(conversation.seqs).toEqual([1, 2, 3, 4]);
});

test('a message that the disk refused is told to who sends it', async () => {
  const conversation = new Conversation();
  conversation.platform.answers['messages.send'] = () => {
    throw refused('storage');
  };
  await conversation.thread.open();
  await expect(conversation.thread.send('Hello Sam')).rejects.toMatchObject({ ui: { kind: 'storage' } });
});

test('reading is told once for each step forward', async () => {
  const conversation = new Conversation();
  conversation.add(5);
  await conversation.thread.open();
  const [first, , third] = conversation.thread.rows;
  await conversation.thread.markRead(third);
  await conversation.thread.markRead(third);
  await conversation.thread.markRead(first);
  expect(conversation.platform.count('conversations.read')).toBe(1);
});

test('a page that cannot be read is an error, and opening again mends it', async () => {
  const conversation = new Conversation();
  conversation.add(3);
  const page = conversation.platform.answers['messages.page'];
  conversation.platform.answers['messages.page'] = () => {
    throw refused('storage');
  };
  await conversation.thread.open();
  expect(conversation.thread.error?.kind).toBe('storage');
  expect(conversation.thread.ready).toBe(false);
  conversation.platform.answers['messages.page'] = page;
  await conversation.thread.open();
  expect(conversation.thread.error).toBeUndefined();
  expect(conversation.seqs).toEqual([1, 2, 3]);
});
