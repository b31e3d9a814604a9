import type { Page } from 'playwright-core';
import { refusal } from '../../fake/core';
import { message, rowOf, sam } from '../../fake/people';
import { richTalk } from '../../fake/rich';
import { mayaAtHerDesk, WITH_SAM } from '../../fake/scenario';
import type { View } from './view';

const type = (words: string) => async (page: Page) => {
  await page.getByRole('button', { name: /Sam Rivera/ }).waitFor();
  await page.keyboard.press('Control+f');
  await page.keyboard.type(words);
};

/** Searching, in all its states. */
export const SEARCH_VIEWS: View[] = [
  { name: 'search-first', scenario: mayaAtHerDesk, go: type('') },
  {
    name: 'search',
    scenario: (core) => {
      mayaAtHerDesk(core);
      richTalk(core);
    },
    go: async (page) => {
      await type('you')(page);
      await page.locator('[data-hit]').nth(1).click();
    },
  },
  {
    name: 'search-filters',
    scenario: mayaAtHerDesk,
    go: async (page) => {
      await type('a')(page);
      await page.getByRole('button', { name: 'Has files' }).click();
      await page.getByRole('button', { name: 'Has files' }).click();
      await page.getByRole('button', { name: 'Person' }).click();
      await page.getByRole('menuitemradio', { name: 'Lin Zhang' }).click();
      await page.getByRole('button', { name: 'Date' }).click();
      await page.getByRole('menuitem', { name: 'Choose days…' }).waitFor();
    },
  },
  {
    name: 'search-days',
    scenario: mayaAtHerDesk,
    go: async (page) => {
      await type('a')(page);
      await page.getByRole('button', { name: 'Date' }).click();
      await page.getByRole('menuitem', { name: 'Choose days…' }).click();
      await page.getByRole('dialog').waitFor();
    },
  },
  {
    name: 'search-nothing',
    scenario: (core) => {
      mayaAtHerDesk(core);
      core.answers['messages.search'] = () => ({ hits: [], next: null, indexing: true });
    },
    go: type('zebra'),
  },
  {
    name: 'search-error',
    scenario: (core) => {
      mayaAtHerDesk(core);
      core.answers['messages.search'] = () => {
        throw refusal('storage');
      };
    },
    go: type('zebra'),
  },
  {
    name: 'history-far-back',
    scenario: (core) => {
      mayaAtHerDesk(core);
      const start = Date.now() - 600 * 60_000;
      const rows = Array.from({ length: 600 }, (_, index) =>
        message(index + 1, sam, `Step ${index + 1}: that is done`, start + index * 60_000, 'received'),
      );
      core.messages.set(WITH_SAM, rows);
      core.conversations = core.conversations.map((row) =>
        row.id === WITH_SAM ? rowOf(row.id, row.other, row.course, rows) : row,
      );
    },
    go: async (page) => {
      await type('step 17:')(page);
      await page.locator('[data-hit]').first().click();
      await page.locator('.found').waitFor();
    },
  },
];
