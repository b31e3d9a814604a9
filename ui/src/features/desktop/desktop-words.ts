import type { Desktop } from '../../contract/Desktop';
import { t } from '../../i18n/words';

/** What a person should know about a part of the desktop. */
export function offerWords(part: keyof Desktop, offer: Desktop[keyof Desktop]): string {
  switch (offer) {
    case 'here':
      return t('desktop_here');
    case 'unknown':
      return t('desktop_unknown');
    case 'missing':
      return part === 'tray' ? t('no_tray') : t('no_notifications');
  }
}
