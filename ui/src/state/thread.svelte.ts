import type { MessagePage } from '../contract/MessagePage';
import type { MessageRow } from '../contract/MessageRow';
import type { UiError } from '../contract/UiError';
import { CoreError, type Platform } from '../platform';
import { SLOW_MS } from './reading.svelte';
import { changes, keepSame, mergePage, oldestSeq, touches, type Held } from './thread-pages';

/** Rows read when a conversation is opened, and each time older ones are wanted. */
const PAGE = 60;
/** Rows in a read that catches up: as many as the core gives. */
const LONG_PAGE = 200;
/** Pages read in a row before giving up the older rows and starting anew at the end. */
const PAGES_AT_ONCE = 10;

/** One conversation's messages while it is open. */
export class Thread {
  /** The rows to show, oldest first. */
  rows = $state.raw<readonly MessageRow[]>([]);
  /** Whether there are older ones. */
  more = $state(false);
  /** Where the unread ones began when it was opened. */
  firstUnread = $state<number | null>(null);
  /** The first page is there. */
  ready = $state(false);
  /** The first page takes long enough to say so. */
  slow = $state(false);
  /** Older ones are being read. */
  readingOlder = $state(false);
  /** Why the last read failed. */
  error = $state.raw<UiError>();
  /** How far it was marked as read from here. */
  #read = 0;
  #closed = false;
  #refreshing = false;
  #again = false;
  /** The message written last is on disk, or was refused. */
  #written: Promise<unknown> = Promise.resolve();
  #visibleFrom: number | undefined;

  constructor(
    private readonly platform: Platform,
    readonly conversation: string,
  ) {}

  /** Reads what is shown first: the newest page, and back to the first unread message. */
  async open(): Promise<void> {
    const timer = setTimeout(() => (this.slow = !this.ready), SLOW_MS);
    this.error = undefined;
    this.#again = false;
    try {
      const newest = await this.#page(null, PAGE);
      let held: Held = mergePage({ rows: [], more: newest.more }, newest, null);
      const unread = newest.first_unread_seq;
      for (let read = 1; unread !== null && held.more && read < PAGES_AT_ONCE; read++) {
        const before = oldestSeq(held.rows);
        if (before === undefined || before <= unread) break;
        const page = await this.#page(before, LONG_PAGE);
        held = mergePage(held, page, before);
        // There is more, but not on this computer right now.
        if (page.messages.length === 0) break;
      }
      if (this.#closed) return;
      this.firstUnread = unread;
      this.#show(held);
      this.ready = true;
    } catch (thrown) {
      this.error = CoreError.from(thrown).ui;
    } finally {
      clearTimeout(timer);
      this.slow = false;
    }
    // What changed meanwhile may be newer than what was read.
    if (this.ready && this.#again) await this.refresh();
  }

  /** Nothing of it is shown anymore. */
  close(): void {
    this.#closed = true;
  }

  /** Which row is the uppermost on screen, so that a refresh reaches what is looked at. */
  looksAt(row: MessageRow | undefined): void {
    this.#visibleFrom = row?.seq ?? undefined;
  }

  /** Something changed: reads the newest rows again, and further back as long as anything differs. */
  async refresh(): Promise<void> {
    if (!this.ready || this.#refreshing) {
      this.#again = true;
      return;
    }
    this.#refreshing = true;
    try {
      do {
        this.#again = false;
        await this.#catchUp();
      } while (this.#again && !this.#closed);
      this.error = undefined;
    } catch (thrown) {
      this.error = CoreError.from(thrown).ui;
    } finally {
      this.#refreshing = false;
    }
  }

  /** Reads a page of older rows. */
  async older(): Promise<void> {
    const before = oldestSeq(this.rows);
    if (this.readingOlder || !this.more || before === undefined) return;
    this.readingOlder = true;
    try {
      const limit = this.rows.length < LONG_PAGE ? PAGE : LONG_PAGE;
      const page = await this.#page(before, limit);
      if (!this.#closed) this.#show(mergePage(this.#held(), page, before));
    } catch (thrown) {
      this.error = CoreError.from(thrown).ui;
    } finally {
      this.readingOlder = false;
    }
  }

  /** The person has this row before their eyes: all up to it is read. */
  async markRead(row: MessageRow | undefined): Promise<void> {
    if (!row || row.seq === null || row.seq <= this.#read) return;
    const before = this.#read;
    this.#read = row.seq;
    try {
      await this.platform.request('conversations.read', { conversation: this.conversation, seq: row.seq });
    } catch {
      // Nothing that a person would act on: the next message seen tries again.
      this.#read = before;
    }
  }

  /** Writes a message, after those written before: it is on disk when this resolves. */
  async send(text: string): Promise<void> {
    const ask = () => this.platform.request('messages.send', { conversation: this.conversation, text });
    const written = this.#written.then(ask);
    this.#written = written.catch(() => undefined);
    await written;
    // Not waited for: while the network is slow, older messages may take long to come.
    if (!this.#closed) void this.refresh();
  }

  /** Tries a failed message again. */
  async retry(id: string): Promise<void> {
    await this.platform.request('messages.retry', { id });
  }

  /** Throws a failed message away. */
  async discard(id: string): Promise<void> {
    await this.platform.request('messages.discard', { id });
  }

  async #catchUp(): Promise<void> {
    const held = this.#held();
    const known = oldestSeq(held.rows);
    let next = held;
    let before: number | null = null;
    let joined = false;
    for (let read = 0; read < PAGES_AT_ONCE; read++) {
      const page: MessagePage = await this.#page(before, read === 0 ? PAGE : LONG_PAGE);
      const differs = changes(next, page, before);
      joined = touches(held, page);
      next = mergePage(next, page, before);
      const from: number | undefined = oldestSeq(page.messages);
      before = from ?? 0;
      if (!page.more || from === undefined || (joined && (!differs || known === undefined || from <= known)))
        break;
    }
    const reached = before ?? 0;
    // Too far behind to read all of it: what was read has no gap, the rest comes when it is scrolled to.
    if (!joined)
      next = { rows: next.rows.filter((row) => row.seq === null || row.seq >= reached), more: true };
    next = await this.#rereadVisible(next, reached);
    if (!this.#closed) this.#show(next);
  }

  /** Reads again what is on screen where the newest pages did not reach it. */
  async #rereadVisible(held: Held, reached: number): Promise<Held> {
    const seen = this.#visibleFrom;
    const oldest = oldestSeq(held.rows);
    if (seen === undefined || oldest === undefined || seen >= reached || seen < oldest) return held;
    const before = Math.min(seen + PAGE, reached);
    return mergePage(held, await this.#page(before, PAGE), before);
  }

  #held(): Held {
    return { rows: this.rows, more: this.more };
  }

  #show(held: Held): void {
    this.rows = keepSame(this.rows, held.rows);
    this.more = held.more;
  }

  #page(before: number | null, limit: number): Promise<MessagePage> {
    return this.platform.request('messages.page', { conversation: this.conversation, before, limit });
  }
}
