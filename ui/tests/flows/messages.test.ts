import type { Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { MessageRow } from '../../src/contract/MessageRow';
import { refusal, type FakeCore } from '../fake/core';
import { maya, message, quoteOf, rowOf, sam } from '../fake/people';
import { mayaAtHerDesk, WITH_SAM } from '../fake/scenario';
import { scrollUpTo } from './scrolling';
import { Stage } from './stage';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.raise();
});
afterEach(() => expect(stage.complaints).toEqual([]));
afterAll(() => stage.fall());

const composer = (page: Page) => page.getByRole('textbox', { name: /^(Write to|Change your)/ });
const bubble = (page: Page, words: string) =>
  page.locator('[data-message]').filter({ hasText: words }).first();
const openSam = (page: Page) =>
  page
    .getByRole('button', { name: /Sam Rivera/ })
    .first()
    .click();
const inBox = (page: Page, words: string) =>
  page.waitForFunction((text) => document.querySelector('textarea')?.value === text, words);

/** Changes one message of Sam's conversation before the page is there. */
function given(core: FakeCore, seq: number, changes: Partial<MessageRow>): void {
  const rows = core.messages.get(WITH_SAM) ?? [];
  core.messages.set(
    WITH_SAM,
    rows.map((row) => (row.seq === seq ? { ...row, ...changes } : row)),
  );
}

test('a message is answered: from its button, with the quote above the box, to the quote in the bubble', async () => {
  const page = await stage.play(mayaAtHerDesk);
  await openSam(page);
  await bubble(page, 'my answer was right').hover();
  await page.getByRole('button', { name: 'Reply' }).click();
  await page.locator('form').getByText('Oh! Then my answer was right after all.').waitFor();
  await page.waitForFunction(() => document.activeElement?.tagName === 'TEXTAREA');
  await page.keyboard.type('As I said');
  await page.keyboard.press('Enter');
  await stage.core.waitFor('messages.send');
  expect(stage.core.askedFor('messages.send')).toEqual([
    { conversation: WITH_SAM, text: 'As I said', reply_to: 'message-9-person-sam', files: [] },
  ]);
  await bubble(page, 'As I said')
    .getByRole('button', { name: /Answers Sam Rivera: Oh! Then/ })
    .waitFor();
  await page.locator('form').getByText('Oh! Then').waitFor({ state: 'detached' });
});

test('Escape answers nothing, and keeps what was written', async () => {
  const page = await stage.play(mayaAtHerDesk);
  await openSam(page);
  await composer(page).fill('Half a sentence');
  await bubble(page, 'my answer was right').click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Reply' }).click();
  const cancel = page.getByRole('button', { name: 'Answer nothing' });
  await cancel.waitFor();
  await page.waitForFunction(() => document.activeElement?.tagName === 'TEXTAREA');
  await page.keyboard.press('Escape');
  await cancel.waitFor({ state: 'detached' });
  expect(await composer(page).inputValue()).toBe('Half a sentence');
});

test('a quote leads to its message, also where it has to be read first', async () => {
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    const start = Date.now() - 900 * 60_000;
    const rows = Array.from({ length: 800 }, (_, index) =>
      message(index + 1, sam, `message ${index + 1} of Sam`, start + index * 60_000, 'received'),
    );
    const [, , far] = rows;
    const last = rows.at(-1);
    if (far && last) last.reply = quoteOf(far, sam.name);
    core.messages.set(WITH_SAM, rows);
    core.conversations = core.conversations.map((row) =>
      row.id === WITH_SAM ? rowOf(row.id, row.other, row.course, rows) : row,
    );
  });
  await openSam(page);
  await page.getByRole('button', { name: /Answers Sam Rivera: message 3 of Sam/ }).click();
  const found = page.locator('[data-message="message-3-person-sam"]');
  await found.waitFor();
  await page.waitForFunction(() => {
    const log = document.querySelector('[role=log]')?.getBoundingClientRect();
    const box = document.querySelector('[data-message="message-3-person-sam"]')?.getBoundingClientRect();
    return log && box && box.top >= log.top && box.bottom <= log.bottom;
  });
  await page.waitForFunction(
    () => document.activeElement?.getAttribute('data-message') === 'message-3-person-sam',
  );
});

test('a quote of a message that is not on this computer says so, and leads nowhere', async () => {
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    given(core, 9, {
      reply: {
        id: 'elsewhere',
        seq: null,
        author: '',
        mine: false,
        content: { type: 'unknown' },
        files: 0,
        file: '',
      },
    });
  });
  await openSam(page);
  await bubble(page, 'my answer was right').getByText('An earlier message').waitFor();
  expect(await page.getByRole('button', { name: /^Answers/ }).count()).toBe(0);
});

