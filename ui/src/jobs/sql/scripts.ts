// Scripts of the reader, kept in the browser. Each has an entry of its own, so that pages in several tabs do not overwrite
// each other's scripts.

export interface Script {
  id: string;
  name: string;
  text: string;
}

/** What a browser keeps for a page is a few megabytes; more scripts than this are hard to find, too. */
export const SCRIPTS_MAX = 50;
export const TEXT_MAX = 256_000;

const PREFIX = 'weir.sql.script.';

type Readable = Pick<Storage, 'getItem' | 'key' | 'length'>;

/** The scripts that are kept, the oldest first. */
export function readScripts(storage: Readable): Script[] {
  const keys = Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? '');
  const ids = keys.filter((key) => key.startsWith(PREFIX)).map((key) => key.slice(PREFIX.length));
  return ids
    .toSorted()
    .flatMap((id) => readScript(storage, id) ?? [])
    .slice(0, SCRIPTS_MAX);
}

function readScript(storage: Readable, id: string): Script | null {
  try {
    const kept: unknown = JSON.parse(storage.getItem(PREFIX + id) ?? 'null');
    return isKept(kept) ? { id, name: kept.name, text: kept.text } : null;
  } catch {
    return null;
  }
}

/** Keeps a script; false where the browser has no room for it or keeps nothing. */
export function keepScript(storage: Pick<Storage, 'setItem'>, { id, name, text }: Script): boolean {
  if (text.length > TEXT_MAX) return false;
  try {
    storage.setItem(PREFIX + id, JSON.stringify({ name, text }));
    return true;
  } catch {
    return false;
  }
}

export function removeScript(storage: Pick<Storage, 'removeItem'>, id: string): void {
  storage.removeItem(PREFIX + id);
}

/** Whether a change of the browser's storage, made in another tab, is one of scripts. */
export function isOfScripts(key: string | null): boolean {
  return key === null || key.startsWith(PREFIX);
}

function isKept(value: unknown): value is Pick<Script, 'name' | 'text'> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'name' in value &&
    typeof value.name === 'string' &&
    'text' in value &&
    typeof value.text === 'string' &&
    value.text.length <= TEXT_MAX
  );
}

/** The first name with this beginning that no script has: `script`, `script 2`, … */
export function freeName(scripts: Script[], base: string): string {
  const taken = new Set(scripts.map(({ name }) => name));
  for (let number = 1; ; number++) {
    const name = number === 1 ? base : `${base} ${number}`;
    if (!taken.has(name)) return name;
  }
}
