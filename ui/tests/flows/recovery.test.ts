import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { refusal } from '../fake/core';
import { maya, samAsMe } from '../fake/people';
import { mayaAtHerDesk, samAtHome } from '../fake/scenario';
import { Stage } from './stage';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.raise();
});
afterEach(() => expect(stage.complaints).toEqual([]));
afterAll(() => stage.fall());

const server = 'https://mentor.example.org';

test('Maya has forgotten the password, gets a code and sets a new one', async () => {
  const page = await stage.play((core) => {
    core.answers['account.forgot'] = () => ({});
    core.answers['account.reset'] = ({ code }) => {
      if (code !== 'K7QM-2XTA-9PWD') throw refusal('bad_code');
      mayaAtHerDesk(core);
      return core.account;
    };
  });
  await page.getByRole('button', { name: 'Forgot password?' }).click();
  await page.getByRole('button', { name: 'Send code' }).click();
  await page.getByText('Write your e-mail address').waitFor();
  await page.getByLabel('E-mail address').fill('maya@example.org');
  await page.getByRole('button', { name: 'Send code' }).click();
  await page.getByText('If maya@example.org has an account').waitFor();
  expect(stage.core.askedFor('account.forgot')).toEqual([{ server, email: 'maya@example.org' }]);

  await page.getByLabel('Code', { exact: true }).fill('WRONG');
  await page.getByLabel('New password').fill('short');
  await page.getByRole('button', { name: 'Set password and sign in' }).click();
  await page.getByText('Take at least 10 characters.').waitFor();
  await page.getByLabel('New password').fill('long enough for all');
  await page.getByRole('button', { name: 'Set password and sign in' }).click();
  await page.getByRole('alert').getByText('This code is wrong, used or too old.').waitFor();
  await page.getByLabel('Code', { exact: true }).fill('K7QM-2XTA-9PWD');
  await page.getByRole('button', { name: 'Set password and sign in' }).click();
  await page.getByRole('navigation', { name: 'Places' }).waitFor();
});

test('where the server sends no mail, a code of the operator is entered with the address', async () => {
  const page = await stage.play((core) => {
    core.answers['account.forgot'] = () => {
      throw refusal('no_mail');
    };
    core.answers['account.reset'] = () => ({
      state: 'signed_in',
      server,
      me: maya,
      keyring: 'kept',
      encrypted: true,
    });
  });
  await page.getByRole('button', { name: 'Forgot password?' }).click();
  await page.getByLabel('E-mail address').fill('maya@example.org');
  await page.keyboard.press('Enter');
  await page.getByText('This server sends no mail.').waitFor();
  await page.getByRole('button', { name: 'I have a code' }).click();
  await page.getByLabel('Code', { exact: true }).fill('K7QM-2XTA-9PWD');
  await page.getByLabel('New password').fill('long enough for all');
  await page.keyboard.press('Enter');
  await page.getByRole('navigation', { name: 'Places' }).waitFor();
  expect(stage.core.askedFor('account.reset')).toEqual([
    { server, email: 'maya@example.org', code: 'K7QM-2XTA-9PWD', password: 'long enough for all' },
  ]);
});

test('a locked account is opened by a code only for its own address', async () => {
  const page = await stage.play((core) => {
    core.account = { state: 'locked', server, email: 'maya@example.org', unsent: 0, keyring: false };
  });
  await page.getByRole('button', { name: 'Forgot password?' }).click();
  expect(await page.getByLabel('E-mail address').isDisabled()).toBe(true);
  await page.getByRole('button', { name: 'Back to signing in' }).click();
  await page.getByRole('heading', { name: 'Sign in again' }).waitFor();
});

