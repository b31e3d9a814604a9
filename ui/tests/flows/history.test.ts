import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { FakeCore } from '../fake/core';
import { pageOf } from '../fake/pages';
import { message, rowOf, sam } from '../fake/people';
import { mayaAtHerDesk, WITH_SAM } from '../fake/scenario';
import { Stage } from './stage';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.raise();
});
afterEach(() => expect(stage.complaints).toEqual([]));
afterAll(() => stage.fall());

const MANY = 100_000;

/** Sam has written so many messages, of different heights. */
function samWrote(core: FakeCore, count: number): void {
  mayaAtHerDesk(core);
  const start = Date.now() - count * 60_000;
  const rows = Array.from({ length: count }, (_, index) => {
    const more = ' and so on'.repeat((index * 7) % 40);
    return message(index + 1, sam, `message ${index + 1}${more}`, start + index * 60_000, 'received');
  });
  core.messages.set(WITH_SAM, rows);
  core.conversations = core.conversations.map((row) =>
    row.id === WITH_SAM ? rowOf(row.id, row.other, row.course, rows) : row,
  );
}

const openSam = (page: Page) =>
  page
    .getByRole('button', { name: /Sam Rivera/ })
    .first()
    .click();

/** The places of the messages on screen, from the top. */
const onScreen = (page: Page) =>
  page.evaluate(() => {
    const log = document.querySelector('[role=log]')?.getBoundingClientRect();
    if (!log) return [];
    return Array.from(document.querySelectorAll<HTMLElement>('[data-message]'))
      .map((row) => ({ box: row.getBoundingClientRect(), id: row.dataset['message'] ?? '' }))
      .filter(({ box }) => box.bottom > log.top && box.top < log.bottom)
      .sort((a, b) => a.box.top - b.box.top)
      .map(({ id }) => Number(id.split('-')[1]));
  });

/** Lets the page draw what it has. */
const drawn = (page: Page) =>
  page.evaluate(async () => {
    for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame);
  });

/**
 * Whether there is no part of the list on which nothing is drawn. On a busy machine older rows may come some frames
 * late; each frame is looked at by the bench of the page.
 */
const isCovered = (page: Page) =>
  page.evaluate(() => {
    const log = document.querySelector('[role=log]')?.getBoundingClientRect();
    if (!log) return false;
    const rows = Array.from(document.querySelectorAll('[data-message], .day, .new'), (row) =>
      row.getBoundingClientRect(),
    ).filter((box) => box.height > 0);
    for (let y = log.top + 12; y < log.bottom - 24; y += 12) {
      if (!rows.some((box) => box.top - 12 <= y && box.bottom + 12 >= y)) return false;
    }
    return true;
  });

test('of 100,000 messages only a window is there, and scrolling through it shows no gap either way', async () => {
  const page = await stage.play((core) => samWrote(core, MANY));
  await openSam(page);
  await page.getByRole('log').getByText(`message ${MANY}`).waitFor();
  await page.getByRole('log').hover();
  let before = (await onScreen(page))[0] ?? 0;
  for (let turn = 0; turn < 60; turn++) {
    await page.mouse.wheel(0, -1_500);
    await drawn(page);
    await expect.poll(() => isCovered(page), { message: `drawn after ${turn} turns up` }).toBe(true);
    const seen = await onScreen(page);
    // In order, each next to the other.
    expect(seen).toEqual(seen.map((_, index) => (seen[0] ?? 0) + index));
    expect(seen[0]).toBeLessThanOrEqual(before);
    before = seen[0] ?? 0;
  }
  expect(before).toBeLessThan(MANY - 1_000);
  for (let turn = 0; turn < 20; turn++) {
    await page.mouse.wheel(0, 1_500);
    await drawn(page);
    await expect.poll(() => isCovered(page), { message: `drawn after ${turn} turns down` }).toBe(true);
    const seen = await onScreen(page);
    expect(seen).toEqual(seen.map((_, index) => (seen[0] ?? 0) + index));
    expect(seen[0]).toBeGreaterThanOrEqual(before);
    before = seen[0] ?? 0;
  }
  expect(await page.locator('[data-message]').count()).toBeLessThan(200);
  await page.getByRole('button', { name: 'To the newest message' }).click();
  await page.getByRole('log').getByText(`message ${MANY}`).waitFor();
});

test('opens at the first unread message however far back it is, with the line above it', async () => {
  const page = await stage.play((core) => {
    samWrote(core, MANY);
    core.firstUnread.set(WITH_SAM, 40_000);
  });
  await openSam(page);
  await page.getByText('New', { exact: true }).waitFor();
  await page.waitForFunction(() => {
    const log = document.querySelector('[role=log]')?.getBoundingClientRect();
    const line = document.querySelector('.new')?.getBoundingClientRect();
    return log && line && line.top >= log.top - 24 && line.top < log.top + 120;
  });
  expect(await onScreen(page)).toContain(40_000);
});

