// Every text of the pages has a translation, and no translation is left over.
import i18next from 'i18next';
import { expect, test } from 'vitest';
import vi from './vi.json';

const CALL = /\bt\(\s*(?:'((?:[^'\\]|\\.)*)'|"([^"]*)")/g;
const files = import.meta.glob<string>(['../**/*.{ts,tsx}', '!../**/*.test.ts'], {
  query: '?raw',
  import: 'default',
  eager: true,
});

function textsOf(source: string): string[] {
  const calls = [...source.matchAll(CALL)];
  return calls.map(([, single, double]) => double ?? (single ?? '').replaceAll("\\'", "'"));
}

const texts = new Set(Object.values(files).flatMap(textsOf));
const translations: Record<string, string> = vi;

test('every text has a Vietnamese translation, and none is left over', () => {
  expect(texts.size).toBeGreaterThan(100);
  expect([...texts].filter((text) => !translations[text])).toEqual([]);
  expect(Object.keys(translations).filter((text) => !texts.has(text))).toEqual([]);
});

test('a translation has the values of its text', () => {
  const valuesOf = (text: string) => [...text.matchAll(/\{\{\w+\}\}/g)].map(String).sort();
  const wrong = Object.entries(translations).filter(
    ([text, translation]) => valuesOf(text).join() !== valuesOf(translation).join(),
  );
  expect(wrong).toEqual([]);
});

test('a text with signs is found as it is, in both languages', async () => {
  const { t } = await import('.');
  expect(t('since {{time}}', { time: '<10:00>' })).toBe('since <10:00>');
  await i18next.changeLanguage('vi');
  expect(t('since {{time}}', { time: '<10:00>' })).toBe('từ <10:00>');
});
