import type { MessageRow } from '../../contract/MessageRow';

/** Those that are one click away. */
export const QUICK = ['👍', '❤️', '😂', '🎉', '🤔', '👀'] as const;

/** Those that people use among themselves, beside the quick ones. */
export const COMMON = [
  ...['😀', '😊', '😅', '😉', '😍', '🥳', '😎', '🙂'],
  ...['😮', '😢', '😕', '🤯', '😴', '😬', '🤷', '🫠'],
  ...['👏', '🙏', '💪', '🙌', '👋', '✌️', '👌', '👎'],
  ...['✅', '❌', '❓', '❗', '💡', '🔥', '⭐', '💯'],
  ...['📌', '📝', '📚', '🧮', '🐛', '🚀', '⏳', '☕'],
] as const;

/** Whether the person has given this emoji to a message. */
export function isGiven(row: MessageRow, emoji: string): boolean {
  return row.reactions.some((one) => one.emoji === emoji && one.mine);
}
