import { parseInline } from './inline';
import type { Block } from './tree';

const FENCE = /^ {0,3}`{3,}([\w+#.-]*)[ \t]*$/;
const FENCE_END = /^ {0,3}`{3,}[ \t]*$/;

interface Line {
  from: number;
  /** Without its line break. */
  to: number;
}

/** Reads a message. Takes time in proportion to its length, whatever it says. */
export function parse(text: string): Block[] {
  const lines = linesOf(text);
  const ends = nextEnds(text, lines);
  const blocks: Block[] = [];
  let begun: Line | undefined;
  let last: Line | undefined;
  const flush = (): void => {
    if (begun && last && last.to > begun.from) {
      blocks.push({ type: 'text', inlines: parseInline(text, begun.from, last.to) });
    }
    begun = last = undefined;
  };
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index];
    if (!line) break;
    const fence = FENCE.exec(text.slice(line.from, line.to));
    const end = fence ? ends[index + 1] : undefined;
    const endLine = end === undefined ? undefined : lines[end];
    if (!fence || end === undefined || !endLine) {
      begun ??= line;
      last = line;
      continue;
    }
    flush();
    const at = Math.min(line.to + 1, endLine.from);
    const to = Math.max(at, endLine.from - 1);
    blocks.push({
      type: 'code',
      language: (fence[1] ?? '').toLowerCase(),
      from: line.from,
      to: endLine.to,
      at,
      text: text.slice(at, to),
    });
    index = end;
  }
  flush();
  return blocks;
}

function linesOf(text: string): Line[] {
  const lines: Line[] = [];
  for (let from = 0; from <= text.length;) {
    const found = text.indexOf('\n', from);
    const to = found === -1 ? text.length : found;
    lines.push({ from, to });
    from = to + 1;
  }
  return lines;
}

/** For each line the first one from it on that can end a fence. */
function nextEnds(text: string, lines: readonly Line[]): (number | undefined)[] {
  const ends: (number | undefined)[] = [];
  let next: number | undefined;
  for (let index = lines.length - 1; index >= 0; index--) {
    const line = lines[index];
    if (line && FENCE_END.test(text.slice(line.from, line.to))) next = index;
    ends[index] = next;
  }
  return ends;
}
