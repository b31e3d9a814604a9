import { tick } from 'svelte';
import type { MessagePage } from '../contract/MessagePage';
import type { MessageRow } from '../contract/MessageRow';
import type { PageArgs } from '../contract/PageArgs';
import type { UiError } from '../contract/UiError';
import type { WordingView } from '../contract/WordingView';
import { CoreError, type Platform } from '../platform';
import { SLOW_MS } from './reading.svelte';
import {
  appendPage,
  changes,
  keepNewest,
  keepOldest,
  keepSame,
  mergePage,
  newestSeq,
  oldestSeq,
  touches,
  type Held,
} from './thread-pages';

/** Rows read when a conversation is opened, and each time older ones are wanted. */
const PAGE = 60;
/** Rows in a read that catches up: as many as the core gives. */
const LONG_PAGE = 200;
/** Pages read in a row before giving up the older rows and starting anew at the end. */
const PAGES_AT_ONCE = 10;
/** Rows held at most: those far from what is on screen are let go, and read again when somebody comes back. */
const KEPT = 1_000;

/** Where a list of messages stands: at its end, or with so many pixels of this row above its edge. */
export type Resting = 'end' | { row: string; above: number };

/** One conversation's messages while it is open: a window that moves over them. */
export class Thread {
  /** The rows to show, oldest first. */
  rows = $state.raw<readonly MessageRow[]>([]);
  /** Whether there are older ones. */
  more = $state(false);
  /** Whether there are newer ones: the window does not go to the end. */
  newer = $state(false);
  /** The older rows, or the newer ones, are not on this computer, and could not be fetched. */
  away = $state.raw({ older: false, newer: false });
  /** The other's messages that came while the window did not go to the end. */
  missed = $state(0);
  /** Counts windows: another number has other rows, with nothing in common. */
  window = $state(0);
  /** The message that somebody wants to see, by its place, until they are led there. */
  target = $state.raw<{ seq: number }>();
  /** Where the unread ones began when the person came here. */
  firstUnread = $state<number | null>(null);
  /** The first page is there. */
  ready = $state(false);
  /** The first page takes long enough to say so. */
  slow = $state(false);
  /** Why the last read failed. */
  error = $state.raw<UiError>();
  /** Why the last change of a message could not be taken down. */
  refusal = $state.raw<UiError>();
  /** Where the list stood that showed it last: after the person was elsewhere, the next one begins there. */
  resting: Resting | undefined;
  /** How far it was marked as read from here. */
  #read = 0;
  #closed = false;
  #refreshing = false;
  #again = false;
  /** The message written last is on disk, or was refused. */
  #written: Promise<unknown> = Promise.resolve();
  #readingOlder: Promise<void> | undefined;
  #readingNewer: Promise<void> | undefined;
  #visibleFrom: number | undefined;
  /** Rows from this place on were read since the last change that was told. */
  #freshFrom = 0;
  #freshening = false;
  /** The rows that were read again last, from and up to. */
  #readAt: readonly [number, number] = [0, 0];
  /** The conversation's newest place, as far as it was seen. */
  #tail = 0;

  constructor(
    private readonly platform: Platform,
    readonly conversation: string,
  ) {}

