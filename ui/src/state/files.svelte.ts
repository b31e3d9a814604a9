import { SvelteMap } from 'svelte/reactivity';
import type { FileProgress } from '../contract/FileProgress';
import type { FileView } from '../contract/FileView';
import type { MessageRow } from '../contract/MessageRow';
import type { UiError } from '../contract/UiError';
import { CoreError, type PictureKind, type Platform } from '../platform';

/** Pictures up to this size are fetched as they come into sight, in bytes; others when the person wants them. */
const BY_ITSELF = 10 * 1024 * 1024;
/** Where a file was saved is told for so long, in milliseconds. */
const SAVED_MS = 10_000;

/** What the page does with files of messages, and how far they are. */
export class FilesState {
  /** Files are being dragged over the window. */
  over = $state(false);
  /** Where a file was just saved, or what did not go, until the person has read it. */
  notice = $state.raw<{ saved: string } | { error: UiError }>();
  readonly #done = new SvelteMap<string, number>();
  /** Pictures that were asked for by themselves, once while the page lives. */
  #asked: Record<string, boolean> = {};

  constructor(private readonly platform: Platform) {}

  /** Files went on. */
  went(files: readonly FileProgress[]): void {
    for (const { id, done } of files) this.#done.set(id, done);
  }

  /** The part of a file that is over, from 0 to 1. */
  part(file: FileView): number {
    const done = Math.max(this.#done.get(file.id) ?? 0, file.done);
    return file.size === 0 ? 0 : Math.min(1, done / file.size);
  }

  /** Where a picture is. */
  picture(kind: PictureKind, file: FileView): string {
    return this.platform.picture(kind, file.id);
  }

  /** A picture has come into sight: it is fetched where that costs little. */
  seen(row: MessageRow, file: FileView): void {
    if (file.state !== 'there' || file.size > BY_ITSELF || this.#asked[file.id]) return;
    this.#asked[file.id] = true;
    void this.platform.request('files.fetch', { message: row.id, id: file.id }).catch(() => {
      this.#asked[file.id] = false;
    });
  }

  /** Fetches a file. */
  fetch(row: MessageRow, file: FileView): Promise<void> {
    return this.#do(() => this.platform.request('files.fetch', { message: row.id, id: file.id }));
  }

  /** Holds a file on its way. */
  hold(file: FileView): Promise<void> {
    return this.#do(() => this.platform.request('files.hold', { id: file.id }));
  }

  /** Lets it go on. */
  goOn(file: FileView): Promise<void> {
    return this.#do(() => this.platform.request('files.go_on', { id: file.id }));
  }

  /** Gives up fetching it. */
  giveUp(file: FileView): Promise<void> {
    this.#done.delete(file.id);
    return this.#do(() => this.platform.request('files.give_up', { id: file.id }));
  }

  /** Saves it into the downloads. */
  save(row: MessageRow, file: FileView): Promise<void> {
    return this.#do(async () => {
      const { path } = await this.platform.request('files.save', { message: row.id, id: file.id });
      const notice = { saved: path };
      this.notice = notice;
      setTimeout(() => {
        if (this.notice === notice) this.notice = undefined;
      }, SAVED_MS);
    });
  }

  /** Opens it with the system's own programs. */
  open(row: MessageRow, file: FileView): Promise<void> {
    return this.#do(() => this.platform.request('files.open', { message: row.id, id: file.id }));
  }

  /** Shows where it is saved. */
  show(row: MessageRow, file: FileView): Promise<void> {
    return this.#do(() => this.platform.request('files.show', { message: row.id, id: file.id }));
  }

  /** It belongs to somebody who has signed out. */
  clear(): void {
    this.#done.clear();
    this.notice = undefined;
    this.#asked = {};
  }

  async #do(what: () => Promise<unknown>): Promise<void> {
    this.notice = undefined;
    try {
      await what();
    } catch (thrown) {
      this.notice = { error: CoreError.from(thrown).ui };
    }
  }
}
