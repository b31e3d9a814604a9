import type { ConversationRow } from '../../src/contract/ConversationRow';
import type { MessageRow } from '../../src/contract/MessageRow';
import type { SearchArgs } from '../../src/contract/SearchArgs';
import type { SearchHit } from '../../src/contract/SearchHit';
import type { SearchPage } from '../../src/contract/SearchPage';

/** Hits on a page, as many as the core gives. */
const PAGE = 50;

/** Finds what was typed as it stands: enough for a page to show. */
export function searched(
  messages: ReadonlyMap<string, readonly MessageRow[]>,
  conversations: readonly ConversationRow[],
  args: SearchArgs,
): SearchPage {
  const typed = args.words.trim().toLowerCase();
  const hits: SearchHit[] = [];
  for (const [conversation, rows] of messages) {
    const other = conversations.find((row) => row.id === conversation)?.other.id;
    if (args.person !== null && args.person !== other) continue;
    for (const row of rows) {
      if (row.content.type !== 'text' || args.files) continue;
      if (args.by !== null && (args.by === 'me') !== row.mine) continue;
      if ((args.from !== null && row.at < args.from) || (args.until !== null && row.at >= args.until))
        continue;
      const { text } = row.content;
      const at = text.toLowerCase().indexOf(typed);
      if (at === -1) continue;
      hits.push({
        message: row.id,
        conversation,
        seq: row.seq,
        mine: row.mine,
        at: row.at,
        text: text.replaceAll('\n', ' '),
        marks: typed ? [{ from: at, to: at + typed.length }] : [],
      });
    }
  }
  hits.sort((a, b) => b.at - a.at);
  const rest = hits.filter((hit) => args.before === null || hit.at < args.before);
  const page = rest.slice(0, PAGE);
  return {
    hits: page,
    next: rest.length > PAGE ? (page.at(-1)?.at ?? null) : null,
    indexing: false,
  };
}
