import { parseLink } from './link';
import type { Inline } from './tree';

/** A formula longer than this is text, in UTF-16 units. */
export const FORMULA_LONGEST = 1_000;

const WORD = /[\p{L}\p{N}_]/u;
const SPACE = /\s/u;

/** Marks that may begin or end emphasis, as long as they have no partner. */
interface Mark {
  /** 1 is emphasis, 2 strong, 3 both. */
  length: number;
  /** Its node among those read so far. */
  index: number;
}

/** Reads lines of text between two places. */
export function parseInline(text: string, from: number, to: number): Inline[] {
  return new Reader(text, from, to).read();
}

class Reader {
  #nodes: Inline[] = [];
  /** At most one of each length, so nothing is nested deeper than two. */
  #open: Mark[] = [];
  /** The place up to which everything is a node. */
  #done: number;
  #at: number;
  readonly #ticks: Map<number, number>;
  readonly #dollars: Map<number, number>;
  #noDisplayAfter = Infinity;

  constructor(
    private readonly text: string,
    from: number,
    private readonly to: number,
  ) {
    this.#done = this.#at = from;
    this.#ticks = tickPartners(text, from, to);
    this.#dollars = dollarPartners(text, from, to);
  }

  read(): Inline[] {
    while (this.#at < this.to) this.#step();
    this.#plain(this.to);
    return joined(this.#nodes);
  }

  #step(): void {
    switch (this.text[this.#at]) {
      case '\n':
        // Emphasis ends with its line.
        this.#open = [];
        this.#at++;
        break;
      case '`':
        this.#code();
        break;
      case '$':
        this.#formula();
        break;
      case '*':
        this.#emphasis();
        break;
      case 'h':
      case 'H':
      case 'm':
      case 'M':
        this.#link();
        break;
      default:
        this.#at++;
    }
  }

  #code(): void {
    const length = runLength(this.text, this.#at, this.to, '`');
    const end = this.#ticks.get(this.#at);
    if (end === undefined) this.#at += length;
    else this.#leaf({ type: 'code', ...this.#place(this.#at + length, end, length) });
  }

  #formula(): void {
    const length = runLength(this.text, this.#at, this.to, '$');
    const at = this.#at + length;
    const end = length === 1 ? this.#dollars.get(this.#at) : length === 2 ? this.#displayEnd(at) : undefined;
    if (end === undefined || end - at > FORMULA_LONGEST || this.text.slice(at, end).trim() === '') {
      this.#at = at;
      return;
    }
    this.#leaf({ type: 'formula', display: length === 2, ...this.#place(at, end, length) });
  }

  #displayEnd(at: number): number | undefined {
    if (at >= this.#noDisplayAfter) return undefined;
    const end = this.text.indexOf('$$', at);
    if (end !== -1 && end + 2 <= this.to) return end;
    this.#noDisplayAfter = at;
    return undefined;
  }

  #link(): void {
    const before = this.text[this.#at - 1];
    const found = before && WORD.test(before) ? undefined : parseLink(this.text, this.#at, this.to);
    if (!found) {
      this.#at++;
      return;
    }
    // What begins like a link and is none is not looked at again.
    if (found.href === undefined) this.#at = found.to;
    else this.#leaf({ type: 'link', href: found.href, ...this.#place(this.#at, found.to, 0) });
  }

  #emphasis(): void {
    const from = this.#at;
    const length = runLength(this.text, from, this.to, '*');
    const before = from > 0 ? this.text[from - 1] : undefined;
    const after = from + length < this.to ? this.text[from + length] : undefined;
    this.#at += length;
    if (length > 3) return;
    const inside = (letter: string | undefined) => letter !== undefined && !SPACE.test(letter);
    const outside = (letter: string | undefined) => letter === undefined || !WORD.test(letter);
    const partner = this.#open.findIndex((mark) => mark.length === length);
    if (partner !== -1 && inside(before) && outside(after)) {
      this.#close(partner, from, length);
    } else if (inside(after) && outside(before)) {
      this.#plain(from);
      // Three are both: nothing else may be open, and the nearer mark counts of two.
      const conflicts = (mark: Mark) => mark.length === length || mark.length === 3 || length === 3;
      this.#open = this.#open.filter((mark) => !conflicts(mark));
      this.#open.push({ length, index: this.#nodes.length });
      this.#plain(from + length);
    }
  }

  #close(partner: number, from: number, length: number): void {
    this.#plain(from);
    const opened = this.#open[partner];
    if (!opened) return;
    const [mark, ...children] = this.#nodes.splice(opened.index);
    if (!mark) return;
    this.#open.length = partner;
    const node = (type: 'strong' | 'emphasis', inner: Inline[], left: number): Inline => ({
      type,
      from: mark.from + left,
      to: from + length - left,
      children: inner,
    });
    const inner = joined(children);
    this.#nodes.push(
      length === 1
        ? node('emphasis', inner, 0)
        : length === 2
          ? node('strong', inner, 0)
          : node('strong', [node('emphasis', inner, 2)], 0),
    );
    this.#done = from + length;
  }

  #place(at: number, end: number, marks: number) {
    return { from: this.#at, to: end + marks, at, text: this.text.slice(at, end) };
  }

  #leaf(node: Inline): void {
    this.#plain(node.from);
    this.#nodes.push(node);
    this.#done = this.#at = node.to;
  }

  #plain(to: number): void {
    if (to <= this.#done) return;
    const from = this.#done;
    this.#nodes.push({ type: 'text', from, to, at: from, text: this.text.slice(from, to) });
    this.#done = to;
  }
}

function runLength(text: string, from: number, to: number, letter: string): number {
  let end = from;
  while (end < to && text[end] === letter) end++;
  return end - from;
}

/** For each run of backticks that begins code, where the next run of the same length on its line begins. */
function tickPartners(text: string, from: number, to: number): Map<number, number> {
  const partners = new Map<number, number>();
  let open = new Map<number, number>();
  for (const { 0: run, index } of text.slice(from, to).matchAll(/`+|\n/g)) {
    if (run === '\n') {
      open = new Map();
      continue;
    }
    const before = open.get(run.length);
    if (before !== undefined) partners.set(before, from + index);
    open.set(run.length, from + index);
  }
  return partners;
}

/** For each single dollar sign that may begin a formula, where the next one on its line that may end it stands. */
function dollarPartners(text: string, from: number, to: number): Map<number, number> {
  const partners = new Map<number, number>();
  let end: number | undefined;
  for (let at = to - 1; at >= from; at--) {
    const letter = text[at];
    if (letter === '\n') end = undefined;
    if (letter !== '$' || text[at + 1] === '$' || text[at - 1] === '$' || text[at - 1] === '\\') continue;
    const before = at > from ? text[at - 1] : undefined;
    const after = at + 1 < to ? text[at + 1] : undefined;
    const begins = after !== undefined && !SPACE.test(after) && !(before && WORD.test(before));
    const ends = before !== undefined && !SPACE.test(before) && !(after && WORD.test(after));
    if (begins && end !== undefined) partners.set(at, end);
    if (ends) end = at;
  }
  return partners;
}

/** Neighbouring text as one. */
function joined(nodes: readonly Inline[]): Inline[] {
  const all: Inline[] = [];
  for (const node of nodes) {
    const last = all.at(-1);
    if (node.type === 'text' && last?.type === 'text') {
      all[all.length - 1] = { ...last, to: node.to, text: last.text + node.text };
    } else {
      all.push(node);
    }
  }
  return all;
}
