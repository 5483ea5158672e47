// Builds to dist/, which the binary embeds. All addresses are relative, so that it also works behind a path prefix.
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

/** The server that `npm run dev` speaks to: a running Weir, or `npm run mock`. */
const server = process.env.WEIR_URL ?? 'http://127.0.0.1:8000';

export default defineConfig({
  base: './',
  plugins: [react()],
  build: {
    target: 'es2022',
    rolldownOptions: { input: ['index.html', 'explore/index.html'] },
    modulePreload: { polyfill: false },
    // ECharts is the one big chunk; it is loaded beside the connection, not before it.
    chunkSizeWarningLimit: 700,
  },
  server: {
    proxy: {
      '/analytics': server,
      '/events': server,
      '/openapi.json': server,
      '/results': server,
      '/session': server,
      '/ws': { target: server, ws: true },
    },
  },
  test: { include: ['src/**/*.test.ts'] },
});
