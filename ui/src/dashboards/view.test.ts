import { expect, test } from 'vitest';
import { lengthOf, rangeBefore, rangeOf, readView, unitFor, withHidden } from './view';

test('an address that makes no sense is a page with its defaults', () => {
  const odd = { period: '1y', from: 'yesterday', to: 7, compare: 'yes', only: ['a'], wall: 1 };
  expect(Object.values(readView(odd)).filter((value) => value !== undefined)).toEqual([{ 0: 'a' }]);
  expect(readView({ from: '2025-12-10', to: '2025-12-09' }).from).toBeUndefined();
});

test('an own period goes before the other, and the period before has the same length', () => {
  const view = readView({ period: '1h', from: '2025-12-09T10:00', to: '2025-12-09T10:30' });
  expect(rangeOf(view)).toEqual({ from: '2025-12-09T10:00', to: '2025-12-09T10:30' });
  expect(rangeBefore(view)).toEqual({ from: '2025-12-09T09:30:00', to: '2025-12-09T10:00' });
  expect(lengthOf(view)).toBe(30 * 60_000);
});

test('the period before a period that ends now', () => {
  expect(rangeBefore({ period: '24h' })).toEqual({ from: '-48h', to: '-24h' });
  expect(rangeBefore({ period: 'all' })).toBeNull();
  expect(rangeOf({ period: 'all' })).toEqual({});
});

test('a drawing has some hundred points at most', () => {
  expect([60_000, 3_600_000, 24 * 3_600_000, 30 * 24 * 3_600_000].map(unitFor)).toEqual([
    'second',
    'minute',
    'hour',
    'day',
  ]);
});

test('an address names the hidden series of each panel, and only those', () => {
  const view = readView({ hidden: { course: ['line-a', 7], map: [], odd: 'line-a' } });
  expect(view.hidden).toEqual({ course: ['line-a'] });
  expect(withHidden(view, 'other', ['before']).hidden).toEqual({ course: ['line-a'], other: ['before'] });
  expect(withHidden(view, 'course', undefined)).toEqual({ hidden: undefined });
  for (const hidden of ['a', 7, null, ['a']]) expect(readView({ hidden }).hidden).toBeUndefined();
});
