// Builds to dist/, which the binary embeds. All addresses are relative, so that it also works behind a path prefix.
import react from '@vitejs/plugin-react';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

/** The server that `npm run dev` speaks to: a running Weir, or `npm run mock`. */
const server = process.env.WEIR_URL ?? 'http://127.0.0.1:8000';
/** Its job manager, for the page at `/jobs/`. */
const jobManager = process.env.WEIR_JOBS_URL ?? 'http://127.0.0.1:8081';

/** The page that the job manager serves at its root, although it is built to a directory of `dist/`. */
const AT_ROOT = 'jobs/index.html';

/** As the binary does: an address below a page, such as `/d/analytics`, is answered with that page. */
function pagesBelow(names: string[]): Plugin {
  return {
    name: 'pages-below',
    configureServer({ middlewares }) {
      middlewares.use((request, _, next) => {
        const [path = '', search] = (request.url ?? '').split('?');
        const page = names.find((name) => path.startsWith(`/${name}/`) && !/\.\w+$/.test(path));
        if (page) request.url = `/${page}/index.html${search === undefined ? '' : `?${search}`}`;
        next();
      });
    },
  };
}

export default defineConfig({
  base: './',
  plugins: [react(), pagesBelow(['explore', 'd'])],
  build: {
    target: 'es2022',
    rolldownOptions: { input: ['index.html', 'explore/index.html', 'd/index.html', AT_ROOT] },
    modulePreload: { polyfill: false },
    // Every file has an address of its own, so that the pages' content policy needs no `data:` for them.
    assetsInlineLimit: 0,
    // ECharts is the one big chunk; it is loaded beside the connection, not before it.
    chunkSizeWarningLimit: 700,
  },
  experimental: {
    renderBuiltUrl: (file, { hostId }) => (hostId === AT_ROOT ? `./${file}` : { relative: true }),
  },
  server: {
    proxy: {
      '^/(overview|config|taskmanagers|jobmanager|weir|jobs/(?!index\\.html|icon\\.svg)[^?])': jobManager,
      '/alerts': server,
      '/analytics': server,
      '/dashboards': server,
      '/events': server,
      '/openapi.json': server,
      '/pulse': server,
      '/results': server,
      '/session': server,
      '/ws': { target: server, ws: true },
    },
  },
  test: { include: ['src/**/*.test.ts'] },
});
