import type { Settings } from '../contract/Settings';
import type { Theme } from '../contract/Theme';
import type { Platform } from '../platform';
import { Asking, Reading } from './reading.svelte';

/** Before anything is known. */
const UNKNOWN: Settings = { theme: 'system', no_tray_read: false, no_notifications_read: false };

/** What the person chose for this device. */
export class SettingsState {
  readonly asking = new Asking();
  readonly #reading: Reading<Settings>;

  constructor(private readonly platform: Platform) {
    this.#reading = new Reading(() => platform.request('settings.get', {}));
  }

  get current(): Settings {
    return this.#reading.value ?? UNKNOWN;
  }

  /** Reads them. Never rejects: without an answer they stay what they were. */
  refresh(): Promise<void> {
    return this.#reading.refresh();
  }

  told(settings: Settings): void {
    this.#reading.told(settings);
  }

  async chooseTheme(theme: Theme): Promise<void> {
    await this.asking.run(() => this.platform.request('settings.set', { ...this.current, theme }));
  }

  /** The person has read a note about the desktop, and need not see it again on this device. */
  async noteRead(note: 'no_tray_read' | 'no_notifications_read'): Promise<void> {
    await this.asking.run(() => this.platform.request('settings.set', { ...this.current, [note]: true }));
  }
}
