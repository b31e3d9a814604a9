/** What something floating stands at: an element, or a place on screen. */
export type Anchor = HTMLElement | { getBoundingClientRect: () => DOMRect };

/** The place of a pointer. */
export function at(event: MouseEvent): Anchor {
  const place = new DOMRect(event.clientX, event.clientY, 0, 0);
  return { getBoundingClientRect: () => place };
}
