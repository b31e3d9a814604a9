import type { MessagePage } from '../contract/MessagePage';
import type { MessageRow } from '../contract/MessageRow';

/**
 * The rows of a conversation that the page holds: a window, oldest first and without a gap. What is unsent is in it, and
 * last, where it goes to the end.
 */
export interface Held {
  rows: readonly MessageRow[];
  /** Whether there are older ones to read. */
  more: boolean;
  /** Whether there are newer ones to read. */
  newer: boolean;
}

/** The place of the oldest accepted row, if there is one. */
export function oldestSeq(rows: readonly MessageRow[]): number | undefined {
  return rows.find((row) => row.seq !== null)?.seq ?? undefined;
}

/** The place of the newest accepted row, if there is one. */
export function newestSeq(rows: readonly MessageRow[]): number | undefined {
  return rows.findLast((row) => row.seq !== null)?.seq ?? undefined;
}

/**
 * Puts a page in place of the rows it covers: from its oldest place (from the very first, where there are no older
 * ones) up to `before`, or to the end with all that is unsent where `before` is null.
 */
export function mergePage(held: Held, page: MessagePage, before: number | null): Held {
  const from = page.more ? (oldestSeq(page.messages) ?? before ?? 0) : 0;
  const older = held.rows.filter((row) => row.seq !== null && row.seq < from);
  const newer = before === null ? [] : held.rows.filter((row) => row.seq === null || row.seq >= before);
  return {
    rows: [...older, ...page.messages, ...newer],
    more: older.length > 0 ? held.more : page.more,
    newer: before === null ? false : newer.length > 0 ? held.newer : page.newer,
  };
}

/** Puts a page that begins after the newest row held behind it. */
export function appendPage(held: Held, page: MessagePage): Held {
  const known = newestSeq(held.rows) ?? 0;
  const rows = held.rows.filter((row) => row.seq !== null);
  const after = page.messages.filter((row) => row.seq === null || row.seq > known);
  return { rows: [...rows, ...after], more: held.more, newer: page.newer };
}

/** Lets the newest rows beyond so many go. */
export function keepOldest(held: Held, count: number): Held {
  if (held.rows.length <= count) return held;
  return { ...held, rows: held.rows.slice(0, count), newer: true };
}

/** Lets the oldest rows beyond so many go. */
export function keepNewest(held: Held, count: number): Held {
  if (held.rows.length <= count) return held;
  return { ...held, rows: held.rows.slice(-count), more: true };
}

/** Whether a page says anything that the held rows do not say in its place. */
export function changes(held: Held, page: MessagePage, before: number | null): boolean {
  const merged = mergePage(held, page, before);
  return (
    merged.more !== held.more ||
    merged.newer !== held.newer ||
    merged.rows.length !== held.rows.length ||
    merged.rows.some((row, index) => !sameRow(row, held.rows[index]))
  );
}

/** Whether nothing lies between the page's oldest row and the newest row held before it. */
export function touches(held: Held, page: MessagePage): boolean {
  const from = oldestSeq(page.messages);
  const to = newestSeq(held.rows);
  return !page.more || from === undefined || to === undefined || from <= to + 1;
}

/** Keeps the very objects of rows that did not change, so that only what changed is drawn again. */
export function keepSame(before: readonly MessageRow[], after: readonly MessageRow[]): MessageRow[] {
  const known = new Map(before.map((row) => [row.id, row]));
  return after.map((row) => {
    const old = known.get(row.id);
    return old && sameRow(old, row) ? old : row;
  });
}

function sameRow(a: MessageRow, b: MessageRow | undefined): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
