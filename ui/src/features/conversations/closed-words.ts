import type { ConversationRow } from '../../contract/ConversationRow';
import { t } from '../../i18n/words';

/** Why nothing is written in a conversation. */
export type Closed = NonNullable<ConversationRow['closed']>;

/** The same for the person. */
export function closedWords(why: Closed, name: string): string {
  switch (why) {
    case 'deleted':
      return t('closed_deleted');
    case 'untied':
      return t('closed_untied', { name });
    case 'blocked':
      return t('closed_blocked', { name });
    case 'unreachable':
    case 'other':
      return t('closed_unreachable', { name });
  }
}
