import type { MessagePage } from '../../src/contract/MessagePage';
import type { MessageRow } from '../../src/contract/MessageRow';
import type { PageArgs } from '../../src/contract/PageArgs';

/** The page that the core would give of these rows, all of which it has. */
export function pageOf(
  rows: readonly MessageRow[],
  { before, after, around, limit }: Omit<PageArgs, 'conversation'>,
  firstUnread: number | null = null,
): MessagePage {
  const accepted = rows.filter((row) => row.seq !== null);
  const index = (seq: number) => {
    const found = accepted.findIndex((row) => (row.seq ?? 0) >= seq);
    return found === -1 ? accepted.length : found;
  };
  let end = accepted.length;
  let start = Math.max(0, end - limit);
  if (before !== null) {
    end = index(before);
    start = Math.max(0, end - limit);
  } else if (typeof after === 'number') {
    start = index(after + 1);
    end = Math.min(accepted.length, start + limit);
  } else if (typeof around === 'number') {
    start = Math.max(0, index(around) - Math.floor(limit / 2));
    end = Math.min(accepted.length, start + limit);
    start = Math.max(0, end - limit);
  }
  const whole = end === accepted.length && before === null;
  return {
    messages: [...accepted.slice(start, end), ...(whole ? rows.filter((row) => row.seq === null) : [])],
    more: start > 0,
    newer: end < accepted.length,
    first_unread_seq: firstUnread,
  };
}
