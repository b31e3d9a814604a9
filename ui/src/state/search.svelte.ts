import type { SearchArgs } from '../contract/SearchArgs';
import type { SearchBy } from '../contract/SearchBy';
import type { SearchHit } from '../contract/SearchHit';
import type { UiError } from '../contract/UiError';
import { CoreError, type Platform } from '../platform';
import { SLOW_MS } from './reading.svelte';

/** Hits that fill the list, so that a page that gave up early is gone on with until there are so many. */
const ENOUGH = 50;

/** What narrows a search besides its words. */
export interface Filters {
  /** In conversations with this person. */
  person: string | null;
  by: SearchBy | null;
  /** From this moment on. */
  from: number | null;
  /** Before this moment. */
  until: number | null;
  files: boolean;
}

const NONE: Filters = { person: null, by: null, from: null, until: null, files: false };

/** A search in all messages, as somebody types it. */
export class SearchState {
  /** The results stand in place of the list. */
  open = $state(false);
  /** Counts how often somebody asked for it, so that the field takes the focus each time. */
  asked = $state(0);
  words = $state('');
  filters = $state.raw<Filters>(NONE);
  /** Newest first. */
  hits = $state.raw<readonly SearchHit[]>([]);
  /** There are more, to be read when they are wanted. */
  more = $state(false);
  /** Older messages are still being indexed. */
  indexing = $state(false);
  /** The hits are those of what was typed some time. */
  ready = $state(false);
  /** The first hits take long enough to say so. */
  slow = $state(false);
  error = $state.raw<UiError>();
  #next: number | null = null;
  #again = false;
  #running: Promise<void> | undefined;
  #readingMore = false;

  constructor(private readonly platform: Platform) {}

  /** Something narrows it besides its words. */
  get filtered(): boolean {
    const { person, by, from, until, files } = this.filters;
    return files || person !== null || by !== null || from !== null || until !== null;
  }

  /** There is something to search for. */
  get active(): boolean {
    return this.words.trim() !== '' || this.filtered;
  }

  /** Opens it, with the focus in its field. */
  start(): void {
    this.open = true;
    this.asked++;
  }

  type(words: string): void {
    this.words = words;
    if (words) this.open = true;
    void this.refresh();
  }

  narrow(change: Partial<Filters>): void {
    this.filters = { ...this.filters, ...change };
    this.open = true;
    void this.refresh();
  }

  /** Puts it away, with what was typed. */
  close(): void {
    this.open = false;
    this.words = '';
    this.filters = NONE;
    void this.refresh();
  }

  /** Searches anew: what is typed meanwhile is searched for next, and nothing in between. Never rejects. */
  refresh(): Promise<void> {
    this.#again = true;
    this.#running ??= this.#run().finally(() => (this.#running = undefined));
    return this.#running;
  }

  /** Ends when the hits are those of what was typed last. Never rejects. */
  settled(): Promise<void> {
    return this.#running ?? Promise.resolve();
  }

  /** Messages have changed: what is shown is searched for again, unless somebody has read on further. */
  changed(): void {
    if (this.open && this.active && this.hits.length <= ENOUGH) void this.refresh();
  }

  /** Reads the next hits. Never rejects. */
  async readMore(): Promise<void> {
    if (!this.more || this.#running || this.#readingMore) return;
    this.#readingMore = true;
    try {
      await this.#fill(this.hits.length + ENOUGH);
    } catch (thrown) {
      this.error = CoreError.from(thrown).ui;
      this.more = false;
    } finally {
      this.#readingMore = false;
    }
  }

  async #run(): Promise<void> {
    const timer = setTimeout(() => (this.slow = !this.ready), SLOW_MS);
    while (this.#again) {
      this.#again = false;
      if (!this.active) {
        this.#forget();
        continue;
      }
      try {
        const page = await this.platform.request('messages.search', this.#args(null));
        if (this.#again && !this.active) continue;
        this.hits = page.hits;
        this.indexing = page.indexing;
        this.#setNext(page.next);
        this.error = undefined;
        await this.#fill(ENOUGH);
        this.ready = true;
      } catch (thrown) {
        this.error = CoreError.from(thrown).ui;
      }
      this.slow = false;
    }
    clearTimeout(timer);
    this.slow = false;
  }

  /** Goes on until there are so many, or no more, or something else is searched for. */
  async #fill(wanted: number): Promise<void> {
    while (this.#next !== null && this.hits.length < wanted && !this.#again) {
      const page = await this.platform.request('messages.search', this.#args(this.#next));
      if (this.#again) return;
      this.hits = [...this.hits, ...page.hits];
      this.#setNext(page.next);
    }
  }

  #setNext(next: number | null): void {
    this.#next = next;
    this.more = next !== null;
  }

  #forget(): void {
    this.hits = [];
    this.#setNext(null);
    this.ready = false;
    this.indexing = false;
    this.error = undefined;
  }

  #args(before: number | null): SearchArgs {
    return { words: this.words, ...this.filters, before };
  }
}
