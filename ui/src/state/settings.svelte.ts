import type { Settings } from '../contract/Settings';
import type { Theme } from '../contract/Theme';
import type { Platform } from '../platform';
import { Asking } from './reading.svelte';

/** What the person chose for this device. */
export class SettingsState {
  current = $state.raw<Settings>({ theme: 'system' });
  readonly asking = new Asking();

  constructor(private readonly platform: Platform) {}

  async refresh(): Promise<void> {
    this.current = await this.platform.request('settings.get', {});
  }

  told(settings: Settings): void {
    this.current = settings;
  }

  async chooseTheme(theme: Theme): Promise<void> {
    await this.asking.run(() => this.platform.request('settings.set', { ...this.current, theme }));
  }
}
