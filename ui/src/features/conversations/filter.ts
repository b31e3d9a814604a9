/** A form of a text in which case and accents make no difference. */
export function folded(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLocaleLowerCase('en');
}

/** Whether every word of what was typed begins a word of one of the texts. */
export function matches(typed: string, ...texts: readonly (string | undefined)[]): boolean {
  const words = folded(texts.filter(Boolean).join(' ')).split(/\s+/);
  return folded(typed)
    .split(/\s+/)
    .filter(Boolean)
    .every((part) => words.some((word) => word.startsWith(part)));
}
