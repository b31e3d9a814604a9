/** Grounds for white letters, each with a contrast of at least 4.5 to 1. The ring's window uses the same. */
export const HUES = [
  '#4f5bd5',
  '#1f6f8b',
  '#1a7f4b',
  '#8a5300',
  '#b0413e',
  '#7a3fc4',
  '#a03a78',
  '#3d6a2e',
  '#2f62a8',
  '#75603a',
] as const;

/** The colour of this id: FNV-1a (32 bits) over its UTF-8, modulo the number of colours. */
export function hue(id: string): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(id)) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return HUES[hash % HUES.length] ?? HUES[0];
}

/** The first letters of the first and the last word of a name, in capitals. */
export function initials(name: string): string {
  const words = name.split(/\s+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : words;
  return letters
    .map((word) => Array.from(word ?? '')[0] ?? '')
    .join('')
    .toLocaleUpperCase('en');
}
