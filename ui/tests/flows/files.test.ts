import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { FakeCore } from '../fake/core';
import { file, picture } from '../fake/files';
import { maya, message, sam } from '../fake/people';
import { mayaAtHerDesk, WITH_SAM } from '../fake/scenario';
import { Stage } from './stage';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.raise();
});
afterEach(() => expect(stage.complaints).toEqual([]));
afterAll(() => stage.fall());

const openSam = (page: Page) =>
  page
    .getByRole('button', { name: /Sam Rivera/ })
    .first()
    .click();
const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: true });

/** Sam has sent two pictures and a paper, Maya is sending a film. */
function withFiles(core: FakeCore): void {
  mayaAtHerDesk(core);
  const now = Date.now();
  const rows = core.messages.get(WITH_SAM) ?? [];
  rows.push(
    {
      ...message(11, sam, '', now - 3_000, 'received'),
      files: [
        picture('board', 'board.jpg', 1_600, 1_000),
        picture('desk', 'desk.jpg', 1_000, 1_600),
        file('paper', 'exam.pdf', 1_830_204, { state: 'there' }),
      ],
    },
    {
      ...message(null, maya, 'The film', now - 2_000, 'sending'),
      files: [file('film', 'film.webm', 48_000_000, { state: 'uploading' })],
    },
  );
  core.messages.set(WITH_SAM, rows);
}

test('files are picked, shown above the box, taken out again, and sent without words', async () => {
  const page = await stage.play(mayaAtHerDesk);
  await openSam(page);
  const picked = page.waitForEvent('filechooser');
  await button(page, 'Attach files').click();
  const notes = Buffer.from('notes '.repeat(400_000));
  await (
    await picked
  ).setFiles([
    { name: 'notes.txt', mimeType: 'text/plain', buffer: notes },
    { name: 'empty.png', mimeType: 'image/png', buffer: Buffer.from('png') },
  ]);
  const tray = page.getByRole('list', { name: 'Chosen files' });
  await tray.getByText('notes.txt').waitFor();
  await tray.getByText('2.4 MB').waitFor();
  await tray.getByText('empty.png').waitFor();
  expect(stage.core.files.came.get('notes.txt')?.equals(notes)).toBe(true);
  await button(page, 'Remove empty.png').click();
  await tray.getByText('empty.png').waitFor({ state: 'detached' });
  await page.keyboard.press('Enter');
  await stage.core.waitFor('messages.send');
  const [sent] = stage.core.askedFor('messages.send');
  expect(sent).toMatchObject({ text: '', files: [expect.any(String)] });
  await tray.waitFor({ state: 'detached' });
  await page.locator('[data-file-state=uploading]').getByText('notes.txt').waitFor();
  await page.locator('.last', { hasText: 'You: notes.txt' }).waitFor();
});

test('a picture out of the clipboard is chosen, words are not', async () => {
  const page = await stage.play(mayaAtHerDesk);
  await openSam(page);
  const box = page.getByRole('textbox', { name: /^Write to/ });
  await box.waitFor();
  await box.evaluate((area) => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array([137, 80, 78, 71])], 'image.png', { type: 'image/png' }));
    area.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
  });
  await page.getByRole('list', { name: 'Chosen files' }).getByText('image.png').waitFor();
  await expect.poll(() => stage.core.files.came.get('image.png')?.length).toBe(4);
});

test('what the webview hands over nothing of is asked of the core, and words stay words', async () => {
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    core.answers['files.paste'] = ({ conversation }) => {
      core.files.choose(conversation, file('copied', 'image.png', 9_000, { state: 'chosen' }));
      return { kind: 'chosen', refused: [] };
    };
  });
  await openSam(page);
  const box = page.getByRole('textbox', { name: /^Write to/ });
  await box.waitFor();
  const paste = (copied: Record<string, string>) =>
    box.evaluate((area, copied) => {
      const data = new DataTransfer();
      for (const [type, words] of Object.entries(copied)) data.setData(type, words);
      area.dispatchEvent(
        new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }),
      );
    }, copied);
  await paste({});
  await page.getByRole('list', { name: 'Chosen files' }).getByText('image.png').waitFor();
  await paste({ 'text/plain': 'Problem 7' });
  expect(stage.core.askedFor('files.paste')).toEqual([{ conversation: WITH_SAM }]);
  // The address of a page looks like a file that was copied.
  stage.core.answers['files.paste'] = () => ({ kind: 'nothing' });
  await paste({ 'text/uri-list': 'https://example.org/', 'text/plain': 'https://example.org/' });
  await expect.poll(() => box.inputValue()).toBe('https://example.org/');
  expect(await page.getByRole('alert').count()).toBe(0);
  await paste({});
  await page.getByRole('alert').getByText('There is nothing in the clipboard that can be sent.').waitFor();
  // A program for tables offers a picture of the words too, and then the webview hides the words.
  await box.fill('');
  stage.core.answers['files.paste'] = () => ({ kind: 'words', text: 'x\ty' });
  await paste({});
  await expect.poll(() => box.inputValue()).toBe('x\ty');
  expect(await page.getByRole('alert').count()).toBe(0);
  // The program that it was copied in takes its time, and the person goes elsewhere.
  let answer: () => void = () => undefined;
  stage.core.answers['files.paste'] = () =>
    new Promise((resolve) => (answer = () => resolve({ kind: 'nothing' })));
  await paste({ 'text/uri-list': 'https://example.com/', 'text/plain': ' https://example.com/' });
  await page
    .getByRole('button', { name: /Noor Haddad/ })
    .first()
    .click();
  const other = page.getByRole('textbox', { name: 'Write to Noor Haddad' });
  await other.waitFor();
  answer();
  await openSam(page);
  await expect.poll(() => box.inputValue()).toBe('x\ty https://example.com/');
});

