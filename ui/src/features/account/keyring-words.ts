import type { KeyringState } from '../../contract/KeyringState';
import { t } from '../../i18n/words';

/** What a person should know about where their sign-in is kept; nothing where all is well. */
export function keyringWords(keyring: KeyringState): string | undefined {
  switch (keyring) {
    case 'kept':
      return undefined;
    case 'missing':
      return t('keyring_missing');
    case 'locked':
      return t('keyring_locked');
  }
}
