import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';
import svelteConfig from './svelte.config.js';

const tauri = {
  group: ['@tauri-apps/*'],
  message: 'Only src/platform knows Tauri.',
};

/** Files of a tier must not import from these folders of src. */
const tier = (folder, above, message) => ({
  files: [`src/${folder}/**/*.{ts,svelte}`],
  rules: {
    'no-restricted-imports': [
      'error',
      { patterns: [tauri, { group: above.map((name) => `**/${name}/**`), message }] },
    ],
  },
});

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
    ignores: ['src/platform/**'],
    rules: { 'no-restricted-imports': ['error', { patterns: [tauri] }] },
  },
  {
    files: ['src/**/*.{ts,svelte}'],
    rules: { 'no-restricted-syntax': ['error', ...words] },
  },
  tier(
    'kit',
    ['features', 'views', 'state', 'platform', 'contract', 'i18n'],
    'kit has no domain words: pass them in.',
  ),
  tier('features', ['views'], 'features do not know the views.'),
  tier('state', ['kit', 'features', 'views'], 'state does not know how it is shown.'),
  tier('i18n', ['kit', 'features', 'views', 'state'], 'words know only the contract.'),
  {
    files: ['src/platform/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ group: ['**/kit/**', '**/features/**', '**/views/**', '**/state/**'] }] },
      ],
    },
  },
);
