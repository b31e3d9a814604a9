/** The languages that are coloured, by what people write after a fence. */
const NAMES = {
  python: ['python', 'py', 'python3'],
  javascript: ['javascript', 'js', 'jsx', 'mjs', 'node'],
  typescript: ['typescript', 'ts', 'tsx'],
  java: ['java'],
  c: ['c', 'h'],
  cpp: ['cpp', 'c++', 'cc', 'cxx', 'hpp'],
  csharp: ['csharp', 'c#', 'cs'],
  go: ['go', 'golang'],
  rust: ['rust', 'rs'],
  sql: ['sql', 'sqlite', 'postgres', 'postgresql', 'mysql'],
  xml: ['html', 'xml', 'svg', 'xhtml'],
  css: ['css'],
  bash: ['bash', 'sh', 'shell', 'zsh', 'console'],
  json: ['json', 'jsonc'],
  haskell: ['haskell', 'hs'],
  r: ['r'],
} as const;

/** A language whose grammar there is. */
export type Language = keyof typeof NAMES;

const BY_NAME = new Map<string, Language>(
  Object.entries(NAMES).flatMap(([language, names]) =>
    names.map((name) => [name, language as Language] as const),
  ),
);

/** The language that is meant, if it is one of those. */
export function languageOf(written: string): Language | undefined {
  return BY_NAME.get(written);
}
