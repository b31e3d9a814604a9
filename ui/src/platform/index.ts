import type { Platform } from './platform';
import { tauriPlatform } from './tauri';

export { CoreError, type PictureKind, type Platform } from './platform';

/**
 * The door to the core. In the app it is Tauri's; where the page was built for a browser (any mode but
 * `production`) and is not in the app, it is the socket that `?core=ws://…` names.
 */
export async function openPlatform(): Promise<Platform> {
  if (import.meta.env.MODE !== 'production' && !('__TAURI_INTERNALS__' in window)) {
    const address = new URLSearchParams(location.search).get('core') ?? 'ws://127.0.0.1:1421';
    const { socketPlatform } = await import('./socket');
    return socketPlatform(address);
  }
  return tauriPlatform();
}
