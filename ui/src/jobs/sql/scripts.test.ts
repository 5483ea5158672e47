import { expect, test } from 'vitest';
import {
  freeName,
  isOfScripts,
  keepScript,
  readScripts,
  removeScript,
  SCRIPTS_MAX,
  TEXT_MAX,
} from './scripts';

/** A browser's storage, with what others have kept in it. */
function storageOf(entries: Record<string, string> = {}) {
  const kept = new Map(Object.entries(entries));
  return {
    get length() {
      return kept.size;
    },
    key: (index: number) => [...kept.keys()][index] ?? null,
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  };
}

const FACULTIES = { id: '1', name: 'faculties', text: 'SELECT 1' };

test('scripts are read as they were kept, each for itself', () => {
  const storage = storageOf({ 'weir.language': 'vi' });
  expect(keepScript(storage, { ...FACULTIES, id: '2' })).toBe(true);
  expect(keepScript(storage, FACULTIES)).toBe(true);
  expect(readScripts(storage)).toEqual([FACULTIES, { ...FACULTIES, id: '2' }]);
  removeScript(storage, '1');
  expect(readScripts(storage).map(({ id }) => id)).toEqual(['2']);
});

test('what is no script is none, and there is an end to them', () => {
  expect(
    readScripts(storageOf({ 'weir.sql.script.1': '{broken', 'weir.sql.script.2': '{"name": 1}' })),
  ).toEqual([]);
  const many = storageOf();
  for (let number = 0; number < 99; number++) keepScript(many, { ...FACULTIES, id: `${number}` });
  expect(readScripts(many)).toHaveLength(SCRIPTS_MAX);
});

test('a script without room is said not to be kept', () => {
  const full = {
    setItem: () => {
      throw new Error('QuotaExceededError');
    },
  };
  expect(keepScript(full, FACULTIES)).toBe(false);
  expect(keepScript(storageOf(), { ...FACULTIES, text: 'x'.repeat(TEXT_MAX + 1) })).toBe(false);
});

test('a new script has a name of its own, and changes of other tabs are known', () => {
  const named = (name: string) => ({ id: name, name, text: '' });
  expect(freeName([], 'script')).toBe('script');
  expect(freeName([named('script'), named('script 2')], 'script')).toBe('script 3');
  expect([isOfScripts('weir.sql.script.1'), isOfScripts('weir.language'), isOfScripts(null)]).toEqual([
    true,
    false,
    true,
  ]);
});
