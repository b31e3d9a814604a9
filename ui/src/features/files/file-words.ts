import type { FileView } from '../../contract/FileView';
import { sizeWords } from '../../i18n/sizes';
import { plural, t } from '../../i18n/words';

/** What a message with files is called where there is one line for it: its words, else its files. */
export function filesWords(count: number, first: string): string {
  return count === 1 ? first : plural('files', count);
}

/** What stands beside a file's name: how large it is, and how far. `part` is what is over, from 0 to 1. */
export function stateWords(file: FileView, part: number): string {
  const size = sizeWords(file.size);
  const percent = Math.floor(part * 100);
  switch (file.state) {
    case 'uploading':
      return part > 0 ? t('file_uploading', { percent, size }) : t('file_upload_waits', { size });
    case 'upload_held':
      return t('file_upload_held', { percent, size });
    case 'fetching':
      return part > 0 ? t('file_fetching', { percent, size }) : t('file_fetch_waits', { size });
    case 'fetch_held':
      return t('file_fetch_held', { percent, size });
    case 'uploaded':
    case 'chosen':
    case 'there':
    case 'fetch_failed':
    case 'here':
      return size;
  }
}

/** Whether it is on its way, whether it moves or is held. */
export function isOnItsWay(file: FileView): boolean {
  switch (file.state) {
    case 'uploading':
    case 'upload_held':
    case 'fetching':
    case 'fetch_held':
      return true;
    default:
      return false;
  }
}

/** Whether its bytes are on this device. */
export function isHere(file: FileView): boolean {
  switch (file.state) {
    case 'chosen':
    case 'uploading':
    case 'upload_held':
    case 'uploaded':
    case 'here':
      return true;
    default:
      return false;
  }
}

/** What a file is, as far as its name tells; for its icon alone. */
export type Kind = 'picture' | 'text' | 'archive' | 'sound' | 'film' | 'sheet' | 'code' | 'other';

const KINDS: Record<string, Kind> = Object.fromEntries(
  (
    [
      ['picture', 'png jpg jpeg gif webp svg bmp tif tiff heic avif'],
      ['text', 'pdf doc docx odt txt md rtf tex'],
      ['archive', 'zip gz tgz bz2 xz 7z rar tar zst'],
      ['sound', 'mp3 ogg opus wav flac m4a'],
      ['film', 'mp4 mkv webm mov avi'],
      ['sheet', 'xls xlsx ods csv'],
      ['code', 'c h cpp rs py js ts java kt go rb html css json xml yaml yml toml sh sql'],
    ] as const
  ).flatMap(([kind, endings]) => endings.split(' ').map((ending) => [ending, kind])),
);

export function kindOf(name: string): Kind {
  const ending = name.includes('.') ? name.slice(name.lastIndexOf('.') + 1).toLowerCase() : '';
  return Object.hasOwn(KINDS, ending) ? (KINDS[ending] ?? 'other') : 'other';
}
