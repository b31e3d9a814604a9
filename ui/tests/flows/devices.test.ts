import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { refusal } from '../fake/core';
import { mayaAtHerDesk } from '../fake/scenario';
import { Stage } from './stage';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.raise();
});
afterEach(() => expect(stage.complaints).toEqual([]));
afterAll(() => stage.fall());

const devices = (page: Page) => page.getByRole('region', { name: 'Devices' });

async function settings(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Settings', exact: true }).click();
}

test('Maya sees where she is signed in, with this device marked', async () => {
  const page = await stage.play(mayaAtHerDesk);
  await settings(page);
  const rows = devices(page).getByRole('listitem');
  await rows.nth(2).waitFor();
  expect(await rows.nth(0).textContent()).toContain('This device');
  expect(await rows.nth(0).getByRole('button').count()).toBe(0);
  expect(await rows.nth(1).textContent()).toContain('Connected');
  expect(await rows.nth(2).textContent()).toContain('Last seen');
});

test('signing another device out asks first and says what is lost', async () => {
  const page = await stage.play(mayaAtHerDesk);
  await settings(page);
  await page.getByRole('button', { name: 'Sign out pc-14.lab.example.org' }).click();
  const dialog = page.getByRole('dialog', { name: 'Sign out pc-14.lab.example.org?' });
  await dialog.getByText('not sent yet are lost').waitFor();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await dialog.waitFor({ state: 'detached' });
  expect(stage.core.askedFor('devices.sign_out')).toEqual([]);
  await page.getByRole('button', { name: 'Sign out pc-14.lab.example.org' }).click();
  await dialog.getByRole('button', { name: 'Sign out', exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
  expect(stage.core.askedFor('devices.sign_out')).toEqual([{ id: 'session-lab' }]);
  await devices(page).getByText('pc-14.lab.example.org').waitFor({ state: 'detached' });
});

test('all other devices are signed out at once', async () => {
  const page = await stage.play(mayaAtHerDesk);
  await settings(page);
  await page.getByRole('button', { name: 'Sign out all other devices' }).click();
  const dialog = page.getByRole('dialog', { name: 'Sign out all other devices?' });
  await dialog.getByRole('button', { name: 'Sign out', exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
  expect(await devices(page).getByRole('listitem').count()).toBe(1);
  expect(await page.getByRole('button', { name: 'Sign out all other devices' }).count()).toBe(0);
});

test('the list is right after a device was signed out elsewhere, and is not read where nobody sees it', async () => {
  const page = await stage.play(mayaAtHerDesk);
  stage.core.tell({ event: 'devices' });
  await settings(page);
  await devices(page).getByText('pc-14.lab.example.org').waitFor();
  const before = stage.core.askedFor('devices.list').length;
  stage.core.devices = stage.core.devices.filter((device) => device.id !== 'session-lab');
  stage.core.tell({ event: 'devices' });
  await devices(page).getByText('pc-14.lab.example.org').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: /^Conversations/ }).click();
  stage.core.tell({ event: 'devices' });
  await page
    .getByRole('button', { name: /Sam Rivera/ })
    .first()
    .click();
  await stage.core.waitFor('messages.page');
  expect(stage.core.askedFor('devices.list').length).toBe(before + 1);
});

test('a device that cannot be signed out says why and asks again', async () => {
  let fail = true;
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    core.answers['devices.sign_out'] = () => {
      if (fail) throw refusal('not_connected');
      return {};
    };
  });
  await settings(page);
  await page.getByRole('button', { name: 'Sign out Maya’s laptop' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Sign out', exact: true }).click();
  await dialog.getByRole('alert').getByText('You are not connected').waitFor();
  fail = false;
  await dialog.getByRole('button', { name: 'Sign out', exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
});

test('without the server the list says so, and comes when it can', async () => {
  let fail = true;
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    core.answers['devices.list'] = () => {
      if (fail) throw refusal('not_connected');
      return core.devices;
    };
  });
  await settings(page);
  await devices(page).getByRole('alert').getByText('Your devices cannot be shown').waitFor();
  fail = false;
  // As the core tells once it is connected again.
  stage.core.tell({ event: 'devices' });
  await devices(page).getByText('maya-desk').waitFor();
});

test('Maya changes her password, and hears what is wrong beside its field', async () => {
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    core.answers['account.change_password'] = ({ old }) => {
      if (old !== 'correct horse') throw refusal('invalid', { field: 'old_password' });
      return {};
    };
  });
  await settings(page);
  await page.getByRole('button', { name: 'Change password…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Change your password' });
  const submit = dialog.getByRole('button', { name: 'Change password' });
  await submit.click();
  await dialog.getByText('Write your password.').waitFor();
  await dialog.getByText('Take at least 10 characters.').waitFor();
  expect(stage.core.askedFor('account.change_password')).toEqual([]);
  await dialog.getByLabel('Present password').fill('wrong horse');
  await dialog.getByLabel('New password').fill('battery staple');
  await submit.click();
  await dialog.getByText('This is not your present password.').waitFor();
  await dialog.getByLabel('Present password').fill('correct horse');
  await submit.click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByText('Your password was changed.').waitFor();
  expect(stage.core.askedFor('account.change_password').at(-1)).toEqual({
    old: 'correct horse',
    new: 'battery staple',
  });
  // Nothing of it is left for the next time.
  await page.getByRole('button', { name: 'Change password…' }).click();
  expect(await dialog.getByLabel('Present password').inputValue()).toBe('');
});

test('who was signed out from another device is told so at the sign-in', async () => {
  const page = await stage.play(mayaAtHerDesk);
  await settings(page);
  await devices(page).getByText('maya-desk').waitFor();
  const server = 'https://mentor.example.org';
  stage.core.account = { state: 'signed_out', server, elsewhere: true };
  stage.core.tell({ event: 'account', data: stage.core.account });
  await page
    .getByText('You were signed out of this device, from another one or by an administrator.')
    .waitFor();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
});
