import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, test } from 'vitest';
import type {} from '../../src/features/call/counters';
import { refusal } from '../fake/core';
import { MediaSocket, record, type Frame } from '../fake/media-socket';
import { lin, maya, message, ringOf } from '../fake/people';
import { richTalk } from '../fake/rich';
import { callWithSam, mayaAtHerDesk, samAtHome, WITH_LIN, WITH_SAM } from '../fake/scenario';
import { Stage } from '../flows/stage';
import { ENTRY_VIEWS } from './parts/entry';
import { FILES_VIEWS } from './parts/files';
import { MESSAGES_VIEWS } from './parts/messages';
import { SEARCH_VIEWS } from './parts/search';
import { PEOPLE_VIEWS } from './parts/people';
import { open, type View } from './parts/view';

const folder = process.env['SCREENSHOTS'] ?? join(tmpdir(), 'instantmentor-screenshots');
const only = process.env['ONLY'];
const SIZES = [
  [1280, 800],
  [900, 600],
] as const;
let stage: Stage;
let media: MediaSocket;
let frames: Frame[];

beforeAll(async () => {
  await mkdir(folder, { recursive: true });
  stage = await Stage.raise();
  media = await MediaSocket.listen();
  frames = await record(await stage.play(() => undefined), 1280, 720);
});
afterAll(async () => {
  await stage.fall();
  await media.stop();
});

