import { defineConfig } from 'vitest/config';

// The server the development page talks to.
const server = process.env.STIMMUNG_URL ?? 'http://127.0.0.1:8080';

export default defineConfig({
  base: './',
  test: { include: ['test/**/*.test.ts'] },
  server: { proxy: { '/v1': { target: server, ws: true } } },
  build: {
    target: 'es2022',
    // Everything is a file of its own: the page's policy allows nothing inline.
    assetsInlineLimit: 0,
    modulePreload: false,
    cssCodeSplit: false,
    // Names without hashes keep the committed bundle's history short.
    rollupOptions: {
      output: {
        entryFileNames: 'assets/index.js',
        chunkFileNames: 'assets/[name].js',
        assetFileNames: 'assets/[name][extname]',
      },
    },
  },
  worker: {
    format: 'es',
    rollupOptions: { output: { entryFileNames: 'assets/[name].js' } },
  },
});
