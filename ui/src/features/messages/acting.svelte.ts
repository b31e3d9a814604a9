import type { MessageRow } from '../../contract/MessageRow';
import type { Anchor } from '../../kit/anchor';
import { copyText } from '../../kit/copy-text';
import type { Thread } from '../../state/thread.svelte';
import type { Writing } from '../../state/writing.svelte';
import { isGiven } from './emoji';

/** What can be done with a message. */
export type Action = 'reply' | 'react' | 'edit' | 'delete' | 'copy';

/** Whether this can be done with this message. */
export function may(action: Action, row: MessageRow): boolean {
  switch (action) {
    case 'reply':
    case 'react':
      return row.answerable;
    case 'edit':
      return row.editable && row.content.type === 'text';
    case 'delete':
      return row.editable;
    case 'copy':
      return row.content.type === 'text' && row.content.text !== '';
  }
}

/** Whether anything can be done with it. */
export function hasActions(row: MessageRow): boolean {
  return row.editable || row.content.type === 'text';
}

/** The key of each action, on the message that has the focus and in its menu. */
export const KEYS: Readonly<Record<Action, string>> = {
  reply: 'r',
  react: '+',
  copy: 'c',
  edit: 'e',
  delete: 'Delete',
};
const ACTIONS = Object.keys(KEYS) as Action[];

/** What can be done with this message, in the order in which it is offered. */
export function actionsFor(row: MessageRow): Action[] {
  return ACTIONS.filter((action) => may(action, row));
}

/** The action that a key asks for. */
export function actionOf(event: KeyboardEvent): Action | undefined {
  if (event.altKey || event.metaKey) return undefined;
  if (event.ctrlKey) return event.key === 'c' ? 'copy' : undefined;
  return ACTIONS.find((action) => KEYS[action] === event.key);
}

/** Whether a key asks for the menu of the message that has the focus. */
export function asksForMenu(event: KeyboardEvent): boolean {
  if (event.key === 'ContextMenu') return true;
  if (event.key === 'F10') return event.shiftKey;
  return event.key === 'Enter' && !event.altKey && !event.metaKey && !event.ctrlKey;
}

/** A message, and what stands beside it. */
interface At {
  row: MessageRow;
  anchor: Anchor;
}

/** What the person is about to do with a message of a list: one menu, one picker, one dialog at a time. */
export class Acting {
  /** With the words of the message that were marked when it was opened. */
  menu = $state.raw<At & { marked?: string | undefined }>();
  picker = $state.raw<At>();
  deleting = $state.raw<MessageRow>();
  tracing = $state.raw<MessageRow>();

  constructor(
    readonly thread: Thread,
    readonly writing: Writing,
    /** The person wants to write: the focus goes into the box. */
    private readonly onwrite: () => void,
  ) {}

  /** Does it, or asks what is needed first. */
  do(action: Action, row: MessageRow, anchor: Anchor): void {
    if (!may(action, row)) return;
    switch (action) {
      case 'reply':
        this.writing.reply(row);
        this.onwrite();
        break;
      case 'edit':
        this.writing.edit(row);
        this.onwrite();
        break;
      case 'react':
        this.picker = { row, anchor };
        break;
      case 'delete':
        this.deleting = row;
        break;
      case 'copy':
        if (row.content.type === 'text') void copyText(row.content.text);
        break;
    }
  }

  /** Gives this emoji, or takes it back. */
  react(row: MessageRow, emoji: string): void {
    void this.thread.react(row.id, emoji, !isGiven(row, emoji));
  }

  /** The focus goes back to where the person was. */
  back(): void {
    this.onwrite();
  }
}
