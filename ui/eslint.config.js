import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';
import svelteConfig from './svelte.config.js';

/** Words that a person reads, where they would stand beside the catalogue. */
const IN_CATALOGUE = 'Words come from src/i18n/messages/en.json.';
const words = [
  // Between elements, except for entities; style sheets are text too.
  ':not(SvelteStyleElement) > SvelteText[value=/(^|[^&\\p{L}])\\p{L}{2}/u]',
  'SvelteAttribute[key.name=/^(title|text|label|hint|alt|placeholder|aria-label)$/] > SvelteLiteral[value=/\\p{L}{2}/u]',
  // A sentence anywhere, except for what a programmer reads.
  ':not(NewExpression) > Literal[value=/^\\p{Lu}\\p{L}* \\p{L}/u]',
  'TemplateElement[value.raw=/^\\p{Lu}\\p{L}* \\p{L}/u]',
].map((selector) => ({ selector, message: IN_CATALOGUE }));

// Which room may import which is held by scripts/check-imports, which sees `import()` too.
export default ts.config(
  { ignores: ['dist', 'node_modules', 'src/contract'] },
  js.configs.recommended,
  ...ts.configs.strict,
  ...svelte.configs.recommended,
  {
    languageOptions: { globals: { ...globals.browser, ...globals.node } },
    rules: {
      // TypeScript knows better which names exist.
      'no-undef': 'off',
      'no-console': 'error',
      eqeqeq: 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-invalid-void-type': 'off',
    },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser, extraFileExtensions: ['.svelte'], svelteConfig } },
    rules: {
      // All text is rendered as text.
      'svelte/no-at-html-tags': 'error',
    },
  },
  {
    files: ['src/**/*.{ts,svelte}'],
    rules: { 'no-restricted-syntax': ['error', ...words] },
  },
);
