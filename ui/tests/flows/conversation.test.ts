import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { refusal, type FakeCore } from '../fake/core';
import { lin, maya, message, rowOf, sam } from '../fake/people';
import { mayaAtHerDesk, WITH_LIN, WITH_SAM } from '../fake/scenario';
import { Stage } from './stage';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.raise();
});
afterEach(() => expect(stage.complaints).toEqual([]));
afterAll(() => stage.fall());

const composer = (page: Page) => page.getByRole('textbox', { name: /^Write to/ });
const open = (page: Page, name: string) =>
  page
    .getByRole('button', { name: new RegExp(name) })
    .first()
    .click();
const viewport = (page: Page) => page.getByRole('log');
const fromEnd = (page: Page) =>
  viewport(page).evaluate((log) => Math.round(log.scrollHeight - log.scrollTop - log.clientHeight));

/** A long conversation with Sam, in which everything up to `read` was read. */
function longTalk(count: number, read = count): (core: FakeCore) => void {
  return (core) => {
    mayaAtHerDesk(core);
    const start = Date.now() - count * 600_000;
    const rows = Array.from({ length: count }, (_, index) => {
      const from = index % 3 === 0 ? maya : sam;
      const text = `message ${index + 1} ${'about eigenvalues '.repeat(index % 7)}`;
      return message(index + 1, from, text, start + index * 600_000, from === maya ? 'read' : 'received');
    });
    core.messages.set(WITH_SAM, rows);
    if (read < count) core.firstUnread.set(WITH_SAM, read + 1);
    core.conversations = core.conversations.map((row) =>
      row.id === WITH_SAM ? rowOf(row.id, row.other, row.course, rows, count - read) : row,
    );
  };
}

test('opens at the first unread message, marks what is seen as read, and the title counts', async () => {
  const page = await stage.play(mayaAtHerDesk);
  await page.waitForFunction(() => document.title === '(2) Conversations – InstantMentor');
  await open(page, 'Lin Zhang');
  await page.getByText('New', { exact: true }).waitFor();
  await stage.core.waitFor('conversations.read');
  expect(stage.core.askedFor('conversations.read').at(-1)).toEqual({ conversation: WITH_LIN, seq: 3 });
  await page.waitForFunction(() => document.title === 'Lin Zhang – InstantMentor');
});

test('a message goes from Enter to read, and Shift+Enter breaks the line', async () => {
  const page = await stage.play(mayaAtHerDesk);
  await open(page, 'Sam Rivera');
  await composer(page).pressSequentially('First line');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type('second line');
  await page.keyboard.press('Enter');
  await stage.core.waitFor('messages.send');
  expect(stage.core.askedFor('messages.send')).toEqual([
    { conversation: WITH_SAM, text: 'First line\nsecond line', reply_to: null, files: [] },
  ]);
  expect(await composer(page).inputValue()).toBe('');
  const own = page.locator('[data-message]').last();
  await own.getByRole('img', { name: 'Sending' }).waitFor();
  stage.core.change(WITH_SAM, (row) => (row.state === 'sending' ? { ...row, seq: 11, state: 'sent' } : row));
  await own.getByRole('img', { name: 'Sent' }).waitFor();
  stage.core.change(WITH_SAM, (row) => (row.state === 'sent' ? { ...row, state: 'read' } : row));
  await own.getByRole('img', { name: 'Read' }).waitFor();
  expect(await fromEnd(page)).toBeLessThanOrEqual(1);
});

test('without a connection it says so once, and that the message is sent later', async () => {
  const page = await stage.play(mayaAtHerDesk);
  await open(page, 'Sam Rivera');
  stage.core.setConnection({ state: 'waiting', retry_in_ms: 20_000, waiting: 1 });
  await page.getByText(/Reconnecting in \d+ s\s*1 message waiting to be sent/).waitFor();
  await composer(page).fill('For later');
  await page.getByText('Will be sent when you are connected again.').waitFor();
  await page.keyboard.press('Enter');
  await page.locator('[data-message]').last().getByRole('img', { name: 'Waiting to be sent' }).waitFor();
  expect(await page.getByRole('button', { name: 'You can call when you are connected' }).count()).toBe(2);
  await page.getByRole('button', { name: 'Try now' }).click();
  await stage.core.waitFor('connection.retry');
  stage.core.setConnection({ state: 'online', retry_in_ms: null, waiting: 0 });
  await page.getByText('Reconnecting').waitFor({ state: 'detached' });
});

