import { expect, test } from 'vitest';
import type { FileView } from '../../src/contract/FileView';
import { filesWords, isHere, isOnItsWay, kindOf, stateWords } from '../../src/features/files/file-words';
import { Choosing } from '../../src/state/choosing.svelte';
import { file } from '../fake/files';
import { refused, ScriptedPlatform } from './platform';

function setting(refuseAt?: number) {
  const chosen: FileView[] = [];
  const pieces: string[] = [];
  const platform = new ScriptedPlatform({
    'conversations.draft': () => ({ text: '', reply_to: null, files: chosen }),
    'files.begin': ({ name }) => ({ id: name }),
    'files.append': ({ id, data }) => {
      if (pieces.length === refuseAt) throw refused('storage');
      pieces.push(data);
      if (!chosen.some((one) => one.id === id)) chosen.push(file(id, id, 1, { state: 'chosen' }));
      return {};
    },
    'files.remove': ({ id }) => {
      const index = chosen.findIndex((one) => one.id === id);
      if (index !== -1) chosen.splice(index, 1);
      return {};
    },
  });
  return { choosing: new Choosing(platform, 'with-sam'), platform, pieces };
}

test('a file goes to the core in pieces that together are what it was', async () => {
  const { choosing, pieces } = setting();
  const bytes = new Uint8Array(4_000_001).map((_, index) => index % 251);
  const adding = choosing.add([new File([bytes], 'a.bin')]);
  expect(choosing.busy).toBe(true);
  await adding;
  expect(choosing.busy).toBe(false);
  expect(pieces.length).toBe(3);
  expect(Buffer.from(pieces.join(''), 'base64').equals(Buffer.from(bytes))).toBe(true);
  expect(choosing.files.map((one) => one.name)).toEqual(['a.bin']);
});

test('what the disk does not take leaves nothing and says so; others are chosen all the same', async () => {
  const { choosing, platform } = setting(0);
  await choosing.add([new File(['x'], 'a.txt')]);
  expect(choosing.refused).toMatchObject([{ name: 'a.txt', error: { kind: 'storage' } }]);
  expect(platform.count('files.remove')).toBe(1);
  expect(choosing.files).toEqual([]);
});

test('too large and too many are said before a byte is read', async () => {
  const { choosing, platform } = setting();
  const begin = platform.answers['files.begin'];
  platform.answers['files.begin'] = () => {
    throw refused('file_too_large');
  };
  await choosing.add([new File(['x'], 'film.mkv')]);
  expect(choosing.refused).toMatchObject([{ name: 'film.mkv', error: { kind: 'file_too_large' } }]);
  expect(platform.count('files.append')).toBe(0);
  platform.answers['files.begin'] = begin;
  await choosing.add(Array.from({ length: 12 }, (_, n) => new File(['x'], `${n}.txt`)));
  expect(choosing.files.length).toBe(10);
  expect(choosing.refused[0]).toMatchObject({ name: '10.txt', error: { kind: 'too_many_files' } });
});

test('what is taken to be sent is not shown again, unless it comes back', async () => {
  const { choosing } = setting();
  await choosing.add([new File(['x'], 'a.txt')]);
  expect(choosing.take()).toEqual(['a.txt']);
  expect(choosing.files).toEqual([]);
  await choosing.refresh();
  expect(choosing.files).toEqual([]);
  choosing.giveBack();
  await choosing.refresh();
  expect(choosing.files.length).toBe(1);
});

test('a file says how large it is and how far', () => {
  const film = file('film', 'film.webm', 48_000_000, { state: 'uploading' });
  expect(stateWords(film, 0)).toBe('48.0 MB, waiting to be sent');
  expect(stateWords(film, 0.256)).toBe('25 % of 48.0 MB sent');
  expect(stateWords({ ...film, state: 'fetch_held' }, 0.5)).toBe('Paused at 50 % of 48.0 MB');
  expect(stateWords({ ...film, state: 'here', size: 1 }, 0)).toBe('1 byte');
  expect(filesWords(1, 'a.txt')).toBe('a.txt');
  expect(filesWords(3, 'a.txt')).toBe('3 files');
  expect([isOnItsWay(film), isHere(film)]).toEqual([true, true]);
  expect([kindOf('a.PDF'), kindOf('constructor'), kindOf('x.constructor')]).toEqual([
    'text',
    'other',
    'other',
  ]);
});
