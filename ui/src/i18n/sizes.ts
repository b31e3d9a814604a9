import { plural, t } from './words';

/** How large something is, in the unit that a person would take. */
export function sizeWords(bytes: number): string {
  if (bytes < 1_000) return plural('size_bytes', bytes);
  return bytes < 1_000_000
    ? t('size_kilobytes', { size: Math.ceil(bytes / 1_000) })
    : t('size_megabytes', { size: (bytes / 1_000_000).toFixed(1) });
}
