import type { MarkRange } from '../../contract/MarkRange';

/** A part of a text, marked or not. */
export interface Part {
  text: string;
  marked: boolean;
}

/** Cuts a text at its marks, which are in order and apart. */
export function parts(text: string, marks: readonly MarkRange[]): Part[] {
  const all: Part[] = [];
  let at = 0;
  for (const { from, to } of marks) {
    all.push({ text: text.slice(at, from), marked: false }, { text: text.slice(from, to), marked: true });
    at = to;
  }
  all.push({ text: text.slice(at), marked: false });
  return all.filter((part) => part.text !== '');
}
