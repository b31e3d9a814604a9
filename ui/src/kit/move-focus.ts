/** An attachment for a list: arrow up and down, Home and End move the focus among its buttons. */
export function moveFocus(list: HTMLElement): () => void {
  const pressed = (event: KeyboardEvent): void => {
    const buttons = Array.from(list.querySelectorAll<HTMLElement>('button:enabled'));
    const at = buttons.indexOf(document.activeElement as HTMLElement);
    const to = target(event.key, at, buttons.length);
    if (to === undefined) return;
    event.preventDefault();
    buttons[Math.max(0, Math.min(buttons.length - 1, to))]?.focus();
  };
  list.addEventListener('keydown', pressed);
  return () => list.removeEventListener('keydown', pressed);
}

function target(key: string, at: number, count: number): number | undefined {
  switch (key) {
    case 'ArrowDown':
      return at + 1;
    case 'ArrowUp':
      return at - 1;
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    default:
      return undefined;
  }
}

/** An attachment for buttons in rows of so many: the arrow keys move the focus among them. */
export function moveInGrid(columns: number): (grid: HTMLElement) => () => void {
  return (grid) => {
    const pressed = (event: KeyboardEvent): void => {
      const buttons = Array.from(grid.querySelectorAll<HTMLElement>('button:enabled'));
      const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
      const at = buttons.indexOf(document.activeElement as HTMLElement);
      if (step === undefined || at === -1) return;
      event.preventDefault();
      buttons[at + step]?.focus();
    };
    grid.addEventListener('keydown', pressed);
    return () => grid.removeEventListener('keydown', pressed);
  };
}
