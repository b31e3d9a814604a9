import type { FileView } from '../contract/FileView';
import { MESSAGE_FILES } from '../contract/limits';
import type { NotChosen } from '../contract/NotChosen';
import type { UiError } from '../contract/UiError';
import { CoreError, type Platform } from '../platform';

/** Bytes that are given to the core at once: a multiple of three, so that the Base64 of a piece has no end in it. */
const PIECE = 3 * 512 * 1024;

/** A file that is being copied. */
interface Copying {
  name: string;
  size: number;
  /** Bytes that the core has. */
  done: number;
}

/**
 * The files that go with what the person writes in one conversation. The core has them, copied into its own folder:
 * what is shown here is read from there, and stays over a restart.
 */
export class Choosing {
  /** In the order in which they were chosen. */
  files = $state.raw<readonly FileView[]>([]);
  /** What is on its way to the core. */
  copying = $state<Copying[]>([]);
  /** What was not chosen, and why, until the person has read it. */
  refused = $state.raw<readonly NotChosen[]>([]);
  /** Taken to be sent: not shown while the core still has it. */
  #taken: readonly string[] = [];

  constructor(
    private readonly platform: Platform,
    readonly conversation: string,
  ) {}

  /** Something is being copied: it can be sent in a moment. */
  get busy(): boolean {
    return this.copying.length > 0;
  }

  /** What the core has. */
  show(files: readonly FileView[]): void {
    this.files = files.filter((file) => !this.#taken.includes(file.id));
  }

  /** Reads what the core has. */
  async refresh(): Promise<void> {
    try {
      const { conversation } = this;
      this.show((await this.platform.request('conversations.draft', { conversation })).files);
    } catch {
      // What was shown stays; the next change reads it again.
    }
  }

  /** Chooses what was dropped on the window. */
  async addDropped(drop: number): Promise<void> {
    const { conversation } = this;
    await this.#ask(async () => (await this.platform.request('files.drop', { conversation, drop })).refused);
  }

  /**
   * Chooses what is in the desktop's clipboard, which the page cannot read. Where that are words, or nothing but the
   * words that the page has, gives these.
   */
  async addCopied(words: string): Promise<string> {
    const { conversation } = this;
    let found = words;
    await this.#ask(async () => {
      const pasted = await this.platform.request('files.paste', { conversation });
      if (pasted.kind === 'chosen') {
        found = '';
        return pasted.refused;
      }
      if (pasted.kind === 'words') found = pasted.text;
      else if (words === '') return [{ name: '', error: this.#error('nothing_copied', '') }];
      return [];
    });
    return found;
  }

  /** Chooses files whose bytes the page can read: picked, pasted or dropped on it. */
  async add(files: readonly File[]): Promise<void> {
    this.refused = [];
    for (const file of files) {
      if (this.files.length + this.copying.length >= MESSAGE_FILES) {
        this.#refuse(file.name, this.#error('too_many_files', String(MESSAGE_FILES)));
        break;
      }
      const copying = this.#begin(file.name, file.size);
      try {
        await this.#copy(file, copying);
      } catch (thrown) {
        // A folder that was dropped cannot be read, and the browser throws.
        const error = thrown instanceof DOMException ? this.#error('no_file', '') : CoreError.from(thrown).ui;
        this.#refuse(file.name, error);
      } finally {
        this.#end(copying);
      }
      await this.refresh();
    }
  }

  /** Takes one out again. */
  async remove(id: string): Promise<void> {
    this.files = this.files.filter((file) => file.id !== id);
    try {
      await this.platform.request('files.remove', { id });
    } catch {
      // It was gone already, or is still there, which the next line tells.
    }
    await this.refresh();
  }

  /** What is chosen, to be sent; it goes from here. */
  take(): string[] {
    const ids = this.files.map((file) => file.id);
    this.#taken = ids;
    this.files = [];
    this.refused = [];
    return ids;
  }

  /** What was taken could not be sent: it is shown again. */
  giveBack(): void {
    this.#taken = [];
    void this.refresh();
  }

  /** Has the core choose what only it can read. Gives what was not chosen. */
  async #ask(request: () => Promise<NotChosen[]>): Promise<void> {
    this.refused = [];
    const copying = this.#begin('', 0);
    try {
      const refused = await request();
      this.refused = [...this.refused, ...refused];
    } catch (thrown) {
      this.#refuse('', CoreError.from(thrown).ui);
    } finally {
      this.#end(copying);
      await this.refresh();
    }
  }

  async #copy(file: File, copying: Copying): Promise<void> {
    const { conversation } = this;
    const begun = { conversation, name: file.name, size: file.size };
    const { id } = await this.platform.request('files.begin', begun);
    try {
      for (let from = 0; from < file.size; from += PIECE) {
        const piece = await file.slice(from, from + PIECE).arrayBuffer();
        await this.platform.request('files.append', { id, data: base64(new Uint8Array(piece)) });
        copying.done = Math.min(file.size, from + PIECE);
      }
    } catch (thrown) {
      // What is there of it is of no use.
      await this.platform.request('files.remove', { id }).catch(() => undefined);
      throw thrown;
    }
  }

  #begin(name: string, size: number): Copying {
    const copying: Copying = $state({ name, size, done: 0 });
    this.copying.push(copying);
    return copying;
  }

  #end(copying: Copying): void {
    this.copying = this.copying.filter((one) => one !== copying);
  }

  #refuse(name: string, error: UiError): void {
    this.refused = [...this.refused, { name, error }];
  }

  #error(kind: UiError['kind'], limit: string): UiError {
    return { kind, params: { limit }, retryable: false };
  }
}

/** Base64 (RFC 4648, section 4). */
function base64(bytes: Uint8Array): string {
  const AT_ONCE = 0x8000;
  let text = '';
  for (let from = 0; from < bytes.length; from += AT_ONCE)
    text += String.fromCharCode(...bytes.subarray(from, from + AT_ONCE));
  return btoa(text);
}
