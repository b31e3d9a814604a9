import type { Commands } from '../../src/contract/commands';
import type { CoreEvent } from '../../src/contract/CoreEvent';
import { CoreError, type PictureKind, type Platform } from '../../src/platform/platform';
import type { UiError } from '../../src/contract/UiError';

type Answers = {
  [K in keyof Commands]?: (args: Commands[K]['args']) => Commands[K]['ok'] | Promise<Commands[K]['ok']>;
};

/** A door whose answers a test writes down. What it has no answer for is refused. */
export class ScriptedPlatform implements Platform {
  readonly kind = 'socket';
  readonly asked: string[] = [];
  #listeners: ((event: CoreEvent) => void)[] = [];

  constructor(readonly answers: Answers) {}

  async request<K extends keyof Commands>(name: K, args: Commands[K]['args']): Promise<Commands[K]['ok']> {
    this.asked.push(name);
    const answer = this.answers[name];
    if (!answer) throw refused('not_found');
    return answer(args);
  }

  picture(kind: PictureKind, file: string): string {
    return `picture:${kind}.${file}`;
  }

  onEvent(listener: (event: CoreEvent) => void): Promise<() => void> {
    this.#listeners.push(listener);
    return Promise.resolve(() => undefined);
  }

  tell(event: CoreEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  count(name: keyof Commands): number {
    return this.asked.filter((one) => one === name).length;
  }
}

export function refused(kind: UiError['kind']): CoreError {
  return new CoreError({ kind, params: {}, retryable: false });
}

/** Lets everything run that waits for nothing but its turn. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}
