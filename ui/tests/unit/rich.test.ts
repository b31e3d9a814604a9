import { expect, test } from 'vitest';
import { formula, type MathElement } from '../../src/features/rich/formula';
import { highlight } from '../../src/features/rich/highlight';
import { languageOf } from '../../src/features/rich/languages';
import { parse } from '../../src/features/rich/parse';
import type { Block, Inline } from '../../src/features/rich/tree';
import { codeOf, partsOf } from '../../src/features/rich/turns';
import { asWritten } from '../../src/features/rich/written';

/** The tree as one line: s(strong) e(emphasis) c(code) f(formula) l(link) p(pre), text as it is. */
function shape(text: string): string {
  const inline = (node: Inline): string => {
    switch (node.type) {
      case 'text':
        return node.text;
      case 'strong':
        return `s(${node.children.map(inline).join('')})`;
      case 'emphasis':
        return `e(${node.children.map(inline).join('')})`;
      default:
        return `${node.type[0]}(${node.text})`;
    }
  };
  const block = (one: Block): string =>
    one.type === 'code' ? `p:${one.language}(${one.text})` : one.inlines.map(inline).join('');
  return parse(text).map(block).join('¶');
}

/** Every place of the tree says what stands there in the text. */
function expectTrue(text: string): void {
  const check = (node: Inline): void => {
    if ('children' in node) {
      node.children.forEach(check);
    } else {
      expect(text.slice(node.at, node.at + node.text.length)).toBe(node.text);
    }
  };
  for (const block of parse(text)) {
    if (block.type === 'text') block.inlines.forEach(check);
    else expect(text.slice(block.at, block.at + block.text.length)).toBe(block.text);
  }
}

test('plain words stay plain words', () => {
  for (const text of [
    'Hello Maya',
    'one\ntwo\n\nthree',
    '2*3*4 and a_b_c',
    'f(x) = x * y * z',
    '* a point\n* another',
  ]) {
    expect(shape(text)).toBe(text);
  }
  expect(parse('')).toEqual([]);
});

test('strong, emphasis, both, and one in the other', () => {
  expect(shape('a **b c** d')).toBe('a s(b c) d');
  expect(shape('a *b c* d')).toBe('a e(b c) d');
  expect(shape('***both***')).toBe('s(e(both))');
  expect(shape('**a *b* c**')).toBe('s(a e(b) c)');
  expect(shape('*a **b** c*')).toBe('e(a s(b) c)');
  expect(shape('(*so*), *so*!')).toBe('(e(so)), e(so)!');
});

test('marks without a partner are text, and emphasis ends with its line', () => {
  expect(shape('**bold')).toBe('**bold');
  expect(shape('a* b*')).toBe('a* b*');
  expect(shape('*a\nb*')).toBe('*a\nb*');
  expect(shape('*a and *b*')).toBe('*a and e(b)');
  expect(shape('**a *b** c*')).toBe('s(a *b) c*');
  expect(shape('** **')).toBe('** **');
});

test('code in a line holds anything but its own marks', () => {
  expect(shape('use `a*b*c` here')).toBe('use c(a*b*c) here');
  expect(shape('``a`b``')).toBe('c(a`b)');
  expect(shape('`<script>alert(1)</script>`')).toBe('c(<script>alert(1)</script>)');
  expect(shape('a ` b')).toBe('a ` b');
  expect(shape('`a\nb`')).toBe('`a\nb`');
});

test('code between fences has its language, and keeps its spaces', () => {
  expect(shape('Look:\n```py\n  def f():\n\n    pass\n```\nok')).toBe(
    'Look:¶p:py(  def f():\n\n    pass)¶ok',
  );
  expect(shape('```\n```')).toBe('p:()');
  expect(shape('```C++\na\n```')).toBe('p:c++(a)');
  expect(shape('```js\na')).toBe('```js\na');
  expect(shape('```not a language\na\n```')).toBe('```not a language\na\n```');
  expect(shape('```a```')).toBe('c(a)');
  expect(shape('```\na\n```\n```\nb\n```')).toBe('p:(a)¶p:(b)');
});

test('formulas are told from prices', () => {
  expect(shape('so $x^2$ it is')).toBe('so f(x^2) it is');
  expect(shape('$$\n\\sum_i i\n$$')).toBe('f(\n\\sum_i i\n)');
  expect(shape('it costs $5 and $10')).toBe('it costs $5 and $10');
  expect(shape('US$5 or A$6')).toBe('US$5 or A$6');
  expect(shape('$ x $')).toBe('$ x $');
  expect(shape('$$$$')).toBe('$$$$');
  expect(shape('$a\nb$')).toBe('$a\nb$');
  expect(shape('\\$a$')).toBe('\\$a$');
  expect(shape(`$${'x'.repeat(1_001)}$`)).toBe(`$${'x'.repeat(1_001)}$`);
});

