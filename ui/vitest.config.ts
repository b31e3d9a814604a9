import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        plugins: [svelte()],
        // The state runs as in the page, not as on a server that renders.
        resolve: { conditions: ['browser'] },
        test: { name: 'unit', include: ['tests/unit/**/*.test.ts'], environment: 'node' },
      },
      {
        test: {
          name: 'flows',
          include: ['tests/flows/**/*.test.ts'],
          environment: 'node',
          globalSetup: ['tests/flows/build.ts'],
          testTimeout: 30_000,
          hookTimeout: 60_000,
          // One browser at a time: the machine that tests may have two cores.
          fileParallelism: false,
        },
      },
    ],
  },
});
