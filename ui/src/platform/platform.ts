import type { Commands } from '../contract/commands';
import type { CoreEvent } from '../contract/CoreEvent';
import type { UiError } from '../contract/UiError';

/** The only door to the core. Everything the page asks or is told comes through here. */
export interface Platform {
  /** How the page reaches the core: through the app's shell, or over a socket in tests and development. */
  readonly kind: 'app' | 'socket';
  /** Asks the core. Rejects with a {@link CoreError}, never with anything else. */
  request<K extends keyof Commands>(name: K, args: Commands[K]['args']): Promise<Commands[K]['ok']>;
  /** Where a picture of a file is that is on this device: small for lists, or as it was sent. */
  picture(kind: PictureKind, file: string): string;
  /** Hears what the core tells, from now on. Resolves once nothing more can be missed; gives a way to stop. */
  onEvent(listener: (event: CoreEvent) => void): Promise<() => void>;
}

/** Which picture of a file. */
export type PictureKind = 'small' | 'whole';

/** What the core answered where it could not do what was asked. */
export class CoreError extends Error {
  constructor(readonly ui: UiError) {
    super(ui.kind);
    this.name = 'CoreError';
  }

  /** Makes one from whatever a door threw; what is not an answer of the core is our own failure. */
  static from(thrown: unknown): CoreError {
    if (thrown instanceof CoreError) return thrown;
    if (isUiError(thrown)) return new CoreError(thrown);
    return new CoreError({ kind: 'internal', params: {}, retryable: true });
  }
}

function isUiError(value: unknown): value is UiError {
  return typeof value === 'object' && value !== null && 'kind' in value && 'retryable' in value;
}