test('links are shown as written, without what belongs to the sentence', () => {
  expect(shape('see https://example.org/a_(b), ok')).toBe('see l(https://example.org/a_(b)), ok');
  expect(shape('(http://example.org).')).toBe('(l(http://example.org)).');
  expect(shape('**https://example.org**')).toBe('s(l(https://example.org))');
  expect(shape('mailto:maya@example.org!')).toBe('l(mailto:maya@example.org)!');
  expect(shape('HTTPS://EXAMPLE.ORG/')).toBe('l(HTTPS://EXAMPLE.ORG/)');
  const [block] = parse('http://exämple.org/');
  expect(block?.type === 'text' && block.inlines[0]?.type === 'link' && block.inlines[0].href).toBe(
    'http://xn--exmple-cua.org/',
  );
});

test('what leads elsewhere than it says, or is no place, is no link', () => {
  for (const text of [
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)//http:/x',
    'data:text/html,<script>alert(1)</script>',
    'file:///etc/passwd',
    'vbscript:x',
    'https://bank.example@evil.example/',
    'https://user:word@evil.example/',
    'https://',
    'http://.',
    'mailto:nobody',
    'xhttps://example.org',
    'ftp://example.org',
  ]) {
    expect(shape(text)).toBe(text);
  }
  expect(shape('https://good.example/\u202egpj.exe')).toBe('l(https://good.example/)\u202egpj.exe');
  expect(shape('https://good.example/"onclick="x')).toBe('l(https://good.example/)"onclick="x');
});

test('markup is text', () => {
  const text = '<img src=x onerror=alert(1)> <script>alert(1)</script> &lt;b&gt; {@html x} {{x}}';
  expect(shape(text)).toBe(text);
});

const HOSTILE: [string, string][] = [
  ['backticks', '`'.repeat(4_000)],
  ['runs of backticks', Array.from({ length: 88 }, (_, n) => '`'.repeat(n + 1)).join(' ')],
  ['unclosed fences', '```js\n'.repeat(600)],
  ['fences of every length', Array.from({ length: 80 }, (_, n) => '`'.repeat(n + 3)).join('x\n')],
  ['stars', '*'.repeat(4_000)],
  ['stars and words', '*a **b '.repeat(570)],
  ['stars that close', 'a* b** '.repeat(570)],
  ['all kinds of stars', '*a **b ***c c*** b** a* '.repeat(160)],
  ['dollars', '$'.repeat(4_000)],
  ['dollars and words', '$a '.repeat(1_333)],
  ['double dollars', '$$a '.repeat(1_000)],
  ['half links', 'http://@'.repeat(500)],
  ['links in links', 'https://'.repeat(500)],
  ['brackets after a link', `http://a${')'.repeat(3_990)}`],
  ['mails', 'mailto:'.repeat(570)],
  ['one long word', 'x'.repeat(4_000)],
  ['lines', '\n'.repeat(4_000)],
  ['turned letters', '\u202e*\u202e`\u2067$'.repeat(660)],
  ['half letters', '\ud83d*\udc4b`'.repeat(1_000)],
  ['everything', '`*$h**`` ```\n'.repeat(300)],
];
for (const [name, text] of HOSTILE) {
  test(`hostile text is read whole and at once: ${name}`, () => {
    // A hundred times as long as it may be: what is not linear would not come back before the test is given up.
    parse(text.repeat(100));
    expectTrue(text);
    const depth = (nodes: readonly Inline[]): number =>
      Math.max(0, ...nodes.map((node) => ('children' in node ? 1 + depth(node.children) : 0)));
    for (const block of parse(text)) if (block.type === 'text') expect(depth(block.inlines)).toBeLessThan(4);
  });
}

test('what is copied is what was written: whole with its marks, in part without', () => {
  const text = 'a **b** `c` $d$\n```py\ne\n```';
  expect(asWritten(text, 0, text.length)).toBe(text);
  expect(asWritten('**b**', 2, 3)).toBe('**b**');
  expect(asWritten(text, 4, 5)).toBe('b');
  expect(asWritten(text, 0, 5)).toBe('a **b**');
  expect(asWritten(text, 4, 10)).toBe('**b** `c`');
  expect(asWritten(text, 9, 10)).toBe('c');
  expect(asWritten(text, 9, 23)).toBe('`c` $d$\n```py\ne\n```');
});

