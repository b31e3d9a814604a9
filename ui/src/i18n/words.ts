import type { UiError } from '../contract/UiError';
import english from './messages/en.json';

/** A key of the catalogue. */
export type Key = Exclude<keyof typeof english, '$schema'>;
type Params = Record<string, string | number>;

/** The sentence of this key with each `{name}` replaced by its value. The core reads the same file. */
export function t(key: Key, params?: Params): string {
  const sentence = english[key];
  return params
    ? sentence.replace(/\{(\w+)\}/g, (whole, name: string) => String(params[name] ?? whole))
    : sentence;
}

/** The sentence for one or for many: keys `<key>_one` and `<key>_many` with `{count}`. */
export function plural(key: PluralKey, count: number, params?: Params): string {
  return t(`${key}_${count === 1 ? 'one' : 'many'}`, { ...params, count });
}
type PluralKey = Key extends infer K ? (K extends `${infer Stem}_one` ? Stem : never) : never;

/** What an error says to a person. */
export function errorWords(error: UiError): string {
  if (error.kind !== 'invalid') return t(`error_${error.kind}`, error.params);
  const field = `field_${error.params['field'] ?? ''}`;
  return t('error_invalid', { field: field in english ? t(field as Key) : t('field_unknown') });
}

/** The language of dates and times. */
export const locale = 'en-GB';