test('Arrow-up in an empty box changes the last own message, and its trace can be read', async () => {
  const page = await stage.play(mayaAtHerDesk);
  await openSam(page);
  await composer(page).press('ArrowUp');
  await page.getByText('You change your message').waitFor();
  await inBox(page, 'It was. Well done.');
  await composer(page).fill('It was. Very well done!');
  await page.keyboard.press('Enter');
  await stage.core.waitFor('messages.edit');
  expect(stage.core.askedFor('messages.edit')).toEqual([
    { conversation: WITH_SAM, id: 'message-10-person-maya', text: 'It was. Very well done!' },
  ]);
  await inBox(page, '');
  await bubble(page, 'Very well done!').getByRole('button', { name: 'edited' }).click();
  const dialog = page.getByRole('dialog', { name: 'Earlier wordings' });
  await dialog.getByText('It was. Well done.').waitFor();
  await dialog.getByText('It was. Very well done!').waitFor();
  await dialog.getByRole('button', { name: 'Close' }).click();
  await dialog.waitFor({ state: 'detached' });
});

test('Escape leaves a message as it was, and the draft comes back', async () => {
  const page = await stage.play(mayaAtHerDesk);
  await openSam(page);
  await composer(page).fill('My draft');
  await bubble(page, 'Well done').click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Edit' }).click();
  await inBox(page, 'It was. Well done.');
  await composer(page).fill('Something else');
  await page.keyboard.press('Escape');
  await inBox(page, 'My draft');
  // Unchanged words are no change.
  await composer(page).fill('');
  await page.keyboard.press('ArrowUp');
  await inBox(page, 'It was. Well done.');
  await page.keyboard.press('Enter');
  await inBox(page, '');
  expect(stage.core.askedFor('messages.edit')).toEqual([]);
});

test('words that the disk refused stay in the box to be changed', async () => {
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    core.answers['messages.edit'] = () => {
      throw refusal('storage');
    };
  });
  await openSam(page);
  await composer(page).press('ArrowUp');
  await inBox(page, 'It was. Well done.');
  await composer(page).fill('Better words');
  await page.keyboard.press('Enter');
  await page.getByText('Your disk does not take any more.').waitFor();
  expect(await composer(page).inputValue()).toBe('Better words');
  await page.getByText('You change your message').waitFor();
});

test('deleting asks first, and leaves a quiet line', async () => {
  const page = await stage.play(mayaAtHerDesk);
  await openSam(page);
  await bubble(page, 'Well done').hover();
  await page.getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  const dialog = page.getByRole('dialog', { name: 'Delete this message?' });
  await dialog.getByText('It was. Well done.').waitFor();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await dialog.waitFor({ state: 'detached' });
  expect(stage.core.askedFor('messages.delete')).toEqual([]);
  await bubble(page, 'Well done').click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('log').getByText('This message was deleted').waitFor();
  expect(stage.core.askedFor('messages.delete')).toEqual([
    { conversation: WITH_SAM, id: 'message-10-person-maya' },
  ]);
  // Nothing can be done with it anymore.
  await bubble(page, 'was deleted').hover();
  expect(await page.getByRole('toolbar').count()).toBe(0);
});

test("what is not one's own cannot be changed or deleted", async () => {
  const page = await stage.play(mayaAtHerDesk);
  await openSam(page);
  await bubble(page, 'my answer was right').click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Copy text' }).waitFor();
  expect(await page.getByRole('menuitem', { name: /Edit|Delete/ }).count()).toBe(0);
});

test('an emoji is given in two clicks, counted with its people, and taken back with one', async () => {
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    given(core, 10, { reactions: [{ emoji: '🎉', count: 1, mine: false, people: [sam.name] }] });
  });
  await openSam(page);
  await bubble(page, 'Well done').hover();
  await page.getByRole('toolbar').getByRole('button', { name: 'React' }).click();
  await page.getByRole('button', { name: 'React with 🎉' }).click();
  const given2 = page.getByRole('button', { name: '🎉 2: You, Sam Rivera' });
  await given2.waitFor();
  expect(await given2.getAttribute('aria-pressed')).toBe('true');
  await given2.click();
  await page.getByRole('button', { name: '🎉 1: Sam Rivera' }).waitFor();
  expect(stage.core.askedFor('messages.react').map(({ emoji, on }) => [emoji, on])).toEqual([
    ['🎉', true],
    ['🎉', false],
  ]);
  await page.mouse.move(400, 300);
  await page.getByRole('button', { name: '🎉 1: Sam Rivera' }).hover();
  await page.locator('.tooltip').getByText('Sam Rivera').waitFor();
});

