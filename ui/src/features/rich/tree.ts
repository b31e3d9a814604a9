/**
 * What people write, as it is shown. On the wire and on disk a message is plain text; this subset is read out of it
 * where it is shown: fenced code, `code`, **strong**, *emphasis*, links and formulas. Whatever is not one of these, or
 * is not ended, is text.
 *
 * Each node knows its place in the text, in UTF-16 units, so that what is copied is what was written.
 */
export type Block = TextBlock | CodeBlock;

/** Where something stands: all of it with its marks, and what it says inside them. */
interface Place {
  from: number;
  to: number;
  /** Where what it says begins. */
  at: number;
  /** What it says, exactly as it stands in the text. */
  text: string;
}

/** Lines of text. */
export interface TextBlock {
  type: 'text';
  inlines: Inline[];
}

/** Lines between fences. */
export interface CodeBlock extends Place {
  type: 'code';
  /** What stands after the fence, in lower case; empty where nothing does. */
  language: string;
}

/** A part of a line. */
export type Inline =
  | (Place & { type: 'text' })
  | (Place & { type: 'code' })
  | (Place & { type: 'formula'; display: boolean })
  | (Place & { type: 'link'; href: string })
  | { type: 'strong' | 'emphasis'; from: number; to: number; children: Inline[] };