test('what is dropped goes to the conversation that is open, and what is refused says why', async () => {
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    core.answers['files.drop'] = ({ conversation }) => {
      core.files.choose(conversation, file('paper', 'exam.pdf', 9_000, { state: 'chosen' }));
      const error = { kind: 'file_too_large', params: { limit: '100 MB' }, retryable: false } as const;
      return { refused: [{ name: 'film.mkv', error }] };
    };
  });
  await openSam(page);
  await page.getByRole('textbox', { name: /^Write to/ }).waitFor();
  stage.core.tell({ event: 'files_over', data: { over: true } });
  await page.getByText('Drop files here to send them to Sam Rivera').waitFor();
  stage.core.tell({ event: 'files_dropped', data: { drop: 3 } });
  await page.getByText('Drop files here').waitFor({ state: 'detached' });
  await page.getByRole('list', { name: 'Chosen files' }).getByText('exam.pdf').waitFor();
  await page.getByRole('alert').getByText('film.mkv: This file is too large: 100 MB at most.').waitFor();
  expect(stage.core.askedFor('files.drop')).toEqual([{ conversation: WITH_SAM, drop: 3 }]);
});

test('a file in a browser is dropped on the page', async () => {
  const page = await stage.play(mayaAtHerDesk);
  await openSam(page);
  await page.getByRole('textbox', { name: /^Write to/ }).waitFor();
  const data = await page.evaluateHandle(() => {
    const data = new DataTransfer();
    data.items.add(new File(['x = 1'], 'a.py'));
    return data;
  });
  await page.dispatchEvent('body', 'dragenter', { dataTransfer: data });
  await page.getByText('Drop files here').waitFor();
  await page.dispatchEvent('body', 'drop', { dataTransfer: data });
  await page.getByRole('list', { name: 'Chosen files' }).getByText('a.py').waitFor();
  await page.getByText('Drop files here').waitFor({ state: 'detached' });
});

test('files on their way show how far they are, are held, go on and are given up', async () => {
  const page = await stage.play(withFiles);
  await openSam(page);
  const film = page.locator('[data-file=film]');
  await film.getByText('48.0 MB, waiting to be sent').waitFor();
  stage.core.tell({ event: 'files', data: [{ id: 'film', done: 12_000_000 }] });
  await film.getByText('25 % of 48.0 MB sent').waitFor();
  await button(page, 'Pause film.webm').click();
  await stage.core.waitFor('files.hold');
  stage.core.change(WITH_SAM, (row) => ({
    ...row,
    files: row.files.map((one) => (one.id === 'film' ? { ...one, state: 'upload_held' } : one)),
  }));
  await film.getByText('Paused at 25 % of 48.0 MB').waitFor();
  await button(page, 'Go on with film.webm').click();
  await stage.core.waitFor('files.go_on');
  await button(page, "Don't send the message with film.webm").click();
  await stage.core.waitFor('messages.discard');
  await button(page, 'Download exam.pdf').click();
  await stage.core.waitFor('files.fetch');
  expect(stage.core.askedFor('files.fetch')).toContainEqual({
    message: 'message-11-person-sam',
    id: 'paper',
  });
});

test('a file that is here is opened by its name, saved, and shown where it is', async () => {
  const page = await stage.play((core) => {
    withFiles(core);
    core.change(WITH_SAM, (row) => ({
      ...row,
      files: row.files.map((one) => (one.id === 'paper' ? { ...one, state: 'here' } : one)),
    }));
  });
  await openSam(page);
  await button(page, 'exam.pdf').click();
  await stage.core.waitFor('files.open');
  await button(page, 'Save exam.pdf in your downloads').click();
  await page.getByText('Saved: /media/maya/Downloads/paper').waitFor();
});

test('pictures have their places before they are there, and are looked at by keyboard alone', async () => {
  const page = await stage.play(withFiles);
  await openSam(page);
  const place = page.locator('[data-file=board]');
  await place.waitFor();
  const before = await place.boundingBox();
  await page.waitForFunction(() =>
    [...document.querySelectorAll<HTMLImageElement>('[data-file] img')].every((one) => one.complete),
  );
  expect(await place.boundingBox()).toEqual(before);
  await button(page, 'Look at board.jpg').focus();
  await page.keyboard.press('Enter');
  const view = page.getByRole('dialog', { name: 'board.jpg' });
  await view.getByText('1 of 2').waitFor();
  await page.keyboard.press('ArrowRight');
  await page.getByRole('dialog', { name: 'desk.jpg' }).getByText('2 of 2').waitFor();
  const shown = page.getByRole('img', { name: 'desk.jpg' });
  await shown.waitFor();
  const fits = (await shown.boundingBox())?.width ?? 0;
  await page.keyboard.press('+');
  await page.waitForFunction(
    (width) => (document.querySelector('[role=dialog] img')?.clientWidth ?? 0) > width,
    fits,
  );
  await page.keyboard.press('0');
  await page.keyboard.press('ArrowLeft');
  await view.waitFor();
  await page.keyboard.press('Escape');
  await view.waitFor({ state: 'detached' });
});

test('what the decoders do not take is named and not shown', async () => {
  const page = await stage.play((core) => {
    withFiles(core);
    core.files.broken.add('board');
  });
  await openSam(page);
  await page.locator('[data-file=board]').getByText('board.jpg').waitFor();
  await page.locator('[data-file=board] img').waitFor({ state: 'detached' });
  // The browser says on its console what came of the picture.
  stage.complaints.splice(
    0,
    stage.complaints.length,
    ...stage.complaints.filter((one) => !one.includes('404')),
  );
});
