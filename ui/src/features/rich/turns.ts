/**
 * Letters that turn the direction of writing for what follows (Unicode Bidirectional Algorithm, sections 2.1 to 2.4).
 * Nobody types them by hand; in foreign text they make code and file names read as something else.
 */
const TURNS = /[\u202a-\u202e\u2066-\u2069]/;

/** A part of a text: words, or one letter that turns. */
export interface Part {
  text: string;
  turns: boolean;
}

/** The text in parts, each turning letter by itself, so that it can be shown instead of obeyed. */
export function partsOf(text: string): Part[] {
  if (!TURNS.test(text)) return [{ text, turns: false }];
  return text
    .split(/([\u202a-\u202e\u2066-\u2069])/)
    .filter((part) => part !== '')
    .map((part) => ({ text: part, turns: TURNS.test(part) }));
}

/** How such a letter is written down: U+202E. */
export function codeOf(letter: string): string {
  return `U+${(letter.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}
