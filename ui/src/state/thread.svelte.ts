import type { MessagePage } from '../contract/MessagePage';
import type { MessageRow } from '../contract/MessageRow';
import type { UiError } from '../contract/UiError';
import type { WordingView } from '../contract/WordingView';
import { CoreError, type Platform } from '../platform';
import { SLOW_MS } from './reading.svelte';
import { changes, keepSame, mergePage, oldestSeq, touches, type Held } from './thread-pages';

/** Rows read when a conversation is opened, and each time older ones are wanted. */
const PAGE = 60;
/** Rows in a read that catches up: as many as the core gives. */
const LONG_PAGE = 200;
/** Pages read in a row to reach a message that another one answers: five thousand rows. */
const PAGES_TO_REACH = 25;
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
  /** Why the last read failed. */
  error = $state.raw<UiError>();
  /** Why the last change of a message could not be taken down. */
  refusal = $state.raw<UiError>();
  /** How far it was marked as read from here. */
  #read = 0;
  #closed = false;
  #refreshing = false;
  #again = false;
  /** The message written last is on disk, or was refused. */
  #written: Promise<unknown> = Promise.resolve();
  #readingOlder: Promise<void> | undefined;
  #visibleFrom: number | undefined;
  /** Rows from this place on were read since the last change that was told. */
  #freshFrom = 0;
  #freshening = false;
  /** The rows that were read again last, from and up to. */
  #readAt: readonly [number, number] = [0, 0];

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

  /** Which row is the uppermost on screen: what is looked at is read again where it may have changed. */
  looksAt(row: MessageRow | undefined): void {
    this.#visibleFrom = row?.seq ?? undefined;
    if (!this.#refreshing) void this.#freshen();
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

  /** Reads a page of older rows, or waits for the one that is being read. */
  older(): Promise<void> {
    this.#readingOlder ??= this.#older().finally(() => (this.#readingOlder = undefined));
    return this.#readingOlder;
  }

  async #older(): Promise<void> {
    const before = oldestSeq(this.rows);
    if (!this.more || before === undefined) return;
    try {
      const limit = this.rows.length < LONG_PAGE ? PAGE : LONG_PAGE;
      const page = await this.#page(before, limit);
      if (!this.#closed) this.#show(mergePage(this.#held(), page, before));
    } catch (thrown) {
      this.error = CoreError.from(thrown).ui;
    }
  }

  /** Reads older rows until this place is among them; false where it is too far back or not on this computer. */
  async reach(seq: number): Promise<boolean> {
    for (let read = 0; read < PAGES_TO_REACH; read++) {
      const oldest = oldestSeq(this.rows);
      if (oldest !== undefined && oldest <= seq) return true;
      if (this.#closed || !this.more) return false;
      await this.older();
      if (oldestSeq(this.rows) === oldest) return false;
    }
    return false;
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
  async send(text: string, replyTo: string | null = null, files: string[] = []): Promise<void> {
    const { conversation } = this;
    await this.#write(() =>
      this.platform.request('messages.send', { conversation, text, reply_to: replyTo, files }),
    );
  }

  /** Gives an own message other words: on disk when this resolves. */
  async edit(id: string, text: string): Promise<void> {
    const { conversation } = this;
    await this.#write(() => this.platform.request('messages.edit', { conversation, id, text }));
  }

  /** Takes an own message back. Never rejects: see {@link refusal}. */
  delete(id: string): Promise<void> {
    const { conversation } = this;
    return this.#change(() => this.platform.request('messages.delete', { conversation, id }));
  }

  /** Gives a message an emoji or takes it back. Never rejects: see {@link refusal}. */
  react(id: string, emoji: string, on: boolean): Promise<void> {
    const { conversation } = this;
    return this.#change(() => this.platform.request('messages.react', { conversation, id, emoji, on }));
  }

  /** The earlier words of a message, oldest first. */
  trace(id: string): Promise<WordingView[]> {
    return this.platform.request('messages.trace', { conversation: this.conversation, id });
  }

  /** Tries again what failed: a message by its id, a change by its operation. */
  retry(id: string): Promise<void> {
    return this.#change(() => this.platform.request('messages.retry', { id }));
  }

  /** Throws away what failed. */
  discard(id: string): Promise<void> {
    return this.#change(() => this.platform.request('messages.discard', { id }));
  }

  /** What a person writes is taken down in the order in which it was written. */
  async #write(ask: () => Promise<unknown>): Promise<void> {
    const written = this.#written.then(ask);
    this.#written = written.catch(() => undefined);
    await written;
    // Not waited for: while the network is slow, older messages may take long to come.
    if (!this.#closed) void this.refresh();
  }

  async #change(ask: () => Promise<unknown>): Promise<void> {
    this.refusal = undefined;
    try {
      await this.#write(ask);
    } catch (thrown) {
      this.refusal = CoreError.from(thrown).ui;
    }
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
    if (this.#closed) return;
    this.#show(next);
    this.#freshFrom = reached;
    this.#readAt = [0, 0];
    await this.#freshen();
  }

  /**
   * Reads again what is on screen where the newest pages did not reach it: somebody may have changed an old message.
   * What was read joins what is fresh where the two touch; where they do not, it is read again when it is looked at.
   */
  async #freshen(): Promise<void> {
    if (this.#freshening) return;
    this.#freshening = true;
    try {
      for (let seen = this.#stale(); seen !== undefined && !this.#closed;) {
        const before = Math.min(seen + PAGE, this.#freshFrom);
        const page = await this.#page(before, 2 * PAGE);
        if (!this.#closed) this.#show(mergePage(this.#held(), page, before));
        const from = oldestSeq(page.messages) ?? before;
        if (before === this.#freshFrom) this.#freshFrom = from;
        this.#readAt = [from, before];
        const next = this.#stale();
        seen = next === seen ? undefined : next;
      }
    } catch (thrown) {
      this.error = CoreError.from(thrown).ui;
    } finally {
      this.#freshening = false;
    }
  }

  /** The uppermost place on screen, where it was not read since the last change. */
  #stale(): number | undefined {
    const seen = this.#visibleFrom;
    const oldest = oldestSeq(this.rows);
    if (seen === undefined || oldest === undefined || seen < oldest || seen >= this.#freshFrom)
      return undefined;
    const [from, to] = this.#readAt;
    return seen >= from && seen < to - PAGE / 2 ? undefined : seen;
  }

  #held(): Held {
    return { rows: this.rows, more: this.more };
  }

  #show(held: Held): void {
    const rows = keepSame(this.rows, held.rows);
    if (rows.length !== this.rows.length || rows.some((row, index) => row !== this.rows[index]))
      this.rows = rows;
    this.more = held.more;
  }

  #page(before: number | null, limit: number): Promise<MessagePage> {
    return this.platform.request('messages.page', { conversation: this.conversation, before, limit });
  }
}
