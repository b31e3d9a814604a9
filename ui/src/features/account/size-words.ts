import { t } from '../../i18n/words';

/** How much was saved, in the unit that a person would take. */
export function sizeWords(bytes: number): string {
  return bytes < 1_000_000
    ? t('size_kilobytes', { size: Math.ceil(bytes / 1_000) })
    : t('size_megabytes', { size: (bytes / 1_000_000).toFixed(1) });
}
