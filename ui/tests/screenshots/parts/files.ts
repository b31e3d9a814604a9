import type { FakeCore } from '../../fake/core';
import { file, picture } from '../../fake/files';
import { maya, message, sam } from '../../fake/people';
import { mayaAtHerDesk, WITH_SAM } from '../../fake/scenario';
import { refusal } from '../../fake/core';
import { open, type View } from './view';

const MINUTE = 60_000;

/** Maya and Sam send each other files in every state. */
function filesOfAllStates(core: FakeCore): void {
  mayaAtHerDesk(core);
  const now = Date.now();
  const rows = core.messages.get(WITH_SAM) ?? [];
  rows.push(
    {
      ...message(11, sam, 'This is what the board looks like now.', now - 40 * MINUTE, 'received'),
      files: [picture('board', 'board.jpg', 1_600, 1_000)],
    },
    {
      ...message(12, sam, '', now - 39 * MINUTE, 'received'),
      files: [
        picture('one', 'page 1.jpg', 1_200, 1_600),
        picture('two', 'page 2.jpg', 1_200, 1_600),
        picture('three', 'page 3.jpg', 1_200, 1_600, { state: 'fetching', done: 960_000 }),
      ],
    },
    {
      ...message(13, sam, '', now - 20 * MINUTE, 'received'),
      files: [
        file('notes', 'Lecture notes, week 7.pdf', 1_830_204, { state: 'there' }),
        file('data', 'measurements.csv', 81_000, { saved: true }),
        file('lost', 'old notes.zip', 9_200_000, {
          state: 'fetch_failed',
          error: refusal('file_gone'),
        }),
      ],
    },
    {
      ...message(null, maya, 'And the recording of our session.', now - 2 * MINUTE, 'sending'),
      files: [
        file('film', 'session of the 28th.webm', 48_000_000, { state: 'uploading', done: 20_640_000 }),
        file('sheet', 'exercise 5.tex', 4_120, { state: 'upload_held' }),
      ],
    },
  );
  core.messages.set(WITH_SAM, rows);
}

/** Files in messages and in what is begun. */
export const FILES_VIEWS: readonly View[] = [
  {
    name: 'files',
    scenario: filesOfAllStates,
    go: async (page) => {
      await open('Sam Rivera')(page);
      await page.getByText('old notes.zip').waitFor();
      await page.waitForTimeout(300);
    },
  },
  {
    name: 'files-pictures',
    scenario: filesOfAllStates,
    go: async (page) => {
      await open('Sam Rivera')(page);
      await page.getByText('old notes.zip').waitFor();
      await page.mouse.move(700, 300);
      await page.mouse.wheel(0, -420);
      await page.waitForTimeout(400);
    },
  },
  {
    name: 'files-tray',
    scenario: (core) => {
      mayaAtHerDesk(core);
      core.files.choose(
        WITH_SAM,
        picture('board', 'board with a rather long name.jpg', 1_600, 1_000, { state: 'chosen' }),
        file('notes', 'Lecture notes, week 7.pdf', 1_830_204, { state: 'chosen' }),
      );
      core.answers['files.drop'] = () => ({
        refused: [{ name: 'film.mkv', error: refusal('file_too_large', { limit: '100 MB' }) }],
      });
    },
    go: async (page, core) => {
      await open('Sam Rivera')(page);
      await page.getByText('Lecture notes').waitFor();
      core.tell({ event: 'files_dropped', data: { drop: 1 } });
      await page.getByText('film.mkv').waitFor();
      await page.waitForTimeout(200);
    },
  },
  {
    name: 'files-drop',
    scenario: mayaAtHerDesk,
    go: async (page, core) => {
      await open('Sam Rivera')(page);
      core.tell({ event: 'files_over', data: { over: true } });
      await page.getByText('Drop files here').waitFor();
    },
  },
  {
    name: 'files-view',
    scenario: filesOfAllStates,
    go: async (page) => {
      await open('Sam Rivera')(page);
      await page.getByRole('button', { name: 'Look at page 2.jpg' }).click();
      await page.getByRole('dialog').waitFor();
      await page.waitForTimeout(300);
    },
  },
];