test('what could not be sent says why, and can be tried again or discarded', async () => {
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    const failed = message(null, maya, 'Not for Sam', Date.now(), 'failed');
    core.messages.get(WITH_SAM)?.push({ ...failed, error: refusal('not_allowed') });
    core.answers['messages.retry'] = () => ({});
    core.answers['messages.discard'] = () => ({});
  });
  await open(page, 'Sam Rivera');
  await page.getByText('You may not do this.').waitFor();
  await page.getByRole('button', { name: 'Try again' }).click();
  await stage.core.waitFor('messages.retry');
  await page.getByRole('button', { name: 'Discard' }).click();
  await stage.core.waitFor('messages.discard');
});

test('words that the disk refused come back into the box', async () => {
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    core.answers['messages.send'] = () => {
      throw refusal('storage');
    };
  });
  await open(page, 'Sam Rivera');
  await composer(page).fill('Keep me');
  await page.keyboard.press('Enter');
  await page.getByText('Your disk does not take any more.').waitFor();
  expect(await composer(page).inputValue()).toBe('Keep me');
});

test('a counter shows near the limit, and nothing beyond it is sent', async () => {
  const page = await stage.play(mayaAtHerDesk);
  await open(page, 'Sam Rivera');
  await composer(page).fill('x'.repeat(3_990));
  await page.getByText('10 characters left').waitFor();
  await composer(page).fill('x'.repeat(4_001));
  await page.getByText('1 character too many').waitFor();
  await page.keyboard.press('Enter');
  expect(await page.getByRole('button', { name: 'Send', exact: true }).isDisabled()).toBe(true);
  expect(stage.core.askedFor('messages.send')).toEqual([]);
});

test('what was typed stays with its conversation', async () => {
  const page = await stage.play(mayaAtHerDesk);
  await open(page, 'Sam Rivera');
  await composer(page).fill('Half a sentence');
  await open(page, 'Lin Zhang');
  await page.getByRole('textbox', { name: 'Write to Lin Zhang' }).waitFor();
  expect(await composer(page).inputValue()).toBe('');
  await open(page, 'Sam Rivera');
  await page.getByRole('textbox', { name: 'Write to Sam Rivera' }).waitFor();
  expect(await composer(page).inputValue()).toBe('Half a sentence');
});

test('a long conversation opens at its end, and keeps its place while older pages come', async () => {
  const page = await stage.play(longTalk(400));
  await open(page, 'Sam Rivera');
  await page.getByRole('log').getByText('message 400 ').waitFor();
  await page.waitForFunction(() => {
    const log = document.querySelector('[role=log]');
    return log && log.scrollHeight - log.scrollTop - log.clientHeight <= 1;
  });
  const asked = stage.core.askedFor('messages.page').length;
  await viewport(page).hover();
  await page.mouse.wheel(0, -100_000);
  await stage.core.waitFor('messages.page', asked + 1);
  // Whatever is on top stays there when the rows before it come.
  await page.waitForFunction(() => document.querySelectorAll('[data-message]').length > 0);
  const rows = await page.evaluate(async () => {
    const log = document.querySelector('[role=log]');
    const top = () => {
      const edge = log?.getBoundingClientRect().top ?? 0;
      const row = Array.from(document.querySelectorAll('[data-message]')).find(
        (one) => one.getBoundingClientRect().bottom > edge + 40,
      );
      return {
        id: row?.getAttribute('data-message'),
        at: Math.round((row?.getBoundingClientRect().top ?? 0) - edge),
      };
    };
    const frames = [];
    for (let frame = 0; frame < 30; frame++) {
      await new Promise(requestAnimationFrame);
      frames.push(top());
    }
    return frames.slice(-10);
  });
  expect(new Set(rows.map((row) => row.id)).size).toBe(1);
  expect(Math.abs((rows[0]?.at ?? 0) - (rows.at(-1)?.at ?? 0))).toBeLessThanOrEqual(2);
  expect(await fromEnd(page)).toBeGreaterThan(500);
});

