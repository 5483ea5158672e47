import { expect, test } from 'vitest';
import { sayFigures, sayMeasure } from './words';

const say = (text: string) => sayMeasure({ text, name: null });

test('a number of windows is not passed off as the number of the period', () => {
  expect(say('max(p95_time)')).toBe('highest p95_time of a window');
  expect(say('max(unique_users)')).toBe('highest unique_users of a window');
  expect(say('sum(unique_users)')).toBe('unique_users of all windows added up');
  expect(say('avg(median_time)')).toBe('mean of the median_time of the windows');
});

test('what can be added up or weighted is exact, and said in plain words', () => {
  expect(say('sum(query_count)')).toBe('sum of query_count');
  expect(say('count(*)')).toBe('number of rows');
  expect(say('avg(avg_time weighted by query_count)')).toBe(
    'mean of avg_time, each window by its query_count',
  );
});

test('the columns and the unit of time follow', () => {
  const measure = { text: 'sum(n)', name: 'n' };
  expect(sayFigures(measure, 'minute(window_start)', ['city'])).toBe('sum of n, by minute, city');
  expect(sayFigures(measure, null)).toBe('sum of n');
});
