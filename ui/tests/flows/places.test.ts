import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { refusal } from '../fake/core';
import { mayaSeen, rust, tomas } from '../fake/people';
import { mayaAtHerDesk, samAtHome } from '../fake/scenario';
import { Stage } from './stage';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.raise();
});
afterEach(() => expect(stage.complaints).toEqual([]));
afterAll(() => stage.fall());

const ownMenu = (page: Page) => page.getByRole('button', { name: /status and account/ });

test('Maya changes her status with two clicks', async () => {
  const page = await stage.play(mayaAtHerDesk);
  await ownMenu(page).click();
  await page.getByRole('menuitemradio', { name: 'Break' }).click();
  await stage.core.waitFor('status.set');
  expect(stage.core.askedFor('status.set')).toEqual([{ availability: 'break', message: '' }]);
  await page.getByRole('button', { name: 'Maya Okafor, Break: status and account' }).waitFor();
});

test('Maya writes a status message, by keyboard alone', async () => {
  const page = await stage.play(mayaAtHerDesk);
  await ownMenu(page).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('menu').waitFor();
  await page.keyboard.press('End');
  // Over quitting and signing out.
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'Your status' }).waitFor();
  await page.getByLabel('Message', { exact: true }).fill('Back at three');
  await page.keyboard.press('Enter');
  await stage.core.waitFor('status.set');
  expect(stage.core.askedFor('status.set')).toEqual([
    { availability: 'available', message: 'Back at three' },
  ]);
  await page.getByRole('dialog').waitFor({ state: 'detached' });
});

test('a status message has as many characters as the protocol allows, whatever they are made of', async () => {
  const page = await stage.play(mayaAtHerDesk);
  await ownMenu(page).click();
  await page.getByRole('menuitem', { name: 'Write a status message…' }).click();
  const message = page.getByLabel('Message', { exact: true });
  await message.fill('🎓'.repeat(150));
  expect(await message.inputValue()).toBe('🎓'.repeat(140));
});

test('a student has no status to choose', async () => {
  const page = await stage.play(samAtHome);
  await ownMenu(page).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).waitFor();
  expect(await page.getByRole('menuitemradio').count()).toBe(0);
});

test('signing out with nothing unsent just signs out', async () => {
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    core.answers['account.sign_out'] = () => {
      core.tell({
        event: 'account',
        data: { state: 'signed_out', server: 'https://mentor.example.org', elsewhere: false },
      });
      return { done: true, unsent: 0 };
    };
  });
  await ownMenu(page).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  expect(stage.core.askedFor('account.sign_out')).toEqual([{ unsent: 'ask' }]);
});

test('signing out with unsent messages asks: cancel, send first, or lose them', async () => {
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    core.connection = { ...core.connection, state: 'waiting', retry_in_ms: 9_000, waiting: 2 };
    core.answers['account.sign_out'] = ({ unsent }) => {
      const left = core.connection.waiting;
      if (unsent === 'ask' && left > 0) return { done: false, unsent: left };
      core.tell({
        event: 'account',
        data: { state: 'signed_out', server: 'https://mentor.example.org', elsewhere: false },
      });
      return { done: true, unsent: 0 };
    };
  });
  const leave = async () => {
    await ownMenu(page).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.getByRole('dialog', { name: 'Sign out?' }).waitFor();
  };
  await leave();
  await page.getByText('2 messages are not sent yet.').waitFor();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await leave();
  await page.getByRole('button', { name: 'Send first' }).click();
  await stage.core.waitFor('connection.retry');
  await page.getByText('2 messages are still to be sent.').waitFor();
  stage.core.setConnection({ state: 'online', retry_in_ms: null, waiting: 1 });
  await page.getByText('1 message is still to be sent.').waitFor();
  stage.core.setConnection({ waiting: 0 });
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  expect(stage.core.askedFor('account.sign_out').map((args) => args.unsent)).toEqual(['ask', 'ask', 'ask']);
});

test('unsent messages are lost only when Maya says so', async () => {
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    core.connection = { ...core.connection, waiting: 1 };
    core.answers['account.sign_out'] = ({ unsent }) =>
      unsent === 'ask' ? { done: false, unsent: 1 } : { done: true, unsent: 0 };
  });
  await ownMenu(page).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await page.getByRole('button', { name: 'Sign out and lose them' }).click();
  await stage.core.waitFor('account.sign_out', 2);
  expect(stage.core.askedFor('account.sign_out').at(-1)).toEqual({ unsent: 'discard' });
});

