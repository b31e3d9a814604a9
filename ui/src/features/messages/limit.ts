import { MESSAGE_CHARS } from '../../contract/limits';

/** So few characters before the limit a counter shows how many are left. */
export const NEAR_LIMIT = 400;

/** How many characters (Unicode scalar values) are left in a message; below zero where there are too many. */
export function left(text: string): number {
  return MESSAGE_CHARS - Array.from(text).length;
}

/** Whether there is something to see, and not too much of it. */
export function mayBeSent(text: string): boolean {
  return text.trim() !== '' && left(text) >= 0;
}
