import type { PersonView } from '../../contract/PersonView';
import type { StatusView } from '../../contract/StatusView';
import { t } from '../../i18n/words';

export type Availability = StatusView['availability'];

/** How a person's standing is drawn and said. */
export interface Standing {
  shape: 'full' | 'barred' | 'half' | 'hollow';
  colour: string;
  word: string;
}

/** What a mentor can choose, in the order of the menu. */
export const AVAILABILITIES: readonly Availability[] = ['available', 'in_session', 'break', 'offline'];

const BY_AVAILABILITY: Record<Availability, Omit<Standing, 'word'>> = {
  available: { shape: 'full', colour: 'var(--available)' },
  in_session: { shape: 'barred', colour: 'var(--in-session)' },
  break: { shape: 'half', colour: 'var(--break)' },
  offline: { shape: 'hollow', colour: 'var(--offline)' },
};

/** How this choice is drawn and said. */
export function standingOf(availability: Availability): Standing {
  return { ...BY_AVAILABILITY[availability], word: t(`status_${availability}`) };
}

/**
 * Where a person stands: their presence first, then what they chose. None where nobody knows, because this device is
 * not connected.
 */
export function standing(person: PersonView): Standing | undefined {
  if (person.online === null) return undefined;
  if (!person.online) return standingOf('offline');
  if (person.status) return standingOf(person.status.availability);
  return { ...BY_AVAILABILITY.available, word: t('presence_online') };
}

/** The same in one line of words, with the person's own. */
export function standingWords(person: PersonView): string {
  return [standing(person)?.word, person.status?.message].filter(Boolean).join(' · ');
}