test('Sam joins a course by its code and chats with its mentor', async () => {
  const page = await stage.play((core) => {
    samAtHome(core);
    core.answers['courses.enrol'] = ({ code }) => {
      if (code !== 'RUST-7') throw refusal('not_found');
      core.courses = [...core.courses, rust];
      return rust;
    };
  });
  await page.getByRole('button', { name: 'People and courses' }).click();
  await page.getByLabel('Join a course').fill('RUST-1');
  await page.getByRole('button', { name: 'Join', exact: true }).click();
  await page.getByText('No course has this code.').waitFor();
  await page.getByLabel('Join a course').fill('RUST-7');
  await page.getByRole('button', { name: 'Join', exact: true }).click();
  await page.getByText('You have joined Systems programming in Rust.').waitFor();
  await page.getByRole('button', { name: 'Chat with the mentor of Systems programming in Rust' }).click();
  await page.getByRole('textbox', { name: 'Write to Maya Okafor' }).waitFor();
  expect(stage.core.askedFor('conversations.open')).toEqual([{ with: mayaSeen.id, course: rust.id }]);
});

test('a mentor one may not write to is seen with their status, without a button', async () => {
  const page = await stage.play(samAtHome);
  await page.getByRole('button', { name: 'People and courses' }).click();
  const others = page.getByRole('region', { name: 'Other mentors' });
  await others.getByText('In session · Free again at four').waitFor();
  expect(await others.getByRole('button').count()).toBe(0);
  stage.core.mentors = [mayaSeen, { ...tomas, status: { availability: 'available', message: '', since: 0 } }];
  stage.core.tell({ event: 'people' });
  await others.getByText('Available').waitFor();
});

test('the theme follows the choice, and the system where that is chosen', async () => {
  const page = await stage.play(mayaAtHerDesk, { scheme: 'dark' });
  const theme = () => page.evaluate(() => document.documentElement.dataset['theme']);
  await page.getByRole('button', { name: 'Settings', exact: true }).click();
  expect(await theme()).toBe('light');
  await page.getByRole('radio', { name: 'Dark' }).check();
  await page.waitForFunction(() => document.documentElement.dataset['theme'] === 'dark');
  await page.getByRole('radio', { name: 'Light' }).check();
  await page.waitForFunction(() => document.documentElement.dataset['theme'] === 'light');
  await page.getByRole('radio', { name: 'As the system' }).check();
  await page.waitForFunction(() => document.documentElement.dataset['theme'] === 'dark');
  expect(stage.core.settings.theme).toBe('system');
});

test('a computer without a keyring is said plainly, and can be put away', async () => {
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    if (core.account.state === 'signed_in') core.account = { ...core.account, keyring: 'missing' };
  });
  await page.getByText('This computer has no keyring').waitFor();
  await page.getByRole('button', { name: 'Close' }).click();
  await page.getByText('This computer has no keyring').waitFor({ state: 'detached' });
});

test('a list that takes long shows its shape, and one that fails says why and tries again', async () => {
  let fail = true;
  let answer!: () => void;
  const longAfter = new Promise<void>((resolve) => (answer = resolve));
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    core.answers['conversations.list'] = async () => {
      await longAfter;
      if (fail) throw refusal('storage');
      return core.conversations;
    };
  });
  await page.getByRole('status', { name: 'Loading…' }).waitFor();
  answer();
  await page.getByRole('alert').getByText('Your conversations cannot be shown').waitFor();
  fail = false;
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('button', { name: /Sam Rivera/ }).waitFor();
});

test('a locked keyring keeps Maya from being connected: it is said, and tried again', async () => {
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    if (core.account.state === 'signed_in') core.account = { ...core.account, keyring: 'locked' };
    core.connection = { ...core.connection, state: 'waiting', retry_in_ms: 20_000 };
  });
  await page.getByText('Unlock the keyring to be connected.').waitFor();
  await page.getByRole('button', { name: 'Try again' }).click();
  await stage.core.waitFor('connection.retry');
  if (stage.core.account.state === 'signed_in') {
    stage.core.account = { ...stage.core.account, keyring: 'kept', encrypted: true };
  }
  stage.core.tell({ event: 'account', data: stage.core.account });
  stage.core.setConnection({ state: 'online', retry_in_ms: null });
  await page.getByText('Unlock the keyring').waitFor({ state: 'detached' });
});