test('letters that turn the direction are shown, not obeyed', () => {
  expect(partsOf('a\u202eb')).toEqual([
    { text: 'a', turns: false },
    { text: '\u202e', turns: true },
    { text: 'b', turns: false },
  ]);
  expect(codeOf('\u202e')).toBe('U+202E');
  expect(partsOf('שלום')).toEqual([{ text: 'שלום', turns: false }]);
});

test('code is told apart in words that make up the code, and never in markup', () => {
  const code = 'def f(x):\n    """<b>doc</b>"""\n    return x + 1  # done';
  const tokens = highlight('python', code);
  expect(tokens.map((token) => token.text).join('')).toBe(code);
  const kindOf = (text: string) => tokens.find((token) => token.text.includes(text))?.kind;
  expect(kindOf('def')).toBe('keyword');
  expect(kindOf('<b>')).toBe('string');
  expect(kindOf('# done')).toBe('comment');
  expect(highlight('python', code)).toBe(tokens);
  expect(languageOf('c++')).toBe('cpp');
  expect(languageOf('__proto__')).toBeUndefined();
  expect(languageOf('')).toBeUndefined();
});

test('every language can be coloured, hostile code included', () => {
  const hostile = [
    '/*'.repeat(2_000),
    '"'.repeat(4_000),
    '('.repeat(4_000),
    '<a '.repeat(1_333),
    '\\'.repeat(4_000),
  ];
  for (const name of 'py js ts java c c++ c# go rs sql html css sh json hs r'.split(' ')) {
    const language = languageOf(name);
    expect(language, name).toBeDefined();
    for (const code of hostile) {
      if (language)
        expect(
          highlight(language, code)
            .map((token) => token.text)
            .join(''),
        ).toBe(code);
    }
  }
});

/** A formula's elements as one line. */
function set(source: string, display = false): string | undefined {
  const line = (one: MathElement): string =>
    one.tag ? `${one.tag}(${one.children.map(line).join('')})` : one.text;
  const made = formula(source, display);
  return made && line(made);
}

test('formulas are set as MathML', () => {
  expect(set('\\frac{a}{b}')).toBe('math(mfrac(mi(a)mi(b)))');
  expect(set('x^2')).toBe('math(msup(mi(x)mn(2)))');
  expect(formula('x', true)?.attributes['display']).toBe('block');
  expect(set('A = \\begin{pmatrix} 2 & 1 \\\\ 0 & 2 \\end{pmatrix}', true)).toContain('mtable(mtr(mtd(');
  expect(set('\\text{<b>hello</b>}')).toContain('<b>');
});

test('what is no formula, or more than one, is shown as it was written', () => {
  for (const source of [
    '\\frac{a}',
    '\\unknown',
    '\\href{javascript:alert(1)}{x}',
    '\\includegraphics{http://example.org/x.png}',
    '\\class{a}{x}',
    '\\htmlId{a}{x}',
    '\\def\\a{\\a\\a}\\a',
    '\\newcommand{\\a}{x}\\a',
    '{'.repeat(1_000),
    '\\sqrt{'.repeat(160) + 'x' + '}'.repeat(160),
    'x_{'.repeat(300) + 'x' + '}'.repeat(300),
  ]) {
    expect(formula(source, false), source.slice(0, 40)).toBeUndefined();
  }
});

test('nothing but what is listed comes out of a formula', () => {
  const attributes = new Set<string>();
  const styles = new Set<string>();
  const walk = (one: MathElement): void => {
    for (const name of Object.keys(one.attributes)) attributes.add(name);
    for (const [name, value] of Object.entries(one.style)) styles.add(`${name}: ${value}`);
    one.children.forEach(walk);
  };
  for (const source of [
    '\\rule{9em}{9em}',
    '\\color{red}x',
    '\\boxed{x}',
    '\\cancel{x}',
    '\\colorbox{red}{x}',
    '\\kern-99em x',
  ]) {
    const made = formula(source, true);
    if (made) walk(made);
  }
  expect([...attributes].filter((name) => /^(on|href|src|style|class|id|mathbackground)/.test(name))).toEqual(
    [],
  );
  expect([...styles].every((style) => /^(color|padding-(left|right)): [#\w.]+$/.test(style))).toBe(true);
});
