import { defineConfig } from 'vitest/config';

/** Pictures of every view in both themes, to be looked at: `npm run screenshots`, into SCREENSHOTS or a new folder. */
export default defineConfig({
  test: {
    include: ['tests/screenshots/*.ts'],
    globalSetup: ['tests/flows/build.ts'],
    testTimeout: 180_000,
    hookTimeout: 60_000,
    fileParallelism: false,
  },
});
