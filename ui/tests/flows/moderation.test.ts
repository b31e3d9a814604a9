import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { refusal } from '../fake/core';
import { noor, sam } from '../fake/people';
import { adaAtTheDesk, mayaAtHerDesk, WITH_SAM } from '../fake/scenario';
import { Stage } from './stage';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.raise();
});
afterEach(() => expect(stage.complaints).toEqual([]));
afterAll(() => stage.fall());

async function withSam(page: Page): Promise<void> {
  await page
    .getByRole('button', { name: /Sam Rivera/ })
    .first()
    .click();
  await page.getByRole('heading', { name: 'Sam Rivera' }).waitFor();
}

test('Maya blocks Sam after a question, and undoes it in Settings', async () => {
  const page = await stage.play(mayaAtHerDesk);
  await withSam(page);
  await page.getByRole('button', { name: 'Block or report Sam Rivera' }).click();
  await page.getByRole('menuitem', { name: 'Block Sam Rivera…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Block Sam Rivera?' });
  await dialog.getByRole('button', { name: 'Block', exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByText('You block Sam Rivera').waitFor();
  expect(await page.getByRole('button', { name: /^Call/ }).count()).toBe(0);
  await page.getByRole('button', { name: 'Settings', exact: true }).click();
  await page.getByRole('button', { name: 'Unblock Sam Rivera' }).click();
  await page.getByText('You block nobody.').waitFor();
  expect(stage.core.askedFor('blocks.set')).toEqual([
    { person: sam.id, on: true },
    { person: sam.id, on: false },
  ]);
});

test('a message is reported with a reason, once however often it is asked', async () => {
  let fail = true;
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    core.answers['reports.file'] = () => {
      if (fail) throw refusal('not_connected');
      return {};
    };
  });
  await withSam(page);
  await page.getByText('Oh! Then my answer was right after all.').click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Report…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Report this message?' });
  await dialog.getByText('Oh! Then my answer was right after all.').waitFor();
  await dialog.getByLabel('Advertising or fraud').check();
  await dialog.getByLabel('What happened').fill('Look at this.');
  await dialog.getByRole('button', { name: 'Report', exact: true }).click();
  await dialog.getByText('You are not connected').waitFor();
  fail = false;
  await dialog.getByRole('button', { name: 'Report', exact: true }).click();
  await dialog.getByText('Thank you.').waitFor();
  const [first, second] = stage.core.askedFor('reports.file');
  expect(second).toEqual(first);
  expect(second).toMatchObject({
    person: sam.id,
    message: { conversation: WITH_SAM },
    reason: 'spam',
    text: 'Look at this.',
  });
  await dialog.getByRole('button', { name: 'Close' }).click();
  await dialog.waitFor({ state: 'detached' });
});

test('Ada reads what was reported, removes the message and suspends, each with a reason', async () => {
  const page = await stage.play(adaAtTheDesk);
  await page.getByRole('button', { name: 'Moderation', exact: true }).click();
  await page.getByText('This is the second time.').waitFor();
  const dialog = page.getByRole('dialog');
  await page.getByRole('button', { name: 'Remove message' }).click();
  const remove = dialog.getByRole('button', { name: 'Remove message' });
  expect(await remove.isDisabled()).toBe(true);
  await dialog.getByLabel('Why').fill('a threat');
  await remove.click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Suspend Noor Haddad' }).click();
  await dialog.getByLabel('Why').fill('until we have talked');
  await dialog.getByRole('button', { name: 'Suspend' }).click();
  await page.getByRole('button', { name: 'Let Noor Haddad in again' }).waitFor();
  await page.getByRole('button', { name: 'Close report' }).click();
  await dialog.getByLabel('Why').fill('done');
  await dialog.getByRole('button', { name: 'Close report' }).click();
  await dialog.waitFor({ state: 'detached' });
  expect(stage.core.askedFor('moderation.suspend')).toEqual([
    { person: noor.id, on: true, reason: 'until we have talked' },
  ]);
  expect(stage.core.askedFor('moderation.remove_message')[0]).toMatchObject({ reason: 'a threat' });
  await page.getByLabel('Mentor of Noor Haddad').selectOption({ label: 'Tomas Novak' });
  await stage.core.waitFor('moderation.assign');
  expect(stage.core.askedFor('moderation.assign')).toEqual([{ student: noor.id, mentor: 'person-tomas' }]);
  await page.getByText('Ada Lovett: closed a report').waitFor();
});

test('the page follows what comes to administrators, and others have no such place', async () => {
  const page = await stage.play(adaAtTheDesk);
  await page.getByRole('button', { name: 'Moderation', exact: true }).click();
  await page.getByText('This is the second time.').waitFor();
  stage.core.reports = [];
  stage.core.tell({ event: 'moderation' });
  await page.getByText('Nothing was reported').waitFor();
  const mayas = await stage.play(mayaAtHerDesk);
  await mayas.getByRole('button', { name: 'Settings', exact: true }).waitFor();
  expect(await mayas.getByRole('button', { name: 'Moderation', exact: true }).count()).toBe(0);
});
