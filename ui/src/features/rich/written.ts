import { parse } from './parse';
import type { Block, Inline } from './tree';

/**
 * What was written from one place of what is shown to another: with the marks of all that lies between them as a
 * whole, without those of what is only touched.
 */
export function asWritten(text: string, start: number, end: number): string {
  const places = marked(parse(text));
  const first = Math.min(...places.map((place) => place.at));
  const last = Math.max(...places.map((place) => place.end));
  let from = start <= first ? 0 : start;
  let to = end >= last ? text.length : end;
  for (const place of places) {
    if (from === place.at && to > place.end) from = place.from;
    if (to === place.end && from < place.at) to = place.to;
  }
  return text.slice(from, to);
}

interface Marked {
  from: number;
  to: number;
  /** What it says, without its marks. */
  at: number;
  end: number;
}

/** Everything that has marks, the innermost first. */
function marked(blocks: readonly Block[]): Marked[] {
  const all: Marked[] = [];
  const visit = (node: Inline): void => {
    if ('children' in node) {
      node.children.forEach(visit);
      const [first, last] = [node.children[0], node.children.at(-1)];
      if (first && last) all.push({ from: node.from, to: node.to, at: begin(first), end: finish(last) });
    } else {
      all.push({ from: node.from, to: node.to, at: node.at, end: node.at + node.text.length });
    }
  };
  for (const block of blocks) {
    if (block.type === 'text') block.inlines.forEach(visit);
    else all.push({ from: block.from, to: block.to, at: block.at, end: block.at + block.text.length });
  }
  return all;
}

function begin(node: Inline): number {
  return 'children' in node ? (node.children[0] ? begin(node.children[0]) : node.from) : node.at;
}

function finish(node: Inline): number {
  if (!('children' in node)) return node.at + node.text.length;
  const last = node.children.at(-1);
  return last ? finish(last) : node.to;
}
