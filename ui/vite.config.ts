import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [svelte()],
  // The app serves the page from its own root.
  base: './',
  clearScreen: false,
  server: { port: 1420, strictPort: true, host: '127.0.0.1' },
  build: {
    // WebKitGTK of Debian 12 and newer.
    target: ['safari16.4', 'chrome111'],
    // Nothing is loaded over a network: a warning about bytes would mean nothing, and a data: URL is not in the
    // content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