test('where the history on this computer ends it says so, and goes on with the connection', async () => {
  let here = false;
  const page = await stage.play((core) => {
    samWrote(core, 300);
    core.connection = { ...core.connection, state: 'waiting', retry_in_ms: 9_000 };
    core.answers['messages.page'] = (args) => {
      const rows = core.messages.get(WITH_SAM) ?? [];
      const known = here ? rows : rows.slice(200);
      const page = pageOf(known, args);
      return { ...page, more: page.more || !here };
    };
  });
  await openSam(page);
  await page.getByRole('log').hover();
  const words = page.getByText('Older messages are not on this computer right now.');
  for (let turn = 0; turn < 12 && !(await words.isVisible()); turn++) {
    await page.mouse.wheel(0, -2_000);
    await drawn(page);
  }
  await words.waitFor();
  const [top] = await onScreen(page);
  here = true;
  stage.core.setConnection({ state: 'online', retry_in_ms: null });
  await words.waitFor({ state: 'detached' });
  await page.mouse.wheel(0, -400);
  await page.waitForFunction(
    (first) =>
      Array.from(document.querySelectorAll<HTMLElement>('[data-message]')).some(
        (row) => Number(row.dataset['message']?.split('-')[1]) < first,
      ),
    top ?? 0,
  );
});

test('a hit that is not on this computer says so and leaves the person where they are', async () => {
  const page = await stage.play((core) => {
    samWrote(core, 300);
    core.answers['messages.page'] = (args) =>
      args.around === undefined
        ? pageOf(core.messages.get(WITH_SAM) ?? [], args)
        : { messages: [], more: true, newer: true, first_unread_seq: null };
  });
  await openSam(page);
  await page.getByRole('log').getByText('message 300').waitFor();
  await page.getByRole('searchbox', { name: 'Search' }).fill('message 17 ');
  await page.locator('[data-hit]').last().click();
  await page.getByText('This message is not on this computer right now.').waitFor();
  expect(await onScreen(page)).toContain(300);
});

/** Goes to the settings, and back to the conversations. */
async function elsewhere(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Settings', exact: true }).click();
  await page.getByRole('heading', { name: 'Settings', level: 1 }).waitFor();
  await page.getByRole('button', { name: /^Conversations/ }).click();
  await page.getByRole('log').locator('[data-message]').first().waitFor();
  await drawn(page);
}

/** How far each message on screen is below the upper edge of the list, in pixels. */
const heights = (page: Page) =>
  page.evaluate(() => {
    const top = document.querySelector('[role=log]')?.getBoundingClientRect().top ?? 0;
    return Object.fromEntries(
      Array.from(document.querySelectorAll<HTMLElement>('[data-message]'), (row) => [
        row.dataset['message'] ?? '',
        Math.round(row.getBoundingClientRect().top - top),
      ]),
    );
  });

test('who comes back from another place finds the conversation as they left it', async () => {
  const page = await stage.play((core) => {
    samWrote(core, 300);
    core.firstUnread.set(WITH_SAM, 200);
  });
  const line = page.getByText('New', { exact: true });
  await openSam(page);
  await line.waitFor();
  await page.getByRole('button', { name: /newest message|new messages/ }).click();
  await page.getByRole('log').getByText('message 300').waitFor();
  await drawn(page);
  await elsewhere(page);
  expect(await onScreen(page), 'left at the end').toContain(300);
  await page.getByRole('log').hover();
  await page.mouse.wheel(0, -3_000);
  await page.getByRole('button', { name: 'To the newest message' }).waitFor();
  await drawn(page);
  const seen = await onScreen(page);
  const before = (await heights(page))[`message-${seen[2]}-person-sam`];
  await elsewhere(page);
  expect(await onScreen(page), 'left further up').toEqual(seen);
  expect((await heights(page))[`message-${seen[2]}-person-sam`]).toBe(before);
  expect(await line.count(), 'all was read').toBe(0);
});

test('what came while the person was elsewhere stands below the line for new ones', async () => {
  const page = await stage.play((core) => samWrote(core, 300));
  await openSam(page);
  await page.getByRole('log').getByText('message 300').waitFor();
  await stage.core.waitFor('conversations.read');
  const pages = stage.core.askedFor('messages.page').length;
  await page.getByRole('button', { name: 'Settings', exact: true }).click();
  await page.getByRole('heading', { name: 'Settings', level: 1 }).waitFor();
  for (let n = 301; n <= 340; n++) {
    stage.core.add(WITH_SAM, message(n, sam, `message ${n}`, Date.now(), 'received'));
  }
  await stage.core.waitFor('messages.page', pages + 1);
  await page.getByRole('button', { name: /^Conversations/ }).click();
  await page.getByText('New', { exact: true }).waitFor();
  await drawn(page);
  const seen = await onScreen(page);
  // The line is a little below the upper edge.
  expect(seen.slice(0, 2)).toContain(301);
  expect(seen).not.toContain(340);
  await page.getByRole('textbox', { name: /^Write to/ }).fill('All read');
  await page.keyboard.press('Enter');
  await page.getByText('New', { exact: true }).waitFor({ state: 'detached' });
});

test('a message that somebody was led to does not call them back', async () => {
  const page = await stage.play((core) => samWrote(core, 300));
  await openSam(page);
  await page.getByRole('log').getByText('message 300').waitFor();
  await page.getByRole('searchbox', { name: 'Search' }).fill('message 250 ');
  await page.locator('[data-hit]').last().click();
  await page.getByRole('log').getByText('message 250 ').waitFor();
  await page.getByRole('button', { name: 'To the newest message' }).click();
  await page.getByRole('log').getByText('message 300').waitFor();
  await drawn(page);
  await elsewhere(page);
  expect(await onScreen(page)).toContain(300);
});
