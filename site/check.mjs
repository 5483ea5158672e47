// Checks the built site: every link within it leads to a page and, if it has one, to a heading of that page; every
// picture exists; no page loads anything from another server.

import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

const dist = join(dirname(fileURLToPath(import.meta.url)), 'dist');
const base = process.env.SITE_BASE ?? '/';

const pages = readdirSync(dist, { recursive: true }).filter((name) => name.endsWith('.html'));
const texts = new Map(pages.map((name) => [name, readFileSync(join(dist, name), 'utf8')]));
const wrong = [];

function decode(text) {
  return decodeURIComponent(text.replaceAll('&amp;', '&'));
}

/** Checks a link of a page to another place of the site. */
function check(page, target) {
  const [path, fragment] = decode(target).split('#');
  let file = page;
  if (path.startsWith('/')) file = path.startsWith(base) ? path.slice(base.length) : `outside of ${base}`;
  else if (path) file = posix.normalize(posix.join(posix.dirname(page), path));
  if (file === '' || file.endsWith('/')) file += 'index.html';

  if (!existsSync(join(dist, file)) || statSync(join(dist, file)).isDirectory()) wrong.push(`${page}: there is no ${target}`);
  else if (fragment && !texts.get(file)?.includes(`id="${fragment}"`)) wrong.push(`${page}: no heading is ${target}`);
}

let links = 0;
for (const [page, text] of texts) {
  for (const [, target] of text.matchAll(/<a [^>]*?href="([^"]*)"/g)) {
    links += 1;
    if (!/^[a-z]+:/.test(target)) check(page, target);
  }
  for (const [tag, target] of text.matchAll(/<(?:link|script|img|source)\b[^>]*?(?:href|src)="([^"]*)"/g)) {
    if (/^(https?:)?\/\//.test(target)) wrong.push(`${page} loads ${target}: ${tag}`);
    else if (!target.startsWith('data:')) check(page, target);
  }
}

for (const name of readdirSync(join(dist, 'assets'), { recursive: true }).filter((name) => name.endsWith('.css'))) {
  const text = readFileSync(join(dist, 'assets', name), 'utf8');
  for (const [, target] of text.matchAll(/url\(["']?((?:https?:)?\/\/[^)"']*)/g)) wrong.push(`${name} loads ${target}`);
}

wrong.forEach((line) => console.error(line));
console.log(`${pages.length} pages, ${links} links, ${wrong.length} of them wrong`);
process.exitCode = wrong.length > 0 ? 1 : 0;
