/** Fields into which words are written. */
const WRITTEN = 'textarea, input:not([type=checkbox], [type=radio], [type=file], [type=range])';

/**
 * Whether the webview's own menu is of use here: to cut and paste where something is written, and to copy what is
 * marked. Elsewhere it offers a page ("Reload", "Open in a new window"), which an app is not.
 */
export function keepsWebMenu(event: MouseEvent): boolean {
  if (event.target instanceof Element && event.target.closest(WRITTEN)) return true;
  const selection = getSelection();
  if (!selection || selection.isCollapsed) return false;
  const { clientX: x, clientY: y } = event;
  return Array.from(selection.getRangeAt(0).getClientRects()).some(
    (box) => x >= box.left && x <= box.right && y >= box.top && y <= box.bottom,
  );
}