test('Sam confirms the address with the code from the mail, and the banner goes', async () => {
  const page = await stage.play((core) => {
    samAtHome(core);
    core.account = {
      state: 'signed_in',
      server,
      me: { ...samAsMe, verified: false },
      keyring: 'kept',
      encrypted: true,
    };
    core.answers['account.resend_code'] = () => ({});
    core.answers['account.verify'] = ({ code }) => {
      if (code !== 'k7qm 2xta 9pwd') throw refusal('bad_code');
      core.account = { state: 'signed_in', server, me: samAsMe, keyring: 'kept', encrypted: true };
      core.tell({ event: 'account', data: core.account });
      return {};
    };
  });
  const banner = page.getByRole('form', { name: 'Confirm your e-mail address.' });
  await banner.getByText('sam@example.org').waitFor();
  const code = banner.getByLabel('Code');
  await code.fill('2222-2222-2222');
  await page.keyboard.press('Enter');
  await banner.getByRole('alert').getByText('This code is wrong').waitFor();
  expect(await code.getAttribute('aria-invalid')).toBe('true');
  await banner.getByRole('button', { name: 'Send a new code' }).click();
  await banner.getByText('A new code is on its way.').waitFor();
  await code.fill('k7qm 2xta 9pwd');
  await banner.getByRole('button', { name: 'Confirm' }).click();
  await banner.waitFor({ state: 'detached' });
});

test('where nobody can register, the page says so', async () => {
  const page = await stage.play((core) => {
    core.answers['account.register'] = () => {
      throw refusal('registration_closed');
    };
  });
  await page.getByRole('button', { name: /Create a student account/ }).click();
  await page.getByLabel('Name').fill('Sam Rivera');
  await page.getByLabel('E-mail address').fill('sam@example.org');
  await page.getByLabel('Password').fill('long enough for all');
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByRole('alert').getByText('Nobody can create an account on this server.').waitFor();
});

test('Sam deletes the account after the password, and is told what stays', async () => {
  const page = await stage.play((core) => {
    samAtHome(core);
    core.answers['account.delete'] = ({ password }) => {
      if (password !== 'correct horse battery') throw refusal('wrong_password');
      core.account = { state: 'signed_out', server, elsewhere: false };
      core.tell({ event: 'account', data: core.account });
      return {};
    };
  });
  await page.getByRole('button', { name: 'Settings' }).click();
  await page.getByRole('button', { name: 'Delete account…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Delete your account?' });
  const inField = () =>
    page.waitForFunction(() => document.activeElement?.getAttribute('aria-invalid') === 'true');
  await dialog.getByText('What you wrote stays with those you wrote it to').waitFor();
  await dialog.getByRole('button', { name: 'Delete account' }).click();
  await dialog.getByText('Write your password.').waitFor();
  await inField();
  await dialog.getByLabel('Your password').fill('not this one');
  await dialog.getByRole('button', { name: 'Delete account' }).click();
  await dialog.getByText('This is not your password.').waitFor();
  await inField();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('button', { name: 'Delete account…' }).click();
  expect(await dialog.getByLabel('Your password').inputValue()).toBe('');
  await dialog.getByLabel('Your password').fill('correct horse battery');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: /Create a student account/ }).waitFor();
});

test('Sam saves everything, sees how far it is, and is told where it lies', async () => {
  let finish = (): void => undefined;
  const page = await stage.play((core) => {
    samAtHome(core);
    core.answers['account.export'] = () =>
      new Promise((resolve) => {
        core.tell({ event: 'export', data: { bytes: 2_300_000 } });
        finish = () => resolve({ path: '/downloads/instantmentor.json', bytes: 2_400_000 });
      });
  });
  await page.getByRole('button', { name: 'Settings' }).click();
  await page.getByRole('button', { name: 'Download my data' }).click();
  await page.getByText('Saving… 2.3 MB').waitFor();
  finish();
  await page.getByText('Saved as /downloads/instantmentor.json.').waitFor();
  stage.core.answers['account.export'] = () => {
    throw refusal('storage');
  };
  await page.getByRole('button', { name: 'Download my data' }).click();
  await page.getByRole('alert').getByText('Your disk does not take any more.').waitFor();
});
