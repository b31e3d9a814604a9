import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { HUES } from '../../src/kit/initials';

const css = readFileSync(join(import.meta.dirname, '../../src/styles/tokens.css'), 'utf8');

function tokens(selector: RegExp): Record<string, string> {
  const [, body = ''] = selector.exec(css) ?? [];
  return Object.fromEntries(
    Array.from(body.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g), ([, name, value]) => [name, value]),
  );
}

/** Relative luminance and contrast as WCAG 2.2 defines them. */
function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const value = parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function contrast(a: string, b: string): number {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

const THEMES = {
  light: tokens(/^:root \{([^}]*)\}/m),
  dark: tokens(/data-theme='dark'\],\n\.stage \{([^}]*)\}/),
};
const TEXT: [string, string[]][] = [
  [
    'text',
    [
      'surface',
      'sunken',
      'ground',
      'control',
      'control-hover',
      'selected',
      'bubble-own',
      'bubble-other',
      'accent-soft',
      'found',
    ],
  ],
  ['muted', ['surface', 'sunken', 'ground', 'control', 'selected', 'bubble-other', 'accent-soft']],
  ['accent-text', ['surface', 'sunken', 'bubble-own', 'accent-soft']],
  ['on-accent', ['accent', 'accent-hover']],
  ['on-signal', ['go', 'go-hover', 'stop', 'stop-hover']],
  ['bad', ['surface', 'sunken', 'bad-soft', 'control', 'bubble-own']],
  ['warn', ['surface', 'warn-soft']],
  ...['keyword', 'string', 'number', 'comment', 'name', 'type', 'meta'].map((kind): [string, string[]] => [
    `code-${kind}`,
    ['code'],
  ]),
  ['text', ['code']],
  ['muted', ['code']],
  ['accent-text', ['bubble-other']],
];
const SHAPES: [string, string[]][] = [
  ['available', ['surface', 'sunken', 'ground', 'selected']],
  ['in-session', ['surface', 'sunken', 'ground', 'selected']],
  ['break', ['surface', 'sunken', 'ground', 'selected']],
  ['offline', ['surface', 'sunken', 'ground', 'selected']],
  ['line-strong', ['surface']],
  ['focus', ['surface', 'sunken', 'ground']],
];

for (const [theme, colours] of Object.entries(THEMES)) {
  test(`text can be read in the ${theme} theme`, () => {
    for (const [name, grounds] of TEXT) {
      for (const ground of grounds) {
        expect(
          contrast(colours[name] ?? '', colours[ground] ?? ''),
          `${name} on ${ground}`,
        ).toBeGreaterThanOrEqual(4.5);
      }
    }
  });
  test(`dots, borders and focus can be seen in the ${theme} theme`, () => {
    for (const [name, grounds] of SHAPES) {
      for (const ground of grounds) {
        expect(
          contrast(colours[name] ?? '', colours[ground] ?? ''),
          `${name} on ${ground}`,
        ).toBeGreaterThanOrEqual(3);
      }
    }
  });
}

test('initials can be read on every colour of a person', () => {
  for (const ground of HUES) expect(contrast('#ffffff', ground), ground).toBeGreaterThanOrEqual(4.5);
});
