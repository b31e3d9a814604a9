import { mayaAtHerDesk, adaAtTheDesk, samAtHome, WITH_SAM } from '../../fake/scenario';
import type { FakeCore } from '../../fake/core';
import type { Page } from 'playwright-core';
import { open, type View } from './view';

const people = open('People and courses');

async function algebra(page: Page): Promise<void> {
  await people(page);
  await open('^Linear algebra')(page);
  await page.getByRole('heading', { name: 'Linear algebra' }).waitFor();
}

function closed(why: 'untied' | 'blocked') {
  return (core: FakeCore) => {
    samAtHome(core);
    const rows = core.messages.get(WITH_SAM) ?? [];
    core.messages.set(
      WITH_SAM,
      rows.map((row) => ({ ...row, editable: false, answerable: false })),
    );
    core.conversations = core.conversations.map((row) => ({ ...row, closed: why }));
  };
}

/** Who may talk to whom: courses, whom to write to, moderation. */
export const PEOPLE_VIEWS: readonly View[] = [
  {
    name: 'course-mentor',
    scenario: (core) => {
      mayaAtHerDesk(core);
      const at = Date.now() - 3_600_000;
      core.announcements.set('course-algebra', [
        { id: 'bulk-2', text: 'Bring your worksheets.', at, reach: null, error: null },
        {
          id: 'bulk-1',
          text: 'No class on Friday',
          at,
          reach: { total: 2, sent: 1, refused: 1 },
          error: null,
        },
      ]);
    },
    go: algebra,
  },
  {
    name: 'course-mentor-end',
    scenario: mayaAtHerDesk,
    go: async (page) => {
      await algebra(page);
      await page.getByRole('button', { name: /^Send to/ }).scrollIntoViewIfNeeded();
    },
  },
  { name: 'course-student', scenario: samAtHome, go: algebra },
  {
    name: 'new-conversation',
    scenario: mayaAtHerDesk,
    go: async (page) => {
      await open('New conversation')(page);
      await page.getByRole('dialog').getByText('Sam Rivera').waitFor();
    },
  },
  { name: 'closed-untied', scenario: closed('untied'), go: open('Maya Okafor') },
  { name: 'closed-blocked', scenario: closed('blocked'), go: open('Maya Okafor') },
  {
    name: 'report',
    scenario: mayaAtHerDesk,
    go: async (page) => {
      await open('Sam Rivera')(page);
      await open('Block or report')(page);
      await page.getByRole('menuitem', { name: /^Report/ }).click();
    },
  },
  {
    name: 'moderation',
    scenario: adaAtTheDesk,
    go: async (page) => {
      await open('Moderation')(page);
      await page.getByText('This is the second time.').waitFor();
    },
  },
  {
    name: 'moderation-accounts',
    scenario: adaAtTheDesk,
    go: async (page) => {
      await open('Moderation')(page);
      await page.getByText('The operator').or(page.getByText('closed a report')).first().waitFor();
      await page.getByRole('heading', { name: 'What was done' }).scrollIntoViewIfNeeded();
    },
  },
];
