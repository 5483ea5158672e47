// Copies the documents into the directory from which the site is built.
//
// The documents in docs/ are written for readers of the repository: their links lead to files beside them, such as
// ../config/weir.toml. The site must work without the repository, so each such file becomes a page of its own below
// source/, and the links lead to these pages. A link to a file that does not exist ends the build.

import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, posix, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const site = dirname(fileURLToPath(import.meta.url));
const root = resolve(site, '..');
const pages = join(site, 'output');

const LANGUAGES = {
  js: 'js', json: 'json', md: 'md', py: 'python', rs: 'rust', service: 'ini', sh: 'bash', sql: 'sql', toml: 'toml',
  yaml: 'yaml', yml: 'yaml',
};

/** Files of the repository that a document links to, and that need a page. */
const linked = new Set();

/** Returns the paths of all files below a directory of the repository. */
function below(directory) {
  return readdirSync(join(root, directory), { withFileTypes: true })
    .flatMap((entry) => {
      const path = `${directory}/${entry.name}`;
      return entry.isDirectory() ? below(path) : [path];
    })
    .sort();
}

/** Returns the place of a file of the repository in the site, relative to its root. */
function place(path) {
  if (path.startsWith('docs/')) return path.slice('docs/'.length);
  linked.add(path);
  return path.endsWith('.md') ? `source/${path}` : `source/${path}.md`;
}

/** Returns a document with its links changed, outside of its code. */
function withLinks(text, path) {
  const here = place(path);
  const change = (link, target) => {
    if (/^([a-z]+:|#|\/)/.test(target)) return link;

    const [file, fragment] = target.split('#');
    const named = posix.normalize(posix.join(posix.dirname(path), file));
    if (!existsSync(join(root, named))) throw new Error(`${path}: there is no ${named}`);
    const isListed = named.startsWith('docs/') && statSync(join(root, named)).isDirectory();
    const there = posix.relative(posix.dirname(here), place(isListed ? `${named}/index.md` : named));
    return `](${there.startsWith('.') ? there : `./${there}`}${fragment ? `#${fragment}` : ''})`;
  };

  let isFenced = false;
  // Links can be broken across lines, but their targets are not.
  const lines = text.split('\n').map((line) => {
    if (line.startsWith('```')) isFenced = !isFenced;
    return isFenced || line.startsWith('    ') ? line : line.replace(/\]\(([^)\s]+)\)/g, change);
  });
  return lines.join('\n');
}

function write(path, text) {
  mkdirSync(dirname(join(pages, path)), { recursive: true });
  writeFileSync(join(pages, path), text);
}

/** Writes the page of a file or directory of the repository. */
function writeSource(path) {
  const whole = join(root, path);
  const head = `---\neditLink: false\noutline: false\nsearch: false\n---\n\n`;

  if (statSync(whole).isDirectory()) {
    const files = below(path).map((file) => `* [${file}](${posix.relative(posix.dirname(place(path)), place(file))})`);
    return write(place(path), `${head}# ${path}\n\nThe files of this directory:\n\n${files.join('\n')}\n`);
  }

  const text = readFileSync(whole, 'utf8');
  if (path.endsWith('.md')) return write(place(path), withLinks(text, path));
  const ending = path.split('.').pop();
  return write(place(path), `${head}# ${path}\n\n\`\`\`\`${LANGUAGES[ending] ?? 'txt'}\n${text.trimEnd()}\n\`\`\`\`\n`);
}

/** Writes a page with the titles of all decisions. */
function writeDecisions() {
  const titles = below('docs/decisions').map((path) => {
    const heading = readFileSync(join(root, path), 'utf8').match(/^# (.*)$/m);
    return `* [${heading[1]}](./${posix.basename(path)})`;
  });
  write('decisions/index.md', `# Decisions\n\nEach has its reasons, its alternatives and its costs.\n\n${titles.join('\n')}\n`);
}

rmSync(pages, { recursive: true, force: true });
for (const path of below('docs')) {
  if (path.endsWith('.md')) write(place(path), withLinks(readFileSync(join(root, path), 'utf8'), path));
  else cpSync(join(root, path), join(pages, relative('docs', path)));
}
writeDecisions();

// A page can link to further files.
const written = new Set();
for (let left = [...linked]; left.length > 0; left = [...linked].filter((path) => !written.has(path))) {
  left.forEach((path) => {
    writeSource(path);
    written.add(path);
  });
}
console.log(`${below('docs').length} files of docs, ${written.size} files of the repository`);
