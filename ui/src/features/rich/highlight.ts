import bash from 'highlight.js/lib/languages/bash';
import c from 'highlight.js/lib/languages/c';
import cpp from 'highlight.js/lib/languages/cpp';
import csharp from 'highlight.js/lib/languages/csharp';
import css from 'highlight.js/lib/languages/css';
import go from 'highlight.js/lib/languages/go';
import haskell from 'highlight.js/lib/languages/haskell';
import java from 'highlight.js/lib/languages/java';
import javascript from 'highlight.js/lib/languages/javascript';
import json from 'highlight.js/lib/languages/json';
import python from 'highlight.js/lib/languages/python';
import r from 'highlight.js/lib/languages/r';
import rust from 'highlight.js/lib/languages/rust';
import sql from 'highlight.js/lib/languages/sql';
import typescript from 'highlight.js/lib/languages/typescript';
import xml from 'highlight.js/lib/languages/xml';
import type { RootContent } from 'hast';
import { createLowlight } from 'lowlight';
import type { Language } from './languages';

const GRAMMARS = {
  ...{ bash, c, cpp, csharp, css, go, haskell, java, javascript },
  ...{ json, python, r, rust, sql, typescript, xml },
} satisfies Record<Language, unknown>;
const lowlight = createLowlight(GRAMMARS);

/** Kinds of words that have a colour, by the names that grammars use. */
const KINDS = {
  keyword: ['keyword', 'built_in', 'literal', 'selector-tag', 'operator'],
  string: ['string', 'regexp', 'char', 'link', 'quote'],
  number: ['number', 'symbol'],
  comment: ['comment', 'doctag'],
  name: ['title', 'section', 'name', 'selector-id', 'selector-class'],
  type: ['type', 'class', 'attr', 'attribute', 'variable', 'property', 'params-type'],
  meta: ['meta', 'tag', 'template-tag', 'template-variable'],
} as const;

/** What a word is, where it has a colour. */
export type Kind = keyof typeof KINDS;

/** Words of one kind. All of them together are the code, letter by letter. */
export interface Token {
  text: string;
  kind: Kind | undefined;
}

const KIND_OF = new Map<string, Kind>(
  Object.entries(KINDS).flatMap(([kind, names]) =>
    names.map((name) => [`hljs-${name}`, kind as Kind] as const),
  ),
);

/** So many pieces of code are remembered: rows come and go while somebody scrolls. */
const REMEMBERED = 100;
const remembered = new Map<string, Token[]>();

/** Tells the words of code apart. Gives words, never markup: whoever shows them makes the elements. */
export function highlight(language: Language, code: string): Token[] {
  const key = `${language}\n${code}`;
  const known = remembered.get(key);
  if (known) return known;
  const tokens: Token[] = [];
  for (const node of lowlight.highlight(language, code).children) collect(node, undefined, tokens);
  const first = remembered.size >= REMEMBERED ? remembered.keys().next().value : undefined;
  if (first !== undefined) remembered.delete(first);
  remembered.set(key, tokens);
  return tokens;
}

function collect(node: RootContent, kind: Kind | undefined, tokens: Token[]): void {
  if (node.type === 'text') {
    tokens.push({ text: node.value, kind });
  } else if (node.type === 'element') {
    const names = node.properties['className'];
    const own = Array.isArray(names)
      ? names.map((name) => KIND_OF.get(String(name))).find(Boolean)
      : undefined;
    for (const child of node.children) collect(child, own ?? kind, tokens);
  }
}
