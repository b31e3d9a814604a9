import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { FakeCore } from '../fake/core';
import { mayaAtHerDesk } from '../fake/scenario';
import { Stage } from './stage';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.raise();
});
afterEach(() => expect(stage.complaints).toEqual([]));
afterAll(() => stage.fall());

/** Maya with messages that wait, and with some that the server has refused for good. */
function unsent(waiting: number, failed = 0): (core: FakeCore) => void {
  return (core) => {
    mayaAtHerDesk(core);
    core.connection = { ...core.connection, waiting };
    core.answers['account.sign_out'] = ({ unsent }) => {
      const left = core.connection.waiting + failed;
      if (unsent === 'ask' && left > 0) return { done: false, unsent: left };
      const server = 'https://mentor.example.org';
      core.tell({ event: 'account', data: { state: 'signed_out', server, elsewhere: false } });
      return { done: true, unsent: 0 };
    };
  };
}

async function leave(page: Page): Promise<void> {
  await page.getByRole('button', { name: /status and account/ }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await page.getByRole('dialog', { name: 'Sign out?' }).waitFor();
}

test('who waits for the last messages to be sent can think better of it', async () => {
  const page = await stage.play(unsent(2));
  await leave(page);
  await page.getByRole('button', { name: 'Send first' }).click();
  await page.getByText('2 messages are still to be sent.').waitFor();
  stage.core.setConnection({ waiting: 1 });
  await page.getByText('1 message is still to be sent.').waitFor();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  stage.core.setConnection({ waiting: 0 });
  // What the page does next shows that it has heard that.
  await page
    .getByRole('button', { name: /Sam Rivera/ })
    .first()
    .click();
  await stage.core.waitFor('messages.page');
  expect(stage.core.askedFor('account.sign_out')).toEqual([{ unsent: 'ask' }]);
});

test('what cannot be sent is asked about once everything else is', async () => {
  const page = await stage.play(unsent(1, 1));
  await leave(page);
  await page.getByText('2 messages are not sent yet.').waitFor();
  await page.getByRole('button', { name: 'Send first' }).click();
  await page.getByText('1 message is still to be sent.').waitFor();
  stage.core.setConnection({ waiting: 0 });
  await page.getByText('1 message is not sent yet.').waitFor();
  // There is nothing to wait for anymore.
  expect(await page.getByRole('button', { name: 'Send first' }).count()).toBe(0);
  await page.getByRole('button', { name: 'Sign out and lose them' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
});
