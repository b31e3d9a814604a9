import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { build } from 'vite';

declare module 'vitest' {
  interface ProvidedContext {
    /** Folder of the page built with the socket door. */
    page: string;
  }
}

/** Builds the page once for all flows, with the door for browsers, beside the real build. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const outDir = await mkdtemp(join(tmpdir(), 'instantmentor-page-'));
  await build({ mode: 'browser', logLevel: 'warn', build: { outDir, emptyOutDir: true } });
  project.provide('page', outDir);
  return () => rm(outDir, { recursive: true, force: true });
}
