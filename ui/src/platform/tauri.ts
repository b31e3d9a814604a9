import { convertFileSrc, invoke } from '@tauri-apps/api/core';
import { listen } from '@tauri-apps/api/event';
import type { CoreEvent } from '../contract/CoreEvent';
import { CoreError, type Platform } from './platform';

/** The door of the app: one command for every request, one channel for every event, one scheme for pictures. */
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
    // The shell answers this scheme out of the core (`src-tauri/pictures.rs`).
    picture: (kind, file) => convertFileSrc(`${kind}.${file}`, 'im-file'),
    onEvent: (listener) => listen<CoreEvent>('core-event', ({ payload }) => listener(payload)),
  };
}
