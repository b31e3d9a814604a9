import type { DeviceView } from '../contract/DeviceView';
import type { Platform } from '../platform';
import { Reading } from './reading.svelte';

/** Where the person is signed in. Only the server knows, so it is read whenever it is shown. */
export class DevicesState {
  readonly reading: Reading<DeviceView[]>;

  constructor(private readonly platform: Platform) {
    this.reading = new Reading(() => platform.request('devices.list', {}));
  }

  /** Those that can be signed out from here. */
  get others(): DeviceView[] {
    return this.reading.value?.filter((device) => !device.current) ?? [];
  }

  /** Signs one of the others out. */
  async signOut(id: string): Promise<void> {
    await this.platform.request('devices.sign_out', { id });
    await this.reading.refresh();
  }

  /** Signs all others out. */
  async signOutOthers(): Promise<void> {
    await this.platform.request('devices.sign_out_others', {});
    await this.reading.refresh();
  }
}
