import type { MessageRow } from '../../contract/MessageRow';
import { startOfDay } from '../../i18n/when';

/** Messages of one person this close together stand as one group, in milliseconds. */
export const GROUP_MS = 5 * 60_000;

/** A row as it is shown. One for each message, so that older rows are only ever put before the others. */
export interface Item {
  key: string;
  row: MessageRow;
  /** A line with the day stands above it. */
  newDay: boolean;
  /** The line that says where the unread ones begin stands above it. */
  firstUnread: boolean;
  /** The first and the last of its group. */
  starts: boolean;
  ends: boolean;
}

/** Groups rows by person and minutes, and says where the lines between them stand. */
export function group(rows: readonly MessageRow[], firstUnread: number | null): Item[] {
  // Where the window begins after it, the line stands further up.
  const within = firstUnread !== null && (rows[0]?.seq ?? Infinity) <= firstUnread;
  const unread = within ? rows.findIndex((row) => !row.mine && (row.seq ?? -1) >= firstUnread) : -1;
  const items = rows.map((row, index) => {
    const before = rows[index - 1];
    const newDay = !before || startOfDay(before.at) !== startOfDay(row.at);
    const isUnread = index === unread;
    return {
      key: row.id,
      row,
      newDay,
      firstUnread: isUnread,
      starts: newDay || isUnread || !belongsTo(before, row),
      ends: true,
    };
  });
  items.forEach((item, index) => {
    item.ends = items[index + 1]?.starts ?? true;
  });
  return items;
}

function belongsTo(before: MessageRow, row: MessageRow): boolean {
  return (
    before.author === row.author &&
    before.content.type === 'text' &&
    row.content.type === 'text' &&
    row.at - before.at < GROUP_MS
  );
}

/** Whether what was shown before is still there with rows put before it, or with the first ones gone. */
export function movedAtStart(before: readonly Item[], after: readonly Item[]): boolean {
  const [first, last] = [before[0], before.at(-1)];
  if (!first || after[0]?.key === first.key) return false;
  return after.length > before.length || after.at(-1)?.key === last?.key;
}

/** How many of the other's messages came after the row that was the last one before. */
export function newAtEnd(before: readonly Item[], after: readonly Item[]): number {
  const last = before.findLast((item) => item.row.seq !== null)?.row.seq ?? -1;
  return after.filter((item) => !item.row.mine && (item.row.seq ?? -1) > last).length;
}
