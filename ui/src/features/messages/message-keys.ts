import type { Item } from './grouping';

/**
 * The message that an arrow key leads to, if any: from the list itself to the last one on screen, and from one to the
 * next. A message that goes on beyond the list's edge is scrolled first, as ever.
 */
export function walk(
  event: KeyboardEvent,
  items: readonly Item[],
  visible: [number, number],
): Item | undefined {
  const step = event.key === 'ArrowUp' ? -1 : event.key === 'ArrowDown' ? 1 : 0;
  if (step === 0 || event.ctrlKey || event.altKey || event.shiftKey || event.metaKey) return undefined;
  const target = event.target as HTMLElement;
  if (target.role === 'log') return step < 0 ? items[visible[1]] : undefined;
  const id = target.dataset['message'];
  if (id === undefined || goesOn(target, step)) return undefined;
  const at = items.findIndex((item) => item.key === id);
  return at === -1 ? undefined : items[at + step];
}

function goesOn(message: HTMLElement, step: number): boolean {
  const list = message.closest('[role=log]')?.getBoundingClientRect();
  const box = message.getBoundingClientRect();
  return list !== undefined && (step < 0 ? box.top < list.top - 1 : box.bottom > list.bottom + 1);
}
