import { invoke } from '@tauri-apps/api/core';
import { listen } from '@tauri-apps/api/event';
import type { CoreEvent } from '../contract/CoreEvent';
import { CoreError, type Platform } from './platform';

/** The door of the app: one command for every request, one channel for every event. */
export function tauriPlatform(): Platform {
  return {
    kind: 'app',
    async request(name, args) {
      try {
        return await invoke('core', { name, args });
      } catch (thrown) {
        throw CoreError.from(thrown);
      }
    },
    onEvent: (listener) => listen<CoreEvent>('core-event', ({ payload }) => listener(payload)),
  };
}
