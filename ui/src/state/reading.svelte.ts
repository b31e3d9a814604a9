import type { UiError } from '../contract/UiError';
import { CoreError } from '../platform';

/** How long a read may take before a skeleton is shown, in milliseconds. */
export const SLOW_MS = 150;

/**
 * Something read from the core and read again when the core says that it changed. What was read last stays while it
 * is read again, so that nothing flickers.
 */
export class Reading<T> {
  /** What was read last. */
  value = $state.raw<T>();
  /** Why the last read failed; none once one succeeds. */
  error = $state.raw<UiError>();
  /** The first read takes long enough to say so. */
  slow = $state(false);
  #again = false;
  /** The value was told during the read that is under way, whose answer may be older. */
  #told = false;
  #running: Promise<void> | undefined;
  #generation = 0;

  constructor(private readonly read: () => Promise<T>) {}

  /** Reads now, or once more after the read that is under way. Never rejects: see {@link error}. */
  refresh(): Promise<void> {
    if (this.#running) {
      this.#again = true;
      return this.#running;
    }
    this.#running = this.#run();
    return this.#running;
  }

  /** The core told it by itself; a read that is under way may be older, so it is done again. */
  told(value: T): void {
    this.value = value;
    this.error = undefined;
    this.#again = this.#told = this.#running !== undefined;
  }

  /** Forgets what was read; a read that is under way comes to nothing. */
  clear(): void {
    this.#generation++;
    this.#again = this.#told = false;
    this.#running = undefined;
    this.value = undefined;
    this.error = undefined;
    this.slow = false;
  }

  async #run(): Promise<void> {
    const generation = this.#generation;
    const timer = setTimeout(() => {
      if (generation === this.#generation) this.slow = this.value === undefined;
    }, SLOW_MS);
    do {
      this.#again = this.#told = false;
      try {
        const value = await this.read();
        if (generation !== this.#generation) break;
        if (!this.#told) this.value = value;
        this.error = undefined;
      } catch (thrown) {
        if (generation !== this.#generation) break;
        this.error = CoreError.from(thrown).ui;
      }
    } while (this.#again);
    clearTimeout(timer);
    // After a clear another read may be under way already, which is not this one's to end.
    if (generation !== this.#generation) return;
    this.#running = undefined;
    this.slow = false;
  }
}

/** Something a person asked for: whether it is under way, and why it failed. */
export class Asking {
  /** Under way: a second one is not started. */
  busy = $state(false);
  /** Why it failed last. */
  error = $state.raw<UiError>();

  /** Does it unless it is under way. Gives the answer, or nothing where it failed; {@link error} says why. */
  async run<T>(ask: () => Promise<T>): Promise<T | undefined> {
    if (this.busy) return undefined;
    this.busy = true;
    this.error = undefined;
    try {
      return await ask();
    } catch (thrown) {
      this.error = CoreError.from(thrown).ui;
      return undefined;
    } finally {
      this.busy = false;
    }
  }
}

/**
 * A switch: each wish goes out, one at a time and in order, and of those that come while one is on its way only the
 * last. So no click is lost, and what was wanted last is what it comes to.
 */
export class Wish<T> {
  /** Why the last wish that was asked for failed. */
  error = $state.raw<UiError>();
  #next: { wanted: T } | undefined;
  #running: Promise<void> | undefined;

  constructor(private readonly grant: (wanted: T) => Promise<unknown>) {}

  /** Asks for it. Resolves once nothing is left to be asked for; never rejects: see {@link error}. */
  ask(wanted: T): Promise<void> {
    this.#next = { wanted };
    this.#running ??= this.#run();
    return this.#running;
  }

  async #run(): Promise<void> {
    for (let next = this.#next; next; next = this.#next) {
      this.#next = undefined;
      this.error = undefined;
      try {
        await this.grant(next.wanted);
      } catch (thrown) {
        this.error = CoreError.from(thrown).ui;
      }
    }
    this.#running = undefined;
  }
}
