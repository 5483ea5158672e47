// Builds to dist/, which the binary embeds. All addresses are relative, so that it also works behind a path prefix.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import react from '@vitejs/plugin-react';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

/** The server that `npm run dev` speaks to: a running Weir. */
const server = process.env.WEIR_URL ?? 'http://127.0.0.1:8000';
/** Its job manager, for the page at `/jobs/`. */
const jobManager = process.env.WEIR_JOBS_URL ?? 'http://127.0.0.1:8081';

/** The page that the job manager serves at its root, although it is built to a directory of `dist/`. */
const AT_ROOT = 'jobs/index.html';

/**
 * The directories whose addresses are answered with the page: `/d/analytics`. Each gets a copy of `index.html` whose files are one
 * directory up. The development server answers such an address as the binary does.
 */
function pagesBelow(names: string[]): Plugin {
  return {
    name: 'pages-below',
    enforce: 'post',
    generateBundle(_, bundle) {
      const page = bundle['index.html'];
      if (page?.type !== 'asset') throw new Error('the build has no index.html');
      const source = String(page.source).replaceAll('"./', '"../');
      for (const name of names) this.emitFile({ type: 'asset', fileName: `${name}/index.html`, source });
    },
    configureServer({ middlewares }) {
      middlewares.use((request, _, next) => {
        const [path = '', search] = (request.url ?? '').split('?');
        const isPage = names.some((name) => path.startsWith(`/${name}/`) && !/\.\w+$/.test(path));
        if (isPage) request.url = `/index.html${search === undefined ? '' : `?${search}`}`;
        next();
      });
    },
  };
}

/**
 * The code of the first picture in few files: each file is a request, and browsers send six of them at a time. React changes
 * less often than the pages do, so it is a file of its own. What both applications use must not bring the pages of one along.
 */
const GROUPS = [
  {
    name: 'react',
    test: /node_modules\/(react|react-dom|scheduler|i18next|@tanstack\/(react-query|query-core|react-router|router-core|react-store|store|history))\//,
    priority: 3,
  },
  {
    name: 'common',
    test: /src\/(i18n\/index|format\/\w+|api\/session|theme|components\/(Boundary|Mark|LanguageChoice|font|size|series\/\w+))\.tsx?$/,
    priority: 2,
  },
  { name: 'first', test: /src\/(router|dashboards\/DashboardView)\.tsx$/, priority: 1 },
];

/** Compresses the files whose names change with their content: more slowly and better than the server could for a request. */
function compressed(): Plugin {
  return {
    name: 'compressed',
    apply: 'build',
    enforce: 'post',
    async writeBundle({ dir = 'dist' }, bundle) {
      const names = Object.keys(bundle).filter((name) => /^assets\/.*\.(js|css|svg)$/.test(name));
      for (const name of names) {
        const path = join(dir, name);
        await writeFile(`${path}.br`, brotliCompressSync(await readFile(path)));
      }
    },
  };
}

export default defineConfig({
  base: './',
  plugins: [react(), pagesBelow(['explore', 'd']), compressed()],
  build: {
    target: 'es2022',
    rolldownOptions: { input: ['index.html', AT_ROOT], output: { codeSplitting: { groups: GROUPS } } },
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
      // The page of alerts and the list of alerts have one address: a browser that asks for a page gets the page.
      '/alerts': {
        target: server,
        bypass: ({ url, headers }) =>
          url?.split('?')[0] === '/alerts' && headers.accept?.includes('text/html')
            ? '/index.html'
            : undefined,
      },
      '/analytics': server,
      '/dashboards': server,
      '/events': server,
      '/generated': server,
      '/openapi.json': server,
      '/pulse': server,
      '/results': server,
      '/session': server,
      '/ws': { target: server, ws: true },
    },
  },
  test: { include: ['src/**/*.test.ts'] },
});
