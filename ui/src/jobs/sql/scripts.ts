// Scripts of the reader, kept in the browser.

export interface Script {
  id: string;
  name: string;
  text: string;
}

/** What a browser keeps for a page is a few megabytes; more scripts than this are hard to find, too. */
export const SCRIPTS_MAX = 50;
export const TEXT_MAX = 256_000;

const KEY = 'weir.sql.scripts';

export function readScripts(storage: Pick<Storage, 'getItem'>): Script[] {
  try {
    const kept: unknown = JSON.parse(storage.getItem(KEY) ?? '[]');
    return Array.isArray(kept) ? kept.filter(isScript).slice(0, SCRIPTS_MAX) : [];
  } catch {
    return [];
  }
}

/** Keeps the scripts; false where the browser has no room for them or keeps nothing. */
export function keepScripts(storage: Pick<Storage, 'setItem'>, scripts: Script[]): boolean {
  try {
    storage.setItem(KEY, JSON.stringify(scripts));
    return true;
  } catch {
    return false;
  }
}

function isScript(value: unknown): value is Script {
  return (
    typeof value === 'object' &&
    value !== null &&
    'id' in value &&
    typeof value.id === 'string' &&
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
