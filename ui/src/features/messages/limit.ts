import { MESSAGE_CHARS } from '../../contract/limits';

/** So few characters before the limit a counter shows how many are left. */
export const NEAR_LIMIT = 400;

/** How many characters (Unicode scalar values) are left in a message; below zero where there are too many. */
export function left(text: string): number {
  return MESSAGE_CHARS - Array.from(text).length;
}

/** Whether there is something to see, words or files, and not too many words. */
export function mayBeSent(text: string, files = 0): boolean {
  return (text.trim() !== '' || files > 0) && left(text) >= 0;
}
