import { asWritten } from './written';

/**
 * What the person has marked, as it was written: in each text that the marked range touches, with its marks. Nothing
 * where no text is touched. `textOf` gives the text that an element shows.
 */
export function marked(
  selection: Selection,
  region: Element,
  textOf: (shown: Element) => string | undefined,
): string | undefined {
  if (selection.isCollapsed || selection.rangeCount === 0) return undefined;
  const range = selection.getRangeAt(0);
  const parts: string[] = [];
  for (const shown of region.querySelectorAll('[data-rich]')) {
    if (!range.intersectsNode(shown)) continue;
    const text = textOf(shown);
    if (text === undefined) continue;
    const start = placeOf(shown, range.startContainer, range.startOffset, 0);
    const end = placeOf(shown, range.endContainer, range.endOffset, text.length);
    if (end > start) parts.push(asWritten(text, start, end));
  }
  return parts.length > 0 ? parts.join('\n') : undefined;
}

/** The place in the text of a point of the document; `beyond` where the point is not in what shows it. */
function placeOf(shown: Element, node: Node, offset: number, beyond: number): number {
  if (!shown.contains(node)) return beyond;
  const point = document.createRange();
  point.setStart(node, offset);
  let place = 0;
  for (const leaf of shown.querySelectorAll<HTMLElement>('[data-at]')) {
    const at = Number(leaf.dataset['at']);
    const inside = document.createRange();
    inside.selectNodeContents(leaf);
    // The point is before this leaf: it belongs to the end of the one before.
    if (point.compareBoundaryPoints(Range.START_TO_START, inside) < 0) break;
    const end = leaf.dataset['end'];
    if (point.compareBoundaryPoints(Range.END_TO_START, inside) > 0) {
      // Behind it.
      place = end === undefined ? at + inside.toString().length : Number(end);
    } else if (end === undefined) {
      inside.setEnd(node, offset);
      return at + inside.toString().length;
    } else {
      return at;
    }
  }
  return place;
}
