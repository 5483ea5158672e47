import { expect, test } from 'vitest';
import { freeName, keepScripts, readScripts, SCRIPTS_MAX } from './scripts';

function storageOf(text: string | null) {
  let kept = text;
  return {
    getItem: () => kept,
    setItem: (_: string, value: string) => {
      kept = value;
    },
  };
}

test('scripts are read as they were kept', () => {
  const storage = storageOf(null);
  const scripts = [{ id: '1', name: 'faculties', text: 'SELECT 1' }];
  expect(keepScripts(storage, scripts)).toBe(true);
  expect(readScripts(storage)).toEqual(scripts);
});

test('what is no list of scripts is none, and there is an end to them', () => {
  expect(readScripts(storageOf('{broken'))).toEqual([]);
  expect(readScripts(storageOf('{"a": 1}'))).toEqual([]);
  expect(readScripts(storageOf('[null, {"id": 1}]'))).toEqual([]);
  const many = Array.from({ length: 99 }, (_, n) => ({ id: `${n}`, name: `${n}`, text: '' }));
  expect(readScripts(storageOf(JSON.stringify(many)))).toHaveLength(SCRIPTS_MAX);
});

test('a browser without room says so', () => {
  const full = {
    setItem: () => {
      throw new Error('QuotaExceededError');
    },
  };
  expect(keepScripts(full, [])).toBe(false);
});

test('a new script has a name of its own', () => {
  const named = (name: string) => ({ id: name, name, text: '' });
  expect(freeName([], 'script')).toBe('script');
  expect(freeName([named('script'), named('script 2')], 'script')).toBe('script 3');
});