const VIEWS: View[] = [
  ...ENTRY_VIEWS,
  ...FILES_VIEWS,
  ...SEARCH_VIEWS,
  ...PEOPLE_VIEWS,
  ...MESSAGES_VIEWS,
  { name: 'unread', scenario: mayaAtHerDesk, go: open('Lin Zhang') },
  { name: 'conversation-empty', scenario: mayaAtHerDesk, go: open('Noor Haddad') },
  {
    name: 'conversation-offline',
    scenario: (core) => {
      mayaAtHerDesk(core);
      core.connection = { ...core.connection, state: 'waiting', retry_in_ms: 12_000, waiting: 2 };
      const rows = core.messages.get(WITH_SAM) ?? [];
      const now = Date.now();
      rows.push(message(null, maya, 'Write me when you are back.', now - 60_000, 'waiting'));
      rows.push({
        ...message(null, maya, 'And bring your notebook.', now - 50_000, 'failed'),
        error: refusal('not_allowed'),
      });
      for (const person of core.conversations) person.other = { ...person.other, online: null };
      core.account = {
        state: 'signed_in',
        server: 'https://mentor.example.org',
        me: maya,
        keyring: 'missing',
        encrypted: false,
      };
    },
    go: async (page) => {
      await open('Sam Rivera')(page);
      await page
        .getByRole('textbox', { name: /Write to/ })
        .fill('This one is written while the line is down.\nIt has two lines.');
      await page.getByText(/Reconnecting/).waitFor();
    },
  },
  {
    name: 'loading',
    scenario: (core) => {
      mayaAtHerDesk(core);
      core.answers['conversations.list'] = () => new Promise(() => undefined);
    },
    go: (page) => page.getByRole('status', { name: 'Loading…' }).waitFor(),
  },
  {
    name: 'conversation-loading',
    scenario: (core) => {
      mayaAtHerDesk(core);
      core.answers['messages.page'] = () => new Promise(() => undefined);
    },
    go: async (page) => {
      await open('Sam Rivera')(page);
      await page.getByRole('status', { name: 'Loading…' }).waitFor();
    },
  },
  {
    name: 'error',
    scenario: (core) => {
      mayaAtHerDesk(core);
      core.answers['conversations.list'] = () => {
        throw refusal('storage');
      };
    },
  },
  {
    name: 'first-use-student',
    scenario: (core) => {
      samAtHome(core);
      core.conversations = [];
      core.people = [];
      core.courses = [];
    },
  },
  {
    name: 'first-use-people',
    scenario: (core) => {
      samAtHome(core);
      core.conversations = [];
      core.people = [];
      core.courses = [];
    },
    go: (page) => page.getByRole('button', { name: 'People and courses' }).click(),
  },
  {
    name: 'people-student',
    scenario: samAtHome,
    go: (page) => page.getByRole('button', { name: 'People and courses' }).click(),
  },
  {
    name: 'people-mentor',
    scenario: mayaAtHerDesk,
    go: (page) => page.getByRole('button', { name: 'People and courses' }).click(),
  },
  {
    name: 'settings',
    scenario: mayaAtHerDesk,
    go: (page) => page.getByRole('button', { name: 'Settings', exact: true }).click(),
  },
  {
    name: 'settings-device',
    scenario: mayaAtHerDesk,
    go: async (page) => {
      await page.getByRole('button', { name: 'Settings', exact: true }).click();
      await page.getByRole('button', { name: 'Sign out Maya’s laptop' }).click();
      await page.getByRole('dialog').waitFor();
    },
  },
  {
    name: 'settings-devices',
    scenario: mayaAtHerDesk,
    go: async (page) => {
      await page.getByRole('button', { name: 'Settings', exact: true }).click();
      await page.getByRole('button', { name: 'Sign out all other devices' }).scrollIntoViewIfNeeded();
    },
  },
  {
    name: 'settings-devices-away',
    scenario: (core) => {
      mayaAtHerDesk(core);
      core.answers['devices.list'] = () => {
        throw refusal('not_connected');
      };
    },
    go: async (page) => {
      await page.getByRole('button', { name: 'Settings', exact: true }).click();
      await page.getByText('Your devices cannot be shown').scrollIntoViewIfNeeded();
    },
  },
  {
    name: 'settings-password',
    scenario: (core) => {
      mayaAtHerDesk(core);
      core.answers['account.change_password'] = () => {
        throw refusal('invalid', { field: 'old_password' });
      };
    },
    go: async (page) => {
      await page.getByRole('button', { name: 'Settings', exact: true }).click();
      await page.getByRole('button', { name: 'Change password…' }).click();
      await page.getByLabel('Present password').fill('wrong horse');
      await page.getByLabel('New password').fill('battery staple');
      await page.getByRole('button', { name: 'Change password', exact: true }).click();
      await page.getByText('This is not your present password.').waitFor();
    },
  },
  {
    name: 'signed-out-elsewhere',
    scenario: (core) => {
      core.account = { state: 'signed_out', server: 'https://mentor.example.org', elsewhere: true };
    },
    go: (page) => page.getByText('You were signed out').waitFor(),
  },
  {
    name: 'no-tray',
    scenario: (core) => {
      mayaAtHerDesk(core);
      core.desktop = { tray: 'missing', notifications: 'missing' };
    },
    go: (page) => page.getByText('This desktop has no tray').waitFor(),
  },
  {
    name: 'no-notifications',
    scenario: (core) => {
      mayaAtHerDesk(core);
      core.desktop = { tray: 'here', notifications: 'missing' };
    },
    go: (page) => page.getByText('shows no notifications').waitFor(),
  },
  {
    name: 'settings-bare-desktop',
    scenario: (core) => {
      mayaAtHerDesk(core);
      core.desktop = { tray: 'missing', notifications: 'missing' };
    },
    go: (page) => page.getByRole('button', { name: 'Settings', exact: true }).click(),
  },
  {
    name: 'sign-in-no-tray',
    scenario: (core) => {
      core.desktop = { tray: 'missing', notifications: 'missing' };
    },
    go: (page) => page.getByText('Quit InstantMentor').waitFor(),
  },
  {
    name: 'keyring-locked',
    scenario: (core) => {
      mayaAtHerDesk(core);
      if (core.account.state === 'signed_in') core.account = { ...core.account, keyring: 'locked' };
      core.connection = { ...core.connection, state: 'waiting', retry_in_ms: 20_000 };
    },
    go: (page) => page.getByText('Unlock the keyring').waitFor(),
  },
  {
    name: 'status-pending',
    scenario: (core) => {
      mayaAtHerDesk(core);
      core.connection = {
        ...core.connection,
        state: 'waiting',
        retry_in_ms: 1_500,
        problem: refusal('server_restarts'),
      };
      core.status = { availability: 'break', message: '', pending: true };
    },
    go: async (page) => {
      await page.getByText('The server is restarting').waitFor();
      await page.getByRole('button', { name: /status and account/ }).click();
    },
  },
  {
    name: 'call-elsewhere',
    scenario: (core) => {
      mayaAtHerDesk(core);
      core.call = callWithSam({ phase: 'over', outcome: 'other', outgoing: false });
    },
  },
  {
    name: 'status-menu',
    scenario: mayaAtHerDesk,
    go: (page) => page.getByRole('button', { name: /status and account/ }).click(),
  },
  {
    name: 'status-dialog',
    scenario: mayaAtHerDesk,
    go: async (page) => {
      await page.getByRole('button', { name: /status and account/ }).click();
      await page.getByRole('menuitem', { name: /Write a status/ }).click();
    },
  },
  {
    name: 'sign-out',
    scenario: (core) => {
      mayaAtHerDesk(core);
      core.connection = { ...core.connection, state: 'connecting', waiting: 3 };
      core.answers['account.sign_out'] = () => ({ done: false, unsent: 3 });
    },
    go: async (page) => {
      await page.getByRole('button', { name: /status and account/ }).click();
      await page.getByRole('menuitem', { name: 'Sign out' }).click();
      await page.getByRole('dialog').waitFor();
    },
  },
  {
    name: 'ring',
    scenario: (core) => {
      mayaAtHerDesk(core);
      core.rings = [ringOf(lin, WITH_LIN)];
    },
    go: async (page) => {
      await open('Sam Rivera')(page);
      await page.getByText('Lin Zhang is calling').waitFor();
    },
  },
  {
    name: 'call-ringing',
    scenario: (core) => {
      mayaAtHerDesk(core);
      core.call = callWithSam({ phase: 'ringing' });
    },
  },
  {
    name: 'call-connected',
    scenario: (core) => {
      mayaAtHerDesk(core);
      core.call = callWithSam({
        phase: 'connected',
        connected_at: Date.now() - 65_000,
        camera: false,
        notices: ['no_camera'],
      });
    },
    go: async (page, core) => {
      await page.getByRole('toolbar').waitFor();
      core.tell({ event: 'call_levels', data: { microphone: 0.5, remote: 0.2 } });
    },
  },
  {
    name: 'call-chat',
    scenario: (core) => {
      mayaAtHerDesk(core);
      core.call = callWithSam({ phase: 'connected', connected_at: Date.now() - 65_000 });
    },
    go: async (page) => {
      await page.getByRole('button', { name: /Open the chat/ }).click();
      await page.getByText('Well done').waitFor();
    },
  },
  {
    name: 'call-chat-actions',
    scenario: (core) => {
      mayaAtHerDesk(core);
      richTalk(core);
      core.call = callWithSam({ phase: 'connected', connected_at: Date.now() - 65_000 });
    },
    go: async (page) => {
      await page.getByRole('button', { name: /Open the chat/ }).click();
      await page.locator('math').first().waitFor({ state: 'attached' });
      await page.locator('[data-message]').filter({ hasText: 'I see!' }).hover();
      await page.getByRole('toolbar', { name: /this message/ }).waitFor();
    },
  },
  {
    name: 'call-picture',
    scenario: (core) => {
      mayaAtHerDesk(core);
      core.call = callWithSam({
        phase: 'connected',
        connected_at: Date.now() - 65_000,
        pictures: { remote: media.url('remote'), own: media.url('own') },
        remote_size: { width: 1280, height: 720 },
      });
    },
    go: async (page, core) => {
      await media.until(() => media.open === 2);
      for (const frame of frames) media.send(frame, 1280, 720);
      await page.waitForFunction(
        () => (window.__pictures?.own.drawn ?? 0) > 0 && (window.__pictures?.remote.drawn ?? 0) > 0,
      );
      core.tell({ event: 'call_levels', data: { microphone: 0.3, remote: 0.2 } });
    },
  },
  {
    name: 'call-declined',
    scenario: (core) => {
      mayaAtHerDesk(core);
      core.call = callWithSam({ phase: 'over', outcome: 'rejected', reason: 'back_soon' });
    },
  },
  {
    name: 'call-bar',
    scenario: (core) => {
      mayaAtHerDesk(core);
      core.call = callWithSam({ phase: 'connected', connected_at: Date.now() - 65_000 });
    },
    go: async (page) => {
      await page.getByRole('button', { name: /Back to your conversations/ }).click();
      await open('Lin Zhang')(page);
      await page.getByText('lifetimes today').last().waitFor();
    },
  },
];

for (const view of VIEWS.filter(({ name }) => !only || only.split(',').includes(name))) {
  test(view.name, async () => {
    for (const theme of ['light', 'dark'] as const) {
      for (const [width, height] of SIZES) {
        const page = await stage.play(
          (core) => {
            view.scenario(core);
            core.settings = { ...core.settings, theme };
          },
          { width, height, scheme: theme },
        );
        await page.waitForSelector('#app > *');
        await view.go?.(page, stage.core);
        await page.evaluate(
          () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
        );
        await page.waitForTimeout(250);
        await page.screenshot({ path: join(folder, `${view.name}-${theme}-${width}.png`) });
        if (stage.complaints.length > 0) throw new Error(stage.complaints.join('\n'));
      }
    }
  });
}