test('a desktop without a tray and without notifications is said once, and again in the settings', async () => {
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    core.desktop = { tray: 'missing', notifications: 'missing' };
  });
  await page.getByText('This desktop has no tray').waitFor();
  await page.getByRole('button', { name: 'Close' }).click();
  await page.getByText('This desktop shows no notifications.').waitFor();
  await page.getByRole('button', { name: 'Close' }).click();
  await page.getByText('This desktop').waitFor({ state: 'detached' });
  expect(stage.core.settings).toMatchObject({ no_tray_read: true, no_notifications_read: true });
  await page.getByRole('button', { name: 'Settings', exact: true }).click();
  const desktop = page.getByRole('region', { name: 'Desktop' });
  await desktop.getByText('This desktop has no tray').waitFor();
  stage.core.tell({ event: 'desktop', data: { tray: 'here', notifications: 'missing' } });
  await desktop.getByText('This desktop has no tray').waitFor({ state: 'detached' });
  await desktop.getByText('Shown').waitFor();
});

test('the note at the foot of the list takes its room from it and covers nothing', async () => {
  const page = await stage.play(
    (core) => {
      mayaAtHerDesk(core);
      core.desktop = { tray: 'missing', notifications: 'here' };
      const [first] = core.conversations;
      if (first) core.conversations = Array.from({ length: 20 }, (_, n) => ({ ...first, id: `with-${n}` }));
    },
    { width: 900, height: 600 },
  );
  const edge = (box: { y: number; height: number } | null) => (box ? box.y + box.height : NaN);
  const note = page.getByRole('status').filter({ hasText: 'This desktop has no tray' });
  await note.waitFor();
  const last = page.locator('[data-conversation]').last();
  await last.scrollIntoViewIfNeeded();
  expect(edge(await last.boundingBox())).toBeLessThanOrEqual((await note.boundingBox())?.y ?? NaN);
  expect(edge(await note.boundingBox())).toBeLessThanOrEqual(600);
});

test('the app is quit from the menu, and from the sign-in where there is no tray', async () => {
  let page = await stage.play(mayaAtHerDesk);
  await page.getByRole('button', { name: /status and account/ }).click();
  await page.getByRole('menuitem', { name: 'Quit InstantMentor' }).click();
  await stage.core.waitFor('app.quit');
  page = await stage.play((core) => (core.desktop = { tray: 'missing', notifications: 'here' }));
  await page.getByRole('button', { name: 'Quit InstantMentor' }).click();
  await stage.core.waitFor('app.quit');
});

test('a status that is chosen without a connection is kept, and said to be set later', async () => {
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    core.connection = { ...core.connection, state: 'waiting', retry_in_ms: 20_000 };
    core.status = null;
  });
  await page.getByRole('button', { name: 'Maya Okafor, Offline: status and account' }).click();
  await page.getByRole('menuitemradio', { name: 'Break' }).click();
  expect(stage.core.askedFor('status.set')).toEqual([{ availability: 'break', message: '' }]);
  await page.getByRole('button', { name: /status and account/ }).click();
  await page.getByText('Break is set as soon as you are connected.').waitFor();
  const chosen = page.getByRole('menuitemradio', { name: 'Break' });
  expect(await chosen.getAttribute('aria-checked')).toBe('true');
  stage.core.status = { availability: 'break', message: '', pending: false };
  stage.core.setConnection({ state: 'online', retry_in_ms: null });
  stage.core.tell({ event: 'people' });
  await page.getByText('Break is set as soon').waitFor({ state: 'detached' });
});

test('a server that restarts is said while it is away', async () => {
  const page = await stage.play(mayaAtHerDesk);
  stage.core.setConnection({ state: 'waiting', retry_in_ms: 1_500, problem: refusal('server_restarts') });
  await page.getByText('The server is restarting.').waitFor();
  stage.core.setConnection({ state: 'online', retry_in_ms: null, problem: null });
  await page.getByText('The server is restarting.').waitFor({ state: 'detached' });
});
