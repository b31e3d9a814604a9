import { build } from 'vite';
import { beforeAll, expect, test } from 'vitest';

type Built = Extract<Awaited<ReturnType<typeof build>>, { output: unknown }>;

let built: Built;
beforeAll(async () => {
  built = (await build({ mode: 'production', logLevel: 'silent', build: { write: false } })) as Built;
});

test('the release build has no door but the app, and nothing inline', () => {
  const files = built.output.map((file) => ({
    name: file.fileName,
    text: file.type === 'chunk' ? file.code : String(file.source),
  }));
  const code = files.filter(({ name }) => name.endsWith('.js'));
  expect(code.some(({ text }) => text.includes('core-event'))).toBe(true);
  expect(code.filter(({ text }) => text.includes('ws://127.0.0.1') || text.includes('.get("core")'))).toEqual(
    [],
  );

  const html = files.find(({ name }) => name === 'index.html')?.text ?? '';
  expect(html).toContain('<script type="module"');
  expect(html).not.toMatch(/<style|<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=/);
  expect(
    files
      .filter(
        ({ name, text }) =>
          !name.endsWith('.svg') &&
          /https?:\/\/(?!www\.w3\.org|svelte\.dev|mentor\.example\.org|inlang\.com|github\.com\/highlightjs\/highlight\.js\/)/.test(
            text,
          ),
      )
      .map(({ name }) => name),
  ).toEqual([]);
});

test('what colours code and sets formulas is loaded when somebody writes some, not before', () => {
  const chunks = built.output.filter((file) => file.type === 'chunk');
  const lazy = chunks.filter((chunk) => /[/](highlight|formula)[.]ts$/.test(chunk.facadeModuleId ?? ''));
  expect(lazy.map((chunk) => chunk.name).sort()).toEqual(['formula', 'highlight']);
  expect(lazy.every((chunk) => chunk.isDynamicEntry)).toBe(true);
  const rest = chunks.filter((chunk) => !lazy.includes(chunk));
  expect(rest.some((chunk) => /pmatrix|hljs-/.test(chunk.code))).toBe(false);
});

test('the call is loaded when somebody calls, not before', () => {
  const chunks = built.output.filter((file) => file.type === 'chunk');
  const entry = chunks.find((chunk) => chunk.isEntry);
  const first = new Set(entry ? [entry.fileName, ...entry.imports] : []);
  const withDecoder = chunks
    .filter((chunk) => chunk.code.includes('VideoDecoder'))
    .map((chunk) => chunk.fileName);
  expect(withDecoder).toHaveLength(1);
  expect(withDecoder.filter((name) => first.has(name))).toEqual([]);
});
