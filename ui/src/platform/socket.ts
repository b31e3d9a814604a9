import type { CoreEvent } from '../contract/CoreEvent';
import type { UiError } from '../contract/UiError';
import { CoreError, type Platform } from './platform';

/**
 * The door for tests and development in a browser: the same core over a WebSocket on this computer. Not compiled
 * into release builds.
 *
 * Frames are JSON text. Page to core: `{id, name, args}`. Core to page: `{id, ok}` or `{id, error}` for each of
 * them, and every `CoreEvent` as it is (it has `event` and no `id`). Pictures come by HTTP from the same address.
 */
export async function socketPlatform(address: string): Promise<Platform> {
  const listeners = new Set<(event: CoreEvent) => void>();
  const waiting = new Map<number, { resolve(ok: never): void; reject(error: CoreError): void }>();
  const socket = new WebSocket(address);
  let lastId = 0;

  socket.onmessage = ({ data }: MessageEvent<string>) => {
    const frame = JSON.parse(data) as CoreEvent | Answer;
    if ('event' in frame) {
      for (const listener of listeners) listener(frame);
      return;
    }
    const asked = waiting.get(frame.id);
    waiting.delete(frame.id);
    if (frame.error) asked?.reject(new CoreError(frame.error));
    else asked?.resolve(frame.ok);
  };
  await new Promise<void>((resolve, reject) => {
    socket.onopen = () => resolve();
    socket.onclose = () => {
      reject(CoreError.from(undefined));
      for (const asked of waiting.values()) asked.reject(CoreError.from(undefined));
      waiting.clear();
    };
  });

  return {
    kind: 'socket',
    request(name, args) {
      const id = ++lastId;
      return new Promise((resolve, reject) => {
        if (socket.readyState !== WebSocket.OPEN) {
          reject(CoreError.from(undefined));
          return;
        }
        waiting.set(id, { resolve, reject });
        socket.send(JSON.stringify({ id, name, args }));
      });
    },
    picture: (kind, file) => `${address.replace(/^ws/, 'http')}/${kind}.${file}`,
    onEvent(listener) {
      listeners.add(listener);
      return Promise.resolve(() => {
        listeners.delete(listener);
      });
    },
  };
}

interface Answer {
  id: number;
  ok: never;
  error?: UiError;
}
