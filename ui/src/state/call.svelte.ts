import type { CallLevels } from '../contract/CallLevels';
import type { CallProgress } from '../contract/CallProgress';
import type { CallRejectArgs } from '../contract/CallRejectArgs';
import type { Ring } from '../contract/Ring';
import type { UiError } from '../contract/UiError';
import { CoreError, type Platform } from '../platform';
import { Reading, Wish } from './reading.svelte';

/** The call on this device, and the calls that ring here. */
export class CallState {
  /** How loud it is. */
  levels = $state.raw<CallLevels>({ microphone: 0, remote: 0 });
  /** Whether the call fills the window, or is a bar while the person looks at something else. */
  open = $state(false);
  /** Whether the chat is open beside the call. */
  chat = $state(false);
  /** A call is being started or accepted: a second one is not. */
  busy = $state(false);
  /** Why the last thing that the person asked for failed. */
  error = $state.raw<UiError>();

  readonly #current: Reading<CallProgress | null>;
  readonly #rings: Reading<readonly Ring[]>;
  readonly #microphone: Wish<boolean>;
  readonly #camera: Wish<boolean>;
  /** The call that came to the front last. */
  #fronted: string | undefined;

  constructor(private readonly platform: Platform) {
    this.#current = new Reading(() => platform.request('calls.current', {}));
    this.#rings = new Reading(() => platform.request('calls.rings', {}));
    this.#microphone = new Wish((on) => platform.request('calls.microphone', { on }));
    this.#camera = new Wish((on) => platform.request('calls.camera', { on }));
  }

  /** The call, also for a while after it is over. */
  get current(): CallProgress | null {
    return this.#current.value ?? null;
  }

  /** What rings here, oldest first. */
  get rings(): readonly Ring[] {
    return this.#rings.value ?? [];
  }

  async refresh(): Promise<void> {
    await Promise.all([this.#current.refresh(), this.#rings.refresh()]);
    this.#toFront();
  }

  /** The core told what became of the call. A new call comes to the front by itself. */
  told(call: CallProgress | null): void {
    this.#current.told(call);
    this.#toFront();
  }

  rang(ring: Ring): void {
    const others = this.rings.filter((known) => known.call !== ring.call);
    this.#rings.told([...others, ring].sort((a, b) => b.waiting_ms - a.waiting_ms));
  }

  stoppedRinging(call: string): void {
    this.#rings.told(this.rings.filter((ring) => ring.call !== call));
  }

  clear(): void {
    this.#current.clear();
    this.#rings.clear();
    this.#toFront();
    this.error = undefined;
  }

  async start(conversation: string, video: boolean): Promise<void> {
    const call = await this.#once(() =>
      this.platform.request('calls.start', { conversation, video, about: '' }),
    );
    // The event may have come first, and further.
    if (call && call.call !== this.current?.call) this.told(call);
  }

  /** The ring is before the person's eyes, which the caller is told. Where it is over by then, nobody waits for that. */
  async shown(call: string): Promise<void> {
    await this.platform.request('calls.shown', { call }).catch(() => undefined);
  }

  async accept(call: string, video: boolean): Promise<void> {
    await this.#once(() => this.platform.request('calls.accept', { call, video }));
  }

  /** Declines; waits for nothing else that is under way. */
  async reject(call: string, reason: CallRejectArgs['reason']): Promise<void> {
    await this.#tell(() => this.platform.request('calls.reject', { call, reason }));
  }

  /** Hangs up; waits for nothing else that is under way: a start may take half a second. */
  async hangUp(): Promise<void> {
    const call = this.current?.call;
    if (call) await this.#tell(() => this.platform.request('calls.hang_up', { call }));
  }

  /** Puts away the call that is over. */
  async dismiss(): Promise<void> {
    const call = this.current;
    if (call?.phase !== 'over') return;
    await this.#tell(() => this.platform.request('calls.dismiss', { call: call.call }));
  }

  async microphone(on: boolean): Promise<void> {
    await this.#switch(this.#microphone, on);
  }

  async camera(on: boolean): Promise<void> {
    await this.#switch(this.#camera, on);
  }

  async #switch(wish: Wish<boolean>, on: boolean): Promise<void> {
    this.error = undefined;
    await wish.ask(on);
    this.error = wish.error ?? this.error;
  }

  async #tell<T>(ask: () => Promise<T>): Promise<T | undefined> {
    this.error = undefined;
    try {
      return await ask();
    } catch (thrown) {
      this.error = CoreError.from(thrown).ui;
      return undefined;
    }
  }

  async #once<T>(ask: () => Promise<T>): Promise<T | undefined> {
    if (this.busy) return undefined;
    this.busy = true;
    try {
      return await this.#tell(ask);
    } finally {
      this.busy = false;
    }
  }

  #toFront(): void {
    const call = this.current?.call;
    if (call !== this.#fronted) {
      this.open = call !== undefined;
      this.chat = false;
      this.levels = { microphone: 0, remote: 0 };
    }
    this.#fronted = call;
  }
}
