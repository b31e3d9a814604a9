import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { refusal } from '../fake/core';
import { maya, samAsMe } from '../fake/people';
import { mayaAtHerDesk } from '../fake/scenario';
import { Stage } from './stage';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.raise();
});
afterEach(() => expect(stage.complaints).toEqual([]));
afterAll(() => stage.fall());

const server = 'https://mentor.example.org';

test('Maya signs in after a wrong password, which is said beside the field', async () => {
  const page = await stage.play((core) => {
    core.answers['account.sign_in'] = () => {
      throw refusal('wrong_password');
    };
  });
  await page.getByLabel('E-mail address').fill('maya@example.org');
  await page.getByLabel('Password').fill('not this one');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').getByText('do not belong together').waitFor();
  const password = page.getByLabel('Password');
  expect(await password.getAttribute('aria-invalid')).toBe('true');
  await page.waitForFunction(() => document.activeElement?.getAttribute('type') === 'password');

  stage.core.answers['account.sign_in'] = ({ email }) => {
    mayaAtHerDesk(stage.core);
    expect(email).toBe('maya@example.org');
    return stage.core.account;
  };
  await password.fill('correct horse battery');
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('button', { name: /Lin Zhang/ }).waitFor();
});

test('what is missing is said without asking the server', async () => {
  const page = await stage.play(() => undefined);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByText('Write your password.').waitFor();
  expect(stage.core.askedFor('account.sign_in')).toEqual([]);
});

test('the address of the server is folded away until it is wanted or wrong', async () => {
  const page = await stage.play((core) => {
    core.answers['account.sign_in'] = () => {
      throw refusal('bad_server_address');
    };
  });
  expect(await page.getByLabel('Address', { exact: true }).count()).toBe(0);
  await page.getByLabel('E-mail address').fill('maya@example.org');
  await page.getByLabel('Password').fill('correct horse');
  await page.keyboard.press('Enter');
  await page.getByText('This is not an address of a server.').waitFor();
  expect(await page.getByLabel('Address', { exact: true }).inputValue()).toBe(server);
});

test('Sam registers as a student', async () => {
  const page = await stage.play((core) => {
    core.answers['account.register'] = () => ({
      state: 'signed_in',
      server,
      me: samAsMe,
      keyring: 'kept',
      encrypted: true,
    });
  });
  await page.getByRole('button', { name: /Create a student account/ }).click();
  await page.getByLabel('Name').fill('Sam Rivera');
  await page.getByLabel('E-mail address').fill('sam@example.org');
  await page.getByLabel('Password').fill('short');
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByText('Take at least 10 characters.').waitFor();
  await page.getByLabel('Password').fill('long enough for all');
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByRole('heading', { name: 'Welcome, Sam Rivera' }).waitFor();
  expect(stage.core.askedFor('account.register')).toEqual([
    { server, name: 'Sam Rivera', email: 'sam@example.org', password: 'long enough for all' },
  ]);
});

test('Maya accepts an invitation, and an invalid one is said beside its code', async () => {
  const page = await stage.play((core) => {
    core.answers['account.accept_invitation'] = ({ code }) => {
      if (code !== 'GOOD-CODE') throw refusal('bad_invitation');
      return { state: 'signed_in', server, me: maya, keyring: 'kept', encrypted: true };
    };
  });
  await page.getByRole('button', { name: /invited as a mentor/ }).click();
  await page.getByLabel('Invitation code').fill('OLD-CODE');
  await page.getByLabel('Name').fill('Maya Okafor');
  await page.getByLabel('Password').fill('correct horse battery');
  await page.getByRole('button', { name: 'Accept invitation' }).click();
  await page.getByText('This invitation is not valid').waitFor();
  await page.getByLabel('Invitation code').fill('GOOD-CODE');
  await page.getByRole('button', { name: 'Accept invitation' }).click();
  await page.getByRole('navigation', { name: 'Places' }).waitFor();
});

test('a locked account lets only the same person in, and says what waits', async () => {
  const page = await stage.play((core) => {
    core.account = { state: 'locked', server, email: 'maya@example.org', unsent: 3, keyring: false };
    core.answers['account.sign_in'] = () => ({
      state: 'signed_in',
      server,
      me: maya,
      keyring: 'kept',
      encrypted: true,
    });
  });
  await page.getByText('3 messages wait here').waitFor();
  expect(await page.getByLabel('E-mail address').isDisabled()).toBe(true);
  await page.getByLabel('Password').fill('correct horse battery');
  await page.keyboard.press('Enter');
  await page.getByRole('navigation', { name: 'Places' }).waitFor();
});

test('an account that cannot be opened says why, before and after the page was there', async () => {
  const page = await stage.play((core) => {
    core.connection = { ...core.connection, state: 'refused', problem: refusal('data_too_new') };
  });
  await page.getByText('A newer version of this app was used on this computer.').waitFor();
  stage.core.setConnection({ problem: refusal('data_unreadable') });
  await page.getByText('What this app keeps on this computer cannot be used.').waitFor();
});

test('who cannot or will not sign in again leaves the account, and is asked about what is unsent', async () => {
  const page = await stage.play((core) => {
    core.account = { state: 'locked', server, email: 'maya@example.org', unsent: 3, keyring: false };
    core.answers['account.sign_out'] = ({ unsent }) => {
      if (unsent === 'ask') return { done: false, unsent: 3 };
      core.account = { state: 'signed_out', server, elsewhere: false };
      core.tell({ event: 'account', data: core.account });
      return { done: true, unsent: 0 };
    };
  });
  await page.getByRole('button', { name: /Sign out on this device/ }).click();
  await page.getByText('3 messages are not sent yet.').waitFor();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  expect(await page.getByLabel('E-mail address').isDisabled()).toBe(true);
  await page.getByRole('button', { name: /Sign out on this device/ }).click();
  await page.getByRole('button', { name: 'Sign out and lose them' }).click();
  await page.getByRole('button', { name: /Create a student account/ }).waitFor();
  expect(await page.getByLabel('E-mail address').isEnabled()).toBe(true);
});

test('a session that ends while Maya is at work leads to the sign-in, with her work kept', async () => {
  const page = await stage.play(mayaAtHerDesk);
  await page.getByRole('button', { name: /Sam Rivera/ }).click();
  await page.getByText('Well done').last().waitFor();
  stage.core.tell({
    event: 'account',
    data: { state: 'locked', server, email: maya.email, unsent: 0, keyring: false },
  });
  await page.getByRole('heading', { name: 'Sign in again' }).waitFor();
  expect(await page.getByText('Well done').count()).toBe(0);
});