  /** Reads what is shown first: where somebody wants to go, else the first unread message, else the newest ones. */
  async open(at?: number): Promise<void> {
    const timer = setTimeout(() => (this.slow = !this.ready), SLOW_MS);
    this.error = undefined;
    this.#again = false;
    try {
      const newest = await this.#page({ before: null }, PAGE);
      const unread = newest.first_unread_seq;
      const wanted = at ?? unread ?? undefined;
      const page = (wanted !== undefined && (await this.#pageWith(wanted, newest))) || newest;
      if (this.#closed) return;
      this.firstUnread = unread;
      this.#tail = newestSeq(newest.messages) ?? 0;
      this.#replace(page);
      if (at !== undefined) this.lead(at);
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

  /** Somebody wants to see the message at this place: the list goes there. */
  lead(seq: number): void {
    this.target = { seq };
  }

  /** The message that somebody wants to see: whoever takes it leads them there, once. */
  takeTarget(): number | undefined {
    const seq = this.target?.seq;
    this.target = undefined;
    return seq;
  }

  /** The person was elsewhere and is here again: the unread ones are those that they have not seen yet. */
  comeBack(): void {
    if (this.#read === 0) return;
    this.firstUnread = this.rows.find((row) => !row.mine && (row.seq ?? 0) > this.#read)?.seq ?? null;
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
        await (this.newer ? this.#lookAhead() : this.#catchUp());
      } while (this.#again && !this.#closed);
      this.error = undefined;
    } catch (thrown) {
      this.error = CoreError.from(thrown).ui;
    } finally {
      this.#refreshing = false;
    }
  }

  /** There is a connection: what is not on this computer can be fetched. */
  async connected(): Promise<void> {
    this.away = { older: false, newer: false };
    await this.refresh();
  }

  /** Reads a page of older rows, or waits for the one that is being read. */
  older(): Promise<void> {
    this.#readingOlder ??= this.#older().finally(() => (this.#readingOlder = undefined));
    return this.#readingOlder;
  }

  /** Reads a page of newer rows, where the window does not go to the end. */
  readNewer(): Promise<void> {
    this.#readingNewer ??= this.#newer().finally(() => (this.#readingNewer = undefined));
    return this.#readingNewer;
  }

  async #older(): Promise<void> {
    const before = oldestSeq(this.rows);
    const window = this.window;
    if (!this.more || before === undefined || this.away.older) return;
    try {
      const limit = this.rows.length < LONG_PAGE ? PAGE : LONG_PAGE;
      const page = await this.#page({ before }, limit);
      if (this.#closed || window !== this.window) return;
      if (page.messages.length === 0 && page.more) this.away = { ...this.away, older: true };
      this.#show(mergePage(this.#held(), page, before));
      // One end after the other: the list keeps its place by what was there before.
      await tick();
      if (window === this.window) this.#show(keepOldest(this.#held(), KEPT));
    } catch (thrown) {
      this.error = CoreError.from(thrown).ui;
    }
  }

  async #newer(): Promise<void> {
    const after = newestSeq(this.rows);
    const window = this.window;
    if (!this.newer || after === undefined || this.away.newer) return;
    try {
      const page = await this.#page({ before: null, after }, LONG_PAGE);
      if (this.#closed || window !== this.window) return;
      if (page.messages.length === 0 && page.newer) this.away = { ...this.away, newer: true };
      this.#show(appendPage(this.#held(), page));
      this.#seen(page);
      await tick();
      if (window === this.window) this.#show(keepNewest(this.#held(), KEPT));
    } catch (thrown) {
      this.error = CoreError.from(thrown).ui;
    }
  }

  /** Makes the window go to the end. */
  async newest(): Promise<void> {
    if (!this.newer) return;
    try {
      const page = await this.#page({ before: null }, PAGE);
      if (!this.#closed) this.#replace(page);
    } catch (thrown) {
      this.error = CoreError.from(thrown).ui;
    }
  }

  /** Moves the window to this place; false where the message is not there or not on this computer. */
  async reach(seq: number): Promise<boolean> {
    if (this.rows.some((row) => row.seq === seq)) return true;
    try {
      const page = await this.#pageWith(seq);
      if (!page || this.#closed) return false;
      this.#replace(page);
      return true;
    } catch (thrown) {
      this.error = CoreError.from(thrown).ui;
      return false;
    }
  }

  /** The page around this place, or the one given where the message is on it already. */
  async #pageWith(seq: number, known?: MessagePage): Promise<MessagePage | undefined> {
    const has = (page: MessagePage) => page.messages.some((row) => row.seq === seq);
    if (known && has(known)) return known;
    const page = await this.#page({ before: null, around: seq }, 2 * PAGE);
    return has(page) ? page : undefined;
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
    // Who answers has read what there was.
    this.firstUnread = null;
    // What somebody writes, they want to see.
    if (this.newer && !this.#closed) void this.newest();
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
      const page: MessagePage = await this.#page({ before }, read === 0 ? PAGE : LONG_PAGE);
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
      next = {
        rows: next.rows.filter((row) => row.seq === null || row.seq >= reached),
        more: true,
        newer: false,
      };
    if (this.#closed) return;
    this.#show(next);
    this.#tail = newestSeq(next.rows) ?? this.#tail;
    this.#freshFrom = reached;
    this.#readAt = [0, 0];
    await this.#freshen();
  }

  /** The window does not go to the end: counts what came there, and reads again what is on screen. */
  async #lookAhead(): Promise<void> {
    const page = await this.#page({ before: null }, LONG_PAGE);
    if (this.#closed || !this.newer) return;
    const came = page.messages.filter((row) => !row.mine && (row.seq ?? 0) > this.#tail);
    this.missed += came.length;
    this.#tail = newestSeq(page.messages) ?? this.#tail;
    this.#freshFrom = Infinity;
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
        // Not beyond what is held: a page joins it without a gap.
        const before = Math.min(seen + PAGE, this.#freshFrom, (newestSeq(this.rows) ?? seen) + 1);
        const window = this.window;
        const page = await this.#page({ before }, 2 * PAGE);
        if (window !== this.window) break;
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
    return { rows: this.rows, more: this.more, newer: this.newer };
  }

  /** Shows another window. */
  #replace(page: MessagePage): void {
    this.window++;
    this.away = { older: false, newer: false };
    this.#freshFrom = oldestSeq(page.messages) ?? 0;
    this.#readAt = [0, 0];
    this.#visibleFrom = undefined;
    this.#show({ rows: page.messages, more: page.more, newer: page.newer });
    this.#seen(page);
  }

  #show(held: Held): void {
    const rows = keepSame(this.rows, held.rows);
    if (rows.length !== this.rows.length || rows.some((row, index) => row !== this.rows[index]))
      this.rows = rows;
    this.more = held.more;
    this.newer = held.newer;
  }

  /** Where a page goes to the end, nothing is missed anymore. */
  #seen(page: MessagePage): void {
    if (page.newer) return;
    this.missed = 0;
    this.#tail = newestSeq(page.messages) ?? this.#tail;
  }

  #page(part: Pick<PageArgs, 'before' | 'after' | 'around'>, limit: number): Promise<MessagePage> {
    return this.platform.request('messages.page', { conversation: this.conversation, ...part, limit });
  }
}
