// The documentation site: its pages are docs/, copied by prepare.mjs. A page that is missing in the sidebar, or that the
// sidebar names and that does not exist, ends the build.

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitepress';
import { sidebar } from './sidebar.mjs';

const pages = fileURLToPath(new URL('../output/', import.meta.url));

/** A dam and the water behind it. */
const ICON =
  "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><path fill='%231a9c74' d='M1 4h8v8H1z'/><path fill='%23757b83' d='M9 2h4v12H9z'/></svg>";

/** Returns the name of a heading in links: its letters, digits, underscores and hyphens. */
function slugify(text) {
  return text
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-');
}

/** Returns the first heading of a page. */
function title(page) {
  const heading = readFileSync(`${pages}${page}.md`, 'utf8').match(/^# (.*)$/m);
  return heading ? heading[1].replaceAll('`', '') : page;
}

function decisions() {
  const names = readdirSync(`${pages}decisions`).map((name) => `decisions/${name.replace('.md', '')}`);
  const [overview, ...rest] = names.sort((a, b) => b.endsWith('index') - a.endsWith('index') || a.localeCompare(b));
  return [{ text: 'Overview', link: `/${overview}` }, ...rest.map((page) => ({ text: title(page), link: `/${page}` }))];
}

function listed(items) {
  return items.flatMap((item) => (item.items ? listed(item.items) : [`${item.link.slice(1)}.md`]));
}

const all = [...sidebar, { text: 'Decisions', collapsed: true, items: decisions() }];
const named = new Set(listed(all));
const present = readdirSync(pages, { recursive: true }).filter((name) => name.endsWith('.md'));
const missing = [
  ...present.filter((name) => !name.startsWith('source/') && name !== 'index.md' && !named.has(name)),
  ...[...named].filter((name) => !existsSync(`${pages}${name}`)),
];
if (missing.length > 0) throw new Error(`the sidebar and the pages differ: ${missing.join(', ')}`);

export default defineConfig({
  title: 'Weir',
  description: 'Real-time query analytics: Flink SQL, an event log, a result store and a dashboard in one binary',
  srcDir: 'output',
  outDir: 'dist',
  base: process.env.SITE_BASE ?? '/',
  lang: 'en',
  head: [['link', { rel: 'icon', href: ICON }]],
  lastUpdated: false,
  // Symptoms name addresses of the reader's own machine.
  ignoreDeadLinks: [/^https?:\/\/(localhost|127\.0\.0\.1)/],
  markdown: {
    // Headings have the names that they have in the repository, so that a link works in both.
    anchor: { slugify },
    theme: { light: 'github-light-high-contrast', dark: 'github-dark' },
  },
  themeConfig: {
    search: {
      provider: 'local',
      options: { _render: (text, env, md) => (env.relativePath.startsWith('source/') ? '' : md.render(text, env)) },
    },
    nav: [
      { text: 'First minute', link: '/first-minute' },
      { text: 'Concepts', link: '/concepts/' },
      { text: 'Troubleshooting', link: '/troubleshooting/' },
      { text: 'Coming from Flink', link: '/coming-from/flink' },
      { text: 'Reference', link: '/reference/settings' },
    ],
    sidebar: all,
    outline: { level: [2, 3] },
    docFooter: { prev: 'Previous page', next: 'Next page' },
  },
});