test('all of it goes without a mouse', async () => {
  const page = await stage.play(mayaAtHerDesk);
  await openSam(page);
  await composer(page).waitFor();
  const focused = () => page.evaluate(() => document.activeElement?.getAttribute('data-message'));
  await page.getByRole('log').focus();
  await page.keyboard.press('ArrowUp');
  await page.waitForFunction(
    () => document.activeElement?.getAttribute('data-message') === 'message-10-person-maya',
  );
  await page.keyboard.press('ArrowUp');
  await page.waitForFunction(
    () => document.activeElement?.getAttribute('data-message') === 'message-9-person-sam',
  );
  // An emoji.
  await page.keyboard.press('+');
  await page.getByRole('button', { name: 'React with 👍' }).waitFor();
  await page.waitForFunction(() => document.activeElement?.getAttribute('aria-label') === 'React with 👍');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: '❤️ 1: You' }).waitFor();
  await page.waitForFunction(
    () => document.activeElement?.getAttribute('data-message') === 'message-9-person-sam',
  );
  // The menu, closed again.
  await page.keyboard.press('Enter');
  await page.getByRole('menuitem', { name: 'Reply' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('menuitem', { name: 'Reply' }).waitFor({ state: 'detached' });
  await page.waitForFunction(
    () => document.activeElement?.getAttribute('data-message') === 'message-9-person-sam',
  );
  // An own one is changed, and left alone.
  await page.keyboard.press('ArrowDown');
  expect(await focused()).toBe('message-10-person-maya');
  await page.keyboard.press('e');
  await inBox(page, 'It was. Well done.');
  await page.keyboard.press('Escape');
  // An answer.
  await page.getByRole('log').focus();
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('r');
  await page.getByRole('button', { name: 'Answer nothing' }).waitFor();
  await page.keyboard.press('Escape');
  // And taken back, after being asked.
  await page.getByRole('log').focus();
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Delete');
  await page.getByRole('dialog', { name: 'Delete this message?' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  expect(stage.core.askedFor('messages.delete')).toEqual([]);
});

test('the keys that the menu names act in it', async () => {
  const page = await stage.play(mayaAtHerDesk);
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await openSam(page);
  const menu = page.getByRole('menu', { name: 'What you can do with this message' });
  const press = async (words: string, key: string) => {
    await bubble(page, words).click({ button: 'right' });
    await menu.waitFor();
    await page.keyboard.press(key);
    await menu.waitFor({ state: 'detached' });
  };
  await press('Well done', 'e');
  await inBox(page, 'It was. Well done.');
  await page.keyboard.press('Escape');
  await inBox(page, '');
  await press('my answer was right', 'r');
  await page.getByRole('button', { name: 'Answer nothing' }).waitFor();
  await page.waitForFunction(() => document.activeElement?.tagName === 'TEXTAREA');
  await page.keyboard.press('Escape');
  await press('Well done', 'c');
  await page.waitForFunction(async () => (await navigator.clipboard.readText()) === 'It was. Well done.');
  await press('my answer was right', '+');
  await page.getByRole('button', { name: 'React with 👍' }).waitFor();
  await page.keyboard.press('Escape');
  await press('Well done', 'Delete');
  await page.getByRole('dialog', { name: 'Delete this message?' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  // What may not be done with this message has no key either.
  await bubble(page, 'my answer was right').click({ button: 'right' });
  await menu.waitFor();
  await page.keyboard.press('Delete');
  await page.keyboard.press('ArrowDown');
  await page.getByRole('menuitem', { name: 'Reply' }).and(page.locator('[data-highlighted]')).waitFor();
});

test("the webview's own menu opens only where something is written or marked", async () => {
  const page = await stage.play(mayaAtHerDesk);
  await openSam(page);
  await bubble(page, 'Well done').waitFor();
  await page.evaluate(() => {
    window.addEventListener('contextmenu', (event) => {
      document.body.dataset['webMenu'] = String(!event.defaultPrevented);
    });
  });
  const opens = async (target: Locator, position?: { x: number; y: number }) => {
    await page.evaluate(() => delete document.body.dataset['webMenu']);
    await target.click({ button: 'right', ...(position && { position }) });
    const opened = await page.evaluate(() => document.body.dataset['webMenu']);
    await page.keyboard.press('Escape');
    return opened;
  };
  expect(await opens(page.getByRole('navigation').first(), { x: 8, y: 300 })).toBe('false');
  expect(await opens(page.locator('.day').first())).toBe('false');
  expect(await opens(page.locator('main > header'))).toBe('false');
  expect(await opens(bubble(page, 'Well done'), { x: 30, y: 10 }), 'beside a bubble').toBe('false');
  await page.getByRole('menu').waitFor({ state: 'detached' });
  expect(await opens(composer(page))).toBe('true');
  expect(await opens(page.getByRole('searchbox', { name: 'Search' }))).toBe('true');
});

test('a change that waits is said, and one that was refused can be tried again or discarded', async () => {
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    given(core, 7, { pending: true, edited: true });
    given(core, 10, { trouble: { op: 'op-1', kind: 'edit', error: refusal('not_allowed') } });
  });
  await openSam(page);
  await bubble(page, 'defective matrix')
    .getByRole('img', { name: 'Your change is sent when you are connected' })
    .waitFor();
  const refused = bubble(page, 'Well done').getByRole('alert');
  await refused.getByText('Your new words were not taken. You may not do this.').waitFor();
  await refused.getByRole('button', { name: 'Try again' }).click();
  await stage.core.waitFor('messages.retry');
  await refused.getByRole('button', { name: 'Discard' }).click();
  await stage.core.waitFor('messages.discard');
  expect(stage.core.askedFor('messages.retry')).toEqual([{ id: 'op-1' }]);
  expect(stage.core.askedFor('messages.discard')).toEqual([{ id: 'op-1' }]);
});

test('a change that the disk refused is said below the messages', async () => {
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    given(core, 10, { reactions: [{ emoji: '🎉', count: 1, mine: false, people: [sam.name] }] });
    core.answers['messages.react'] = () => {
      throw refusal('storage');
    };
  });
  await openSam(page);
  await page.getByRole('button', { name: '🎉 1: Sam Rivera' }).click();
  await page.getByText('Your disk does not take any more.').waitFor();
});

