/** Whether this key, pressed anywhere, asks for the search: Ctrl+F (⌘F), or a slash where nothing is written. */
export function asksForSearch(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.altKey) return false;
  if (event.ctrlKey || event.metaKey) return !event.shiftKey && event.key.toLowerCase() === 'f';
  return event.key === '/' && !writes(event.target);
}

function writes(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.closest('input, textarea, select, [role="dialog"]') !== null)
  );
}

/** Keys among the results: Escape, and arrow up from the first of them, go back to the field. */
export function resultKey(event: KeyboardEvent & { currentTarget: HTMLElement }, onback: () => void): void {
  const first = event.currentTarget.querySelector('button:enabled');
  if (event.key !== 'Escape' && !(event.key === 'ArrowUp' && document.activeElement === first)) return;
  event.preventDefault();
  event.stopPropagation();
  onback();
}
