import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { refusal, type FakeCore } from '../fake/core';
import { message, rowOf, sam } from '../fake/people';
import { mayaAtHerDesk, WITH_SAM } from '../fake/scenario';
import { searched } from '../fake/search';
import { Stage } from './stage';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.raise();
});
afterEach(() => expect(stage.complaints).toEqual([]));
afterAll(() => stage.fall());

const field = (page: Page) => page.getByRole('searchbox', { name: 'Search' });
const hits = (page: Page) => page.locator('[data-hit]');

/** Sam has written so many messages, a minute apart. */
function samWrote(core: FakeCore, count: number): void {
  mayaAtHerDesk(core);
  const start = Date.now() - count * 60_000;
  const rows = Array.from({ length: count }, (_, index) =>
    message(index + 1, sam, `message ${index + 1} of Sam`, start + index * 60_000, 'received'),
  );
  core.messages.set(WITH_SAM, rows);
  core.conversations = core.conversations.map((row) =>
    row.id === WITH_SAM ? rowOf(row.id, row.other, row.course, rows) : row,
  );
}

test('what is typed finds messages, marked, and a hit leads to its message and back to the newest one', async () => {
  const page = await stage.play((core) => samWrote(core, 3_000));
  await field(page).waitFor();
  await page.keyboard.press('Control+f');
  await page.getByText('Search all your messages').waitFor();
  await page.keyboard.type('message 17 of');
  // Enter is for what was typed, whatever stands there still.
  await page.keyboard.press('Enter');
  const found = page.locator('[data-message="message-17-person-sam"]');
  await found.waitFor();
  await page.waitForFunction(() => {
    const log = document.querySelector('[role=log]')?.getBoundingClientRect();
    const box = document.querySelector('[data-message="message-17-person-sam"]')?.getBoundingClientRect();
    return log && box && box.top >= log.top && box.bottom <= log.bottom;
  });
  expect(await hits(page).first().locator('mark').innerText()).toBe('message 17 of');
  // The results stay beside it, and what comes meanwhile does not move anything.
  expect(await hits(page).count()).toBe(1);
  const top = await found.evaluate((box) => box.getBoundingClientRect().top);
  stage.core.add(WITH_SAM, message(3_001, sam, 'brand new', Date.now(), 'received'));
  const button = page.getByRole('button', { name: '1 new message', exact: true });
  await button.waitFor();
  expect(
    Math.abs((await found.evaluate((box) => box.getBoundingClientRect().top)) - top),
  ).toBeLessThanOrEqual(2);
  await button.click();
  await page.getByRole('log').getByText('brand new').waitFor();
  await page.getByRole('button', { name: 'To the newest message' }).waitFor({ state: 'detached' });
});

test('in the conversation that is open a hit is led to as well, as often as it is chosen', async () => {
  const page = await stage.play((core) => samWrote(core, 500));
  await page
    .getByRole('button', { name: /Sam Rivera/ })
    .first()
    .click();
  await page.getByRole('log').getByText('message 500 of Sam').waitFor();
  await field(page).fill('message 3 of');
  for (let times = 0; times < 2; times++) {
    await hits(page).first().click();
    await page.waitForFunction(
      () => document.activeElement?.getAttribute('data-message') === 'message-3-person-sam',
    );
    await page.getByRole('button', { name: 'To the newest message' }).click();
    await page.getByRole('log').getByText('message 500 of Sam').waitFor();
  }
});

test('more hits are read as somebody scrolls', async () => {
  const page = await stage.play((core) => samWrote(core, 130));
  await field(page).fill('of sam');
  await hits(page).first().waitFor();
  expect(await hits(page).count()).toBe(50);
  await hits(page).last().scrollIntoViewIfNeeded();
  await page.waitForFunction(() => document.querySelectorAll('[data-hit]').length === 100);
  await hits(page).last().scrollIntoViewIfNeeded();
  await page.waitForFunction(() => document.querySelectorAll('[data-hit]').length === 130);
});

test('a search is narrowed by person, side, days and files, by keyboard alone', async () => {
  const page = await stage.play(mayaAtHerDesk);
  await field(page).waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('you');
  await hits(page).first().waitFor();
  await page.getByRole('button', { name: 'Person' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('menuitemradio', { name: 'Lin Zhang' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Written by' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('menuitemradio', { name: 'By me' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Date' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('menuitem', { name: 'Choose days…' }).focus();
  await page.keyboard.press('Enter');
  await page.getByLabel('First day').fill('2026-01-02');
  await page.getByLabel('Last day').fill('2026-01-01');
  await page.keyboard.press('Enter');
  await page.getByText('The last day is before the first one.').waitFor();
  await page.getByLabel('Last day').fill('2026-01-03');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Has files' }).press('Enter');
  await page.getByText('Nothing found').waitFor();
  const asked = stage.core.askedFor('messages.search').at(-1);
  expect(asked).toMatchObject({ words: 'you', person: 'person-lin', by: 'me', files: true, before: null });
  expect((asked?.until ?? 0) - (asked?.from ?? 0)).toBe(2 * 86_400_000);
  await field(page).press('Escape');
  await page.getByRole('button', { name: /Ada/ }).waitFor();
});

test('a search that fails says so, and one that is behind says so too', async () => {
  let fails = true;
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    core.answers['messages.search'] = () => {
      if (fails) throw refusal('storage');
      return { hits: [], next: null, indexing: true };
    };
  });
  await field(page).fill('zebra');
  await page.getByText('The search did not work').waitFor();
  fails = false;
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByText('Older messages are still being made searchable.').waitFor();
});

test('only what was typed last is searched for while an answer is awaited', async () => {
  let letGo: () => void = () => undefined;
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    core.answers['messages.search'] = async () => {
      await new Promise<void>((resolve) => (letGo = resolve));
      return { hits: [], next: null, indexing: false };
    };
  });
  await field(page).pressSequentially('zebra');
  await stage.core.waitFor('messages.search');
  letGo();
  await stage.core.waitFor('messages.search', 2);
  letGo();
  await page.getByText('Nothing found').waitFor();
  expect(stage.core.askedFor('messages.search').map((asked) => asked.words)).toEqual(['z', 'zebra']);
});

test('Enter opens the first hit of what was typed last, and not one that still stands there', async () => {
  let letGo: () => void = () => undefined;
  const page = await stage.play((core) => {
    samWrote(core, 30);
    core.answers['messages.search'] = async (args) => {
      await new Promise<void>((resolve) => (letGo = resolve));
      return searched(core.messages, core.conversations, args);
    };
  });
  await field(page).fill('message 30 of');
  await stage.core.waitFor('messages.search');
  letGo();
  await hits(page).first().waitFor();
  await field(page).fill('message 2 of');
  await field(page).press('Enter');
  await stage.core.waitFor('messages.search', 2);
  letGo();
  await page.waitForFunction(
    () => document.activeElement?.getAttribute('data-message') === 'message-2-person-sam',
  );
});

test('below 900 pixels the search comes before the open conversation, and a hit brings it back', async () => {
  const page = await stage.play(mayaAtHerDesk, { width: 800, height: 600 });
  await page.getByRole('button', { name: /Sam Rivera/ }).click();
  await page.getByRole('textbox', { name: 'Write to Sam Rivera' }).waitFor();
  await page.keyboard.press('Control+f');
  await field(page).fill('lifetimes');
  await hits(page).first().click();
  await page.getByRole('textbox', { name: 'Write to Lin Zhang' }).waitFor();
});
