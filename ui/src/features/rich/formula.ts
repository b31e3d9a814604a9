import temml from 'temml';

/** An element of MathML, as far as it is allowed here: what is not listed below does not come through. */
export interface MathElement {
  tag: string;
  attributes: Record<string, string>;
  /** Of those that the style sheet knows. */
  classes: string[];
  /** Lengths and a colour, checked. */
  style: Record<string, string>;
  children: MathElement[];
  text: string;
}

/** Nodes of a formula, and how deep they are nested, at most: beyond that it is shown as it was written. */
const MOST_NODES = 3_000;
const DEEPEST = 60;
/** Own words could grow without end, and are no part of a message. */
const OWN_WORDS = /\\(?:[gex]?def|let|futurelet|(?:re)?newcommand|providecommand|global|long)(?![a-zA-Z])/;

const TAGS = new Set(
  (
    'math mrow mi mn mo mtext ms mspace mfrac msqrt mroot mstyle mpadded mphantom msub msup msubsup ' +
    'munder mover munderover mmultiscripts mprescripts none mtable mtr mtd menclose merror'
  ).split(' '),
);
const ATTRIBUTES = new Set(
  (
    'display displaystyle scriptlevel mathvariant fence form separator stretchy symmetric largeop movablelimits ' +
    'accent accentunder lspace rspace minsize maxsize linethickness width height depth voffset rowspacing ' +
    'columnspacing columnalign columnlines rowlines notation'
  ).split(' '),
);
const CLASSES = new Set(['tml-left', 'tml-right', 'tml-overline', 'tml-underline', 'tml-cancel', 'upstrike']);
const VALUE = /^[\w .%+-]{0,40}$/;
const STYLES: Record<string, RegExp> = {
  'padding-left': /^\d{1,2}(\.\d+)?(em|pt)$/,
  'padding-right': /^\d{1,2}(\.\d+)?(em|pt)$/,
  color: /^#[0-9a-f]{6}$/i,
};

/** What the typesetter makes. Its tree is an inner matter of it: the version is fixed, and tests hold its shape. */
interface Made {
  type?: unknown;
  text?: unknown;
  attributes?: Record<string, unknown>;
  classes?: unknown[];
  style?: Record<string, unknown>;
  children?: Made[];
}

/** Sets a formula in TeX as MathML; nothing where it is not one, or more than a message should hold. */
export function formula(source: string, display: boolean): MathElement | undefined {
  if (OWN_WORDS.test(source)) return undefined;
  try {
    const made = temml.__renderToMathMLTree(source, {
      displayMode: display,
      throwOnError: true,
      trust: false,
      maxExpand: 200,
      maxSize: [20, 20],
    }) as Made;
    const left = { nodes: MOST_NODES };
    return allowed(made, left, 0)[0];
  } catch {
    // Not a formula, or one that is nested beyond all measure.
    return undefined;
  }
}

/** The element if it is allowed, else its children. */
function allowed(made: Made, left: { nodes: number }, depth: number): MathElement[] {
  if (--left.nodes < 0 || depth > DEEPEST) throw new RangeError('too much for a message');
  const children = (made.children ?? []).flatMap((child) => allowed(child, left, depth + 1));
  const tag = made.type;
  if (typeof tag !== 'string' || !TAGS.has(tag)) {
    return typeof made.text === 'string' ? [textOf(made.text), ...children] : children;
  }
  return [
    {
      tag,
      attributes: picked(made.attributes, (name, value) => ATTRIBUTES.has(name) && VALUE.test(value)),
      classes: (made.classes ?? []).map(String).filter((name) => CLASSES.has(name)),
      style: picked(hyphenated(made.style), (name, value) => STYLES[name]?.test(value) ?? false),
      children,
      text: '',
    },
  ];
}

function textOf(text: string): MathElement {
  return { tag: '', attributes: {}, classes: [], style: {}, children: [], text };
}

function picked(
  from: Record<string, unknown> | undefined,
  may: (name: string, value: string) => boolean,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(from ?? {})
      .map(([name, value]) => [name, String(value)] as const)
      .filter(([name, value]) => may(name, value)),
  );
}

function hyphenated(style: Record<string, unknown> | undefined): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(style ?? {}).map(([name, value]) => [
      name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
      value,
    ]),
  );
}

const MATHML = 'http://www.w3.org/1998/Math/MathML';

/** Makes the elements. */
export function build(element: MathElement, document: Document): Node {
  if (element.tag === '') return document.createTextNode(element.text);
  const node = document.createElementNS(MATHML, element.tag);
  for (const [name, value] of Object.entries(element.attributes)) node.setAttribute(name, value);
  if (element.classes.length > 0) node.setAttribute('class', element.classes.join(' '));
  const { style } = node as unknown as Partial<ElementCSSInlineStyle>;
  for (const [name, value] of Object.entries(element.style)) style?.setProperty(name, value);
  node.append(...element.children.map((child) => build(child, document)));
  return node;
}
