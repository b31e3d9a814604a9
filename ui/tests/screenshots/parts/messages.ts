import { richTalk } from '../../fake/rich';
import { mayaAtHerDesk, WITH_LIN, WITH_NOOR, WITH_SAM } from '../../fake/scenario';
import { open, type View } from './view';

/** Messages, and what can be done with them. */
export const MESSAGES_VIEWS: View[] = [
  {
    name: 'rich',
    scenario: (core) => {
      mayaAtHerDesk(core);
      richTalk(core);
      core.changeLine(WITH_SAM, { typing: true });
      core.changeLine(WITH_LIN, { draft: 'Lifetimes are about how long' });
    },
    go: async (page) => {
      await open('Sam Rivera')(page);
      await page.locator('math').first().waitFor({ state: 'attached' });
      await page.waitForTimeout(200);
    },
  },
  {
    name: 'rich-top',
    scenario: (core) => {
      mayaAtHerDesk(core);
      richTalk(core);
      core.changeLine(WITH_NOOR, { typing: true });
    },
    go: async (page) => {
      await open('Sam Rivera')(page);
      await page.locator('math').first().waitFor({ state: 'attached' });
      await page.getByRole('log').hover();
      await page.mouse.wheel(0, -3_000);
      await page.locator('.keyword').first().waitFor();
      await page.locator('[data-message]').filter({ hasText: 'Is pop' }).hover();
    },
  },
  {
    name: 'message-menu',
    scenario: mayaAtHerDesk,
    go: async (page) => {
      await open('Sam Rivera')(page);
      await page.locator('[data-message]').last().click({ button: 'right' });
      await page.getByRole('menu').waitFor();
    },
  },
  {
    name: 'message-reactions',
    scenario: mayaAtHerDesk,
    go: async (page) => {
      await open('Sam Rivera')(page);
      await page.locator('[data-message]').nth(-2).hover();
      await page.getByRole('button', { name: 'React' }).click();
      await page.getByRole('button', { name: 'React with 👍' }).waitFor();
    },
  },
  {
    name: 'message-reply',
    scenario: mayaAtHerDesk,
    go: async (page) => {
      await open('Sam Rivera')(page);
      await page.locator('[data-message]').nth(-2).hover();
      await page.getByRole('button', { name: 'Reply' }).click();
      await page.keyboard.type('It was. See $x^2$');
    },
  },
  {
    name: 'message-edit',
    scenario: (core) => {
      mayaAtHerDesk(core);
      core.connection = { ...core.connection, state: 'waiting', retry_in_ms: 9_000 };
    },
    go: async (page) => {
      await open('Sam Rivera')(page);
      await page.getByRole('textbox', { name: /Write to/ }).press('ArrowUp');
      await page.getByText('You change your message').waitFor();
    },
  },
  {
    name: 'message-delete',
    scenario: mayaAtHerDesk,
    go: async (page) => {
      await open('Sam Rivera')(page);
      await page.locator('[data-message]').last().click({ button: 'right' });
      await page.getByRole('menuitem', { name: 'Delete' }).click();
      await page.getByRole('dialog').waitFor();
    },
  },
  {
    name: 'message-trace',
    scenario: (core) => {
      mayaAtHerDesk(core);
      richTalk(core);
    },
    go: async (page) => {
      await open('Sam Rivera')(page);
      await page.getByRole('log').hover();
      await page.mouse.wheel(0, -3_000);
      await page
        .locator('[data-message]')
        .filter({ hasText: 'for a list' })
        .last()
        .getByRole('button', { name: 'edited' })
        .click();
      await page.getByRole('dialog').getByText('Now').waitFor();
    },
  },
];