test('the first unread one is on top even when it is far back', async () => {
  const page = await stage.play(longTalk(300, 120));
  await open(page, 'Sam Rivera');
  const line = page.getByText('New', { exact: true });
  await line.waitFor();
  await page.waitForFunction(() => {
    const log = document.querySelector('[role=log]')?.getBoundingClientRect();
    const news = Array.from(document.querySelectorAll('[role=log] span')).find(
      (one) => one.textContent === 'New',
    );
    const box = news?.getBoundingClientRect();
    return log && box && box.top >= log.top && box.top < log.top + 120;
  });
  const read = stage.core.askedFor('conversations.read').at(-1);
  expect(read === undefined || read.seq < 200).toBe(true);
});

test('a new message scrolls only who is at the end; others see a button', async () => {
  const page = await stage.play(longTalk(80));
  await open(page, 'Sam Rivera');
  await page.getByRole('log').getByText('message 80 ').waitFor();
  stage.core.add(WITH_SAM, message(81, sam, 'seen at once', Date.now(), 'received'));
  await page.getByText('seen at once').last().waitFor();
  await page.waitForFunction(() => {
    const log = document.querySelector('[role=log]');
    return log && log.scrollHeight - log.scrollTop - log.clientHeight <= 1;
  });
  await viewport(page).hover();
  await page.mouse.wheel(0, -900);
  await page.getByRole('button', { name: 'To the newest message' }).waitFor();
  const before = await viewport(page).evaluate((log) => log.scrollTop);
  stage.core.add(WITH_SAM, message(82, sam, 'seen later', Date.now(), 'received'));
  const button = page.getByRole('button', { name: '1 new message', exact: true });
  await button.waitFor();
  expect(Math.abs((await viewport(page).evaluate((log) => log.scrollTop)) - before)).toBeLessThanOrEqual(2);
  await button.click();
  await page.getByRole('log').getByText('seen later').waitFor();
  await button.waitFor({ state: 'detached' });
});

test('search filters by name and course, and the keyboard reaches every conversation', async () => {
  const page = await stage.play(mayaAtHerDesk);
  const search = page.getByRole('searchbox', { name: 'Search' });
  await search.fill('rust');
  await page.locator('[data-conversation]').nth(2).waitFor({ state: 'detached' });
  expect(await page.locator('[data-conversation]').count()).toBe(2);
  await search.fill('nobody');
  await page.getByText('Nothing found').waitFor();
  await page.keyboard.press('Escape');
  await search.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.getByRole('textbox', { name: 'Write to Sam Rivera' }).waitFor();
  await page.waitForFunction(() => document.activeElement?.tagName === 'TEXTAREA');
});

test('markup in a message is shown as it was written', async () => {
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    core.messages
      .get(WITH_SAM)
      ?.push(message(11, sam, '<img src=x onerror=alert(1)> & <b>bold</b>', Date.now(), 'received'));
  });
  await open(page, 'Sam Rivera');
  await page.getByRole('log').getByText('<img src=x onerror=alert(1)> & <b>bold</b>').waitFor();
  expect(await page.locator('[role=log] img, [role=log] b').count()).toBe(0);
});

test('below 900 pixels the list folds away', async () => {
  const page = await stage.play(mayaAtHerDesk, { width: 700, height: 600 });
  await open(page, 'Sam Rivera');
  await composer(page).waitFor();
  expect(await page.getByRole('searchbox').isVisible()).toBe(false);
  await page.getByRole('button', { name: 'Back to the list' }).click();
  expect(await page.getByRole('searchbox').isVisible()).toBe(true);
});

test('presence is seen as soon as it is told', async () => {
  const page = await stage.play(mayaAtHerDesk);
  await open(page, 'Lin Zhang');
  const header = page.getByRole('main');
  await header.getByText('Online · Systems programming in Rust').waitFor();
  stage.core.conversations = stage.core.conversations.map((row) =>
    row.id === WITH_LIN ? { ...row, other: { ...lin, online: false } } : row,
  );
  stage.core.tell({ event: 'conversations' });
  await header.getByText('Offline · Systems programming in Rust').waitFor();
});

