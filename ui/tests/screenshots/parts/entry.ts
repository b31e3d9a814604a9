import { refusal } from '../../fake/core';
import { maya, samAsMe } from '../../fake/people';
import { mayaAtHerDesk, samAtHome } from '../../fake/scenario';
import { open, type View } from './view';

/** Coming in, and what the account itself is about. */
export const ENTRY_VIEWS: readonly View[] = [
  { name: 'sign-in', scenario: () => undefined },
  {
    name: 'sign-in-error',
    scenario: (core) => {
      core.answers['account.sign_in'] = () => {
        throw refusal('server_unreachable');
      };
    },
    go: async (page) => {
      await page.getByLabel('E-mail address').fill('maya@example.org');
      await page.getByLabel('Password').fill('correct horse');
      await page.getByRole('button', { name: 'Sign in', exact: true }).click();
      await page.getByRole('alert').waitFor();
    },
  },
  {
    name: 'register',
    scenario: () => undefined,
    go: async (page) => {
      await page.getByRole('button', { name: /Create a student/ }).click();
      await page.getByRole('button', { name: 'Create account' }).click();
    },
  },
  { name: 'invitation', scenario: () => undefined, go: open('invited as a mentor') },
  {
    name: 'locked',
    scenario: (core) => {
      core.account = {
        state: 'locked',
        server: 'https://mentor.example.org',
        email: maya.email,
        unsent: 3,
        keyring: false,
      };
    },
  },
  { name: 'forgot', scenario: () => undefined, go: open('Forgot password') },
  {
    name: 'forgot-code',
    scenario: (core) => {
      core.answers['account.forgot'] = () => ({});
      core.answers['account.reset'] = () => {
        throw refusal('bad_code');
      };
    },
    go: async (page) => {
      await open('Forgot password')(page);
      await page.getByLabel('E-mail address').fill('maya@example.org');
      await page.getByRole('button', { name: 'Send code' }).click();
      await page.getByLabel('Code', { exact: true }).fill('K7QM-2XTA-9PWD');
      await page.getByLabel('New password').fill('long enough for all');
      await page.getByRole('button', { name: 'Set password' }).click();
      await page.getByRole('alert').waitFor();
    },
  },
  {
    name: 'verify',
    scenario: (core) => {
      samAtHome(core);
      core.account = {
        state: 'signed_in',
        server: 'https://mentor.example.org',
        me: { ...samAsMe, verified: false },
        keyring: 'kept',
        encrypted: true,
      };
      core.answers['account.verify'] = () => {
        throw refusal('bad_code');
      };
    },
    go: async (page) => {
      await page.getByLabel('Code').fill('2222-2222-2222');
      await page.keyboard.press('Enter');
      await page.getByRole('alert').waitFor();
    },
  },
  {
    name: 'own-data',
    scenario: (core) => {
      samAtHome(core);
      core.answers['account.export'] = () => ({
        path: '/downloads/instantmentor.json',
        bytes: 2_400_000,
      });
    },
    go: async (page) => {
      await page.getByRole('button', { name: 'Settings' }).click();
      await page.getByRole('button', { name: 'Download my data' }).click();
      await page.getByText('Saved as').waitFor();
      await page.getByRole('button', { name: 'Delete account…' }).scrollIntoViewIfNeeded();
    },
  },
  {
    name: 'delete-account',
    scenario: samAtHome,
    go: async (page) => {
      await page.getByRole('button', { name: 'Settings' }).click();
      await page.getByRole('button', { name: 'Delete account…' }).click();
      await page.getByLabel('Your password').waitFor();
    },
  },
  { name: 'main', scenario: mayaAtHerDesk },
  { name: 'conversation', scenario: mayaAtHerDesk, go: open('Sam Rivera') },
];
