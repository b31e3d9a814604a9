import type { MessageRow } from '../contract/MessageRow';
import type { Platform } from '../platform';
import { Choosing } from './choosing.svelte';
import { Wish } from './reading.svelte';
import { Typing } from './typing';

/** So long after the last key a draft is kept, in milliseconds. */
export const KEEP_MS = 400;

/** What was in the box. */
interface Taken {
  text: string;
  replyTo: string | null;
  /** Ids of files. */
  files: string[];
}

/**
 * What the person writes in one conversation: a draft, which the core keeps over a restart, or other words for a
 * message that is there already. It lives as long as the page, so that nothing is lost by looking elsewhere.
 */
export class Writing {
  /** The files that go with the draft. */
  readonly files: Choosing;
  /** The message that the draft answers. */
  replyTo = $state<string | null>(null);
  /** The message that gets other words, and the words it had when that began. */
  editing = $state.raw<{ id: string; was: string }>();
  #draft = $state('');
  #edit = $state('');
  #timer: ReturnType<typeof setTimeout> | undefined;
  #unkept = false;
  #loaded = false;
  readonly #keeping: Wish<{ text: string; reply_to: string | null }>;
  readonly #typing: Typing;

  constructor(
    private readonly platform: Platform,
    readonly conversation: string,
  ) {
    this.files = new Choosing(platform, conversation);
    this.#keeping = new Wish((draft) =>
      platform.request('conversations.keep_draft', { conversation, ...draft }),
    );
    // Nothing that a person would act on: it is said again, or nobody sees it.
    this.#typing = new Typing(
      (on) => void platform.request('conversations.typing', { conversation, on }).catch(() => undefined),
    );
  }

  /** What stands in the box. */
  get text(): string {
    return this.editing ? this.#edit : this.#draft;
  }

  /** Reads what was kept, once. What was typed meanwhile stays, after it. */
  async load(): Promise<void> {
    if (this.#loaded) return;
    this.#loaded = true;
    try {
      const draft = await this.platform.request('conversations.draft', { conversation: this.conversation });
      if (draft.text) this.#put(draft.text);
      this.replyTo ??= draft.reply_to;
      this.files.show(draft.files);
    } catch {
      this.#loaded = false;
    }
  }

  /** The person typed. */
  write(words: string): void {
    if (this.editing) {
      this.#edit = words;
      return;
    }
    this.#draft = words;
    this.#typing.typed(words !== '');
    this.#keepSoon();
  }

  /** The next message answers this one. */
  reply(row: MessageRow): void {
    this.stopEditing();
    this.replyTo = row.id;
    this.#keepSoon();
  }

  /** It answers nothing anymore. */
  stopReplying(): void {
    this.replyTo = null;
    this.#keepSoon();
  }

  /** Takes the words of a message into the box; the draft waits behind it. */
  edit(row: MessageRow): void {
    if (row.content.type !== 'text') return;
    this.#typing.stop();
    this.editing = { id: row.id, was: row.content.text };
    this.#edit = row.content.text;
  }

  /** Back to the draft. */
  stopEditing(): void {
    this.editing = undefined;
    this.#edit = '';
  }

  /** Takes the draft out of the box, to be sent. What is kept of it goes with {@link sent}. */
  take(): Taken {
    const taken = { text: this.#draft, replyTo: this.replyTo, files: this.files.take() };
    clearTimeout(this.#timer);
    this.#draft = '';
    this.replyTo = null;
    this.#typing.stop();
    return taken;
  }

  /** What was taken is on disk as a message: it need not be kept as a draft. */
  sent(): void {
    clearTimeout(this.#timer);
    this.#keep();
  }

  /** What was taken could not be kept: it comes back, before what was typed since. */
  giveBack(taken: Taken): void {
    this.#put(taken.text);
    this.replyTo ??= taken.replyTo;
    this.files.giveBack();
    this.#keepSoon();
  }

  /** The person looks elsewhere: what is not kept yet is kept now. */
  leave(): void {
    this.#typing.stop();
    clearTimeout(this.#timer);
    if (this.#unkept) this.#keep();
  }

  /** It belongs to somebody who has signed out. */
  forget(): void {
    clearTimeout(this.#timer);
    this.#unkept = false;
    this.#typing.stop();
  }

  #put(words: string): void {
    this.#draft = this.#draft ? `${words}\n${this.#draft}` : words;
  }

  #keepSoon(): void {
    this.#unkept = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#keep(), KEEP_MS);
  }

  #keep(): void {
    this.#unkept = false;
    void this.#keeping.ask({ text: this.#draft, reply_to: this.replyTo });
  }
}
