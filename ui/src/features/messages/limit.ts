/** Characters in a message, as the protocol limits it (Unicode scalar values). */
export const LIMIT = 4_000;
/** From here on a counter shows how many are left. */
export const NEAR_LIMIT = 3_600;

/** How many characters are left; below zero where there are too many. */
export function left(text: string): number {
  return LIMIT - Array.from(text).length;
}

/** Whether there is something to see, and not too much of it. */
export function mayBeSent(text: string): boolean {
  return text.trim() !== '' && left(text) >= 0;
}
