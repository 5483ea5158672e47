import { expect, test } from 'vitest';
import { formatCount, formatDuration, formatPercent, NONE } from './number';

test('what is missing is a dash, and zero is a figure', () => {
  expect(formatCount(undefined)).toBe(NONE);
  expect(formatDuration(null)).toBe(NONE);
  expect(formatPercent(Number.NaN)).toBe(NONE);
  expect(formatCount(0)).toBe('0');
});

test('a duration of a second or more is in seconds', () => {
  expect(formatDuration(999.4)).toMatch(/^999.?ms$/);
  expect(formatDuration(999.6)).toMatch(/^1.?s/);
});