test('the core knows which conversation Maya has before her eyes, and when she looks away', async () => {
  const page = await stage.play(mayaAtHerDesk);
  const looked = () => stage.core.askedFor('view.looking_at').at(-1)?.conversation;
  const until = async (conversation: string | null) => {
    while (looked() !== conversation)
      await stage.core.waitFor('view.looking_at', stage.core.askedFor('view.looking_at').length + 1);
  };
  await open(page, 'Sam Rivera');
  await until(WITH_SAM);
  await page.evaluate(() => {
    document.hasFocus = () => false;
    window.dispatchEvent(new Event('blur'));
  });
  await until(null);
  await page.evaluate(() => {
    document.hasFocus = () => true;
    window.dispatchEvent(new Event('focus'));
  });
  await until(WITH_SAM);
  await page.getByRole('button', { name: 'Settings', exact: true }).click();
  await until(null);
});

test('a page that is loaded hidden looks at nothing until it is shown', async () => {
  const page = await stage.play(
    (core) => {
      mayaAtHerDesk(core);
      core.wanted = WITH_SAM;
    },
    {
      before: () => {
        Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true });
      },
    },
  );
  await composer(page).waitFor();
  expect(stage.core.askedFor('view.looking_at').filter((args) => args.conversation !== null)).toEqual([]);
  expect(stage.core.askedFor('conversations.read')).toEqual([]);
  await page.evaluate(() => {
    Object.defineProperty(document, 'visibilityState', { value: 'visible', configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  });
  await stage.core.waitFor('view.looking_at');
  expect(stage.core.askedFor('view.looking_at')).toEqual([{ conversation: WITH_SAM }]);
});

test('a conversation that was asked for on a notification is open in the window made for it', async () => {
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    core.wanted = WITH_LIN;
  });
  await page.getByRole('textbox', { name: 'Write to Lin Zhang' }).waitFor();
  expect(stage.core.wanted).toBeNull();
});

test('messages that are not on this computer are not taken for none, and come with the connection', async () => {
  let here = false;
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    core.connection = { ...core.connection, state: 'waiting', retry_in_ms: 9_000 };
    const usual = core.messages.get(WITH_SAM) ?? [];
    core.answers['messages.page'] = () =>
      here
        ? { messages: usual, more: false, newer: false, first_unread_seq: null }
        : { messages: [], more: true, newer: false, first_unread_seq: null };
  });
  await open(page, 'Sam Rivera');
  await page.getByText('These messages are not on this computer').waitFor();
  here = true;
  stage.core.setConnection({ state: 'online', retry_in_ms: null });
  await page.getByText('Well done').last().waitFor();
});

test('three short messages in a row go out while the history hangs', async () => {
  const page = await stage.play(mayaAtHerDesk);
  await open(page, 'Sam Rivera');
  await page.getByText('Well done').last().waitFor();
  stage.core.answers['messages.page'] = () => new Promise(() => undefined);
  for (const words of ['One moment', 'I am on a train', 'Back at four']) {
    await composer(page).fill(words);
    await page.keyboard.press('Enter');
  }
  await stage.core.waitFor('messages.send', 3);
  expect(stage.core.askedFor('messages.send').map((args) => args.text)).toEqual([
    'One moment',
    'I am on a train',
    'Back at four',
  ]);
  expect(await composer(page).inputValue()).toBe('');
});

test('words that were refused come back before those typed since, also after a look elsewhere', async () => {
  let refuse: () => void = () => undefined;
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    core.answers['messages.send'] = async () => {
      await new Promise<void>((resolve) => (refuse = resolve));
      throw refusal('storage');
    };
  });
  await open(page, 'Sam Rivera');
  await composer(page).fill('Hello Sam');
  await page.keyboard.press('Enter');
  await composer(page).fill('and another thing');
  await open(page, 'Lin Zhang');
  await page.getByRole('textbox', { name: 'Write to Lin Zhang' }).waitFor();
  refuse();
  await open(page, 'Sam Rivera');
  await page.waitForFunction(
    () => document.querySelector('textarea')?.value === 'Hello Sam\nand another thing',
  );
});