test('what Sam changes far back is seen when Maya scrolls there', async () => {
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    const start = Date.now() - 300 * 60_000;
    const rows = Array.from({ length: 250 }, (_, index) =>
      message(index + 1, index % 2 ? maya : sam, `message ${index + 1}.`, start + index * 60_000, 'received'),
    );
    core.messages.set(WITH_SAM, rows);
  });
  await openSam(page);
  const log = page.getByRole('log');
  await log.getByText('message 250.').waitFor();
  await scrollUpTo(page, 'message 21.');
  await page.getByRole('button', { name: 'To the newest message' }).click();
  await log.getByText('message 250.').waitFor();
  const asked = stage.core.askedFor('messages.page').length;
  stage.core.changeOne(WITH_SAM, 'message-21-person-sam', (row) => ({
    ...row,
    content: { type: 'text', text: 'other words' },
    edited: true,
  }));
  await stage.core.waitFor('messages.page', asked + 1);
  await scrollUpTo(page, 'message 22.');
  await log.getByText('other words').waitFor();
});

test('who is typing is said in the header and in the list, and what was begun elsewhere too', async () => {
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    core.drafts.set(WITH_SAM, { text: 'As for number 4,', reply_to: 'message-3-person-sam', files: [] });
    core.changeLine(WITH_SAM, { draft: 'As for number 4,' });
  });
  await page.getByText('Draft: As for number 4,').waitFor();
  await openSam(page);
  await inBox(page, 'As for number 4,');
  await page.locator('form').getByText('Number 4. I get a double root').waitFor();
  await page.getByText('Draft:').waitFor({ state: 'detached' });
  stage.core.changeLine(WITH_SAM, { typing: true });
  await page.getByText('Sam Rivera is typing…').waitFor();
  await page.getByRole('navigation').getByText('typing…').waitFor();
  stage.core.changeLine(WITH_SAM, { typing: false });
  await page.getByText('typing…').first().waitFor({ state: 'detached' });
});

test('typing is told to the core, and a draft is kept and shown in the list', async () => {
  const page = await stage.play(mayaAtHerDesk);
  await openSam(page);
  await composer(page).pressSequentially('Hello');
  await stage.core.waitFor('conversations.typing');
  await stage.core.waitFor('conversations.keep_draft');
  await composer(page).pressSequentially(' Sam');
  await page
    .getByRole('button', { name: /Lin Zhang/ })
    .first()
    .click();
  await page.getByText('Draft: Hello Sam').waitFor();
  expect(stage.core.askedFor('conversations.typing')).toEqual([
    { conversation: WITH_SAM, on: true },
    { conversation: WITH_SAM, on: false },
  ]);
  await openSam(page);
  await inBox(page, 'Hello Sam');
  await page.keyboard.press('Enter');
  await stage.core.waitFor('messages.send');
  await inBox(page, '');
  while (stage.core.drafts.get(WITH_SAM)?.text !== '') {
    await stage.core.waitFor(
      'conversations.keep_draft',
      stage.core.askedFor('conversations.keep_draft').length + 1,
    );
  }
});

test('the title counts what comes while Maya looks elsewhere', async () => {
  const page = await stage.play(mayaAtHerDesk);
  await page.waitForFunction(() => document.title === '(2) Conversations – InstantMentor');
  stage.core.add(WITH_SAM, message(11, sam, 'One more thing', Date.now(), 'received'));
  await page.waitForFunction(() => document.title === '(3) Conversations – InstantMentor');
  await page.getByRole('button', { name: 'Settings', exact: true }).click();
  await page.waitForFunction(() => document.title === '(3) Settings – InstantMentor');
});
