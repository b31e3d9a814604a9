import type { CallLevels } from '../contract/CallLevels';
import type { CallProgress } from '../contract/CallProgress';
import type { CallRejectArgs } from '../contract/CallRejectArgs';
import type { Ring } from '../contract/Ring';
import type { Platform } from '../platform';
import { Asking } from './reading.svelte';

/** The call on this device, and the calls that ring here. */
export class CallState {
  /** The call, also for a while after it is over. */
  current = $state.raw<CallProgress | null>(null);
  /** What rings here, oldest first. */
  rings = $state.raw<readonly Ring[]>([]);
  /** How loud it is. */
  levels = $state.raw<CallLevels>({ microphone: 0, remote: 0 });
  /** Whether the call fills the window, or is a bar while the person looks at something else. */
  open = $state(false);
  /** Starting, accepting, hanging up: what a person asked for last. */
  readonly asking = new Asking();

  constructor(private readonly platform: Platform) {}

  async refresh(): Promise<void> {
    const [current, rings] = await Promise.all([
      this.platform.request('calls.current', {}),
      this.platform.request('calls.rings', {}),
    ]);
    this.told(current);
    this.rings = rings;
  }

  /** The core told what became of the call. A new call comes to the front by itself. */
  told(call: CallProgress | null): void {
    if (call && call.call !== this.current?.call) {
      this.open = true;
      this.levels = { microphone: 0, remote: 0 };
    }
    this.current = call;
    if (!call) this.open = false;
  }

  rang(ring: Ring): void {
    const others = this.rings.filter((known) => known.call !== ring.call);
    this.rings = [...others, ring].sort((a, b) => b.waiting_ms - a.waiting_ms);
  }

  stoppedRinging(call: string): void {
    this.rings = this.rings.filter((ring) => ring.call !== call);
  }

  clear(): void {
    this.told(null);
    this.rings = [];
    this.asking.error = undefined;
  }

  async start(conversation: string, video: boolean): Promise<void> {
    const call = await this.asking.run(() =>
      this.platform.request('calls.start', { conversation, video, about: '' }),
    );
    // The event may have come first, and further.
    if (call && call.call !== this.current?.call) this.told(call);
  }

  async accept(call: string, video: boolean): Promise<void> {
    await this.asking.run(() => this.platform.request('calls.accept', { call, video }));
  }

  async reject(call: string, reason: CallRejectArgs['reason']): Promise<void> {
    await this.asking.run(() => this.platform.request('calls.reject', { call, reason }));
  }

  async hangUp(): Promise<void> {
    const call = this.current?.call;
    if (call) await this.asking.run(() => this.platform.request('calls.hang_up', { call }));
  }

  /** Puts away the call that is over. */
  async dismiss(): Promise<void> {
    const call = this.current;
    if (call?.phase !== 'over') return;
    await this.asking.run(() => this.platform.request('calls.dismiss', { call: call.call }));
  }

  async microphone(on: boolean): Promise<void> {
    await this.asking.run(() => this.platform.request('calls.microphone', { on }));
  }

  async camera(on: boolean): Promise<void> {
    await this.asking.run(() => this.platform.request('calls.camera', { on }));
  }
}
